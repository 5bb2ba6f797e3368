# One convolution in Winograd's tiles, for the gradient for the kernel too.

from .pooling cimport Maxima
from .taps cimport tap_image, tap_view
from .winograd_blocks cimport winograd_context, winograd_part

cdef class Winograd:
    cdef tap_view view
    cdef tap_image image
    cdef Py_ssize_t member, OH, OW, cols, KH, KW, SH, SW, C, F, n_parts, rows_after, cols_after
    cdef bint lying, turned
    cdef int halves
    cdef winograd_part* parts
    cdef Py_ssize_t* taps

    cdef void describe(
        self, winograd_context* s, Py_ssize_t fewest, Py_ssize_t most
    ) noexcept nogil
    cdef void reserve(self, winograd_context* s, int team, int planes) except *
    cdef void count_tiles(self, winograd_context* s) noexcept nogil
    cdef void prepare(self, winograd_context* s, Maxima maxima=*) noexcept
    cdef void transform_kernel(self, winograd_context* s) except *
    cdef void keep_kernel(self, winograd_context* s, float* packed) noexcept
    cdef Py_ssize_t kernel_floats(self, const winograd_context* s) noexcept
