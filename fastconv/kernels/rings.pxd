# Windows over images, one channel at a time, and the copies of rows that they are read from.
#
# Along each axis, output number u * period + phase reads the inputs u * stride - pad + t *
# dilation, times tap k_first + t * k_step of the kernel, for t in [0, taps). The forward pass has
# period 1. The gradient for the input has one axis for each phase of the strides, with only those
# taps that divide, and reads dy with stride 1: the same loop does both.
#
# Results are worked off in blocks of columns and channels, so that the rows that a block's windows
# meet stay in L1. Where a channel has several filters, or all pixels would fall into the same set of
# L1, the rows are copied to a ring of slots, each once, with zeros beside the image; else they are
# read in place, and outputs at the border leave out the taps beside the image.

from .isa cimport fc_depthwise_block, fc_ukernels

cdef struct axis:
    Py_ssize_t taps, k_first, k_step
    Py_ssize_t stride, dilation, pad

# What all blocks share. Sizes of blocks follow from the other sizes alone.
cdef struct windows:
    const fc_ukernels* table
    const axis* rows             # [period_h]
    const axis* cols             # [period_w]
    Py_ssize_t period_h, period_w
    Py_ssize_t N, H, W, C        # x: what the windows slide over
    Py_ssize_t M                 # filters a channel: output channel i reads channel i / M
    Py_ssize_t OH, OW, channels  # outputs; channels = C * M
    Py_ssize_t KW, taps          # of the whole kernel
    const float* x
    bint in_place                # rows are read where they lie: no copies
    Py_ssize_t block_channels, channel_blocks
    Py_ssize_t block_cols, col_blocks
    Py_ssize_t slots, width      # of a ring: rows, pixels of each
    float* copies                # TMP per worker: a ring, then a block of the kernel
    Py_ssize_t copy_floats
    Py_ssize_t* words            # TMP per worker: rows held [slots], pointers to rows [slots]

# The rows of one image, columns [begin, begin + block.width), that a worker has copied.
cdef struct ring:
    const windows* of
    fc_depthwise_block block
    const float* image
    Py_ssize_t begin, pixel      # first column of a row, floats between its columns
    float* memory
    Py_ssize_t* held             # number of the row in each slot, or -1
    const float** rows           # those of the current window that exist

# Outputs [output, output + outputs) of a row that have the taps [tap, tap + taps) of a row; the first
# tap of the first output, or the last one of the last, may be missing, see fc_depthwise.
cdef struct piece:
    Py_ssize_t output, outputs, tap, taps
    bint left, right

cdef Py_ssize_t count_axes(tuple geometry, bint backward) except -1
cdef int describe(windows* w, axis* axes, tuple x_shape, tuple y_shape, tuple kernel_shape,
                  tuple geometry, bint backward) except -1
cdef int get_copies(windows* w, int team) except -1
cdef void begin_ring(ring* r, const windows* w, Py_ssize_t image, Py_ssize_t channel,
                     Py_ssize_t col, Py_ssize_t cols) noexcept nogil
cdef void gather_rows(ring* r, const axis* a, Py_ssize_t top, Py_ssize_t* first,
                      Py_ssize_t* count) noexcept nogil
cdef void next_piece(piece* p, const windows* w, const axis* a, Py_ssize_t first,
                     Py_ssize_t count) noexcept nogil
cdef const float* copy_kernel(const ring* r, const float* kernel) noexcept nogil
