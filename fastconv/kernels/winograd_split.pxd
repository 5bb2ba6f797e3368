# Winograd's products from split floats (csrc/split/split.h).

from .taps cimport tap_block
from .winograd_blocks cimport winograd_context

# Fill in what follows from the shapes, behind everything else.
cdef void describe_halves(winograd_context* s, int halves) noexcept nogil

# Bfloat16 numbers of the packed kernel.
cdef Py_ssize_t kernel_halves(const winograd_context* s) noexcept nogil

# Transform some channels of a part of the kernel, see kernel_task.
cdef void kernel_halves_task(void* context, Py_ssize_t task) noexcept nogil

# The products of a block's tiles for columns begin to end, as multiply_planes computes them.
cdef void multiply_halves(
    const winograd_context* s, Py_ssize_t begin, Py_ssize_t end, const tap_block* block,
    const tap_block* read, const float* v, Py_ssize_t v_step, float* m, Py_ssize_t m_step,
) noexcept nogil
