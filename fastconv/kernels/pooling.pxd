# Maxima over windows of an image that is never written: a convolution hands over some rows at a time.

from .isa cimport fc_pool

cdef class Maxima:
    cdef object arrays           # kept: tasks have their addresses only
    cdef fc_pool pool            # windows that do not overlap, without padding
    cdef float* y                # OUT (N, OH, OW, C)
    cdef signed char* argmax     # OUT (N, OH, OW, C), or NULL

    # Pool rows [row, row + rows) of an image, channels [begin, end): x[rows][W][C] is laid out like
    # them. `row` is a multiple of the windows' distance; `rows` too, where the image goes on.
    cdef void take(self, Py_ssize_t image, Py_ssize_t row, Py_ssize_t rows, const float* x,
                   Py_ssize_t begin, Py_ssize_t end) noexcept nogil
