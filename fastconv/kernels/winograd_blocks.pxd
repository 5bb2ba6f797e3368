# Winograd's tiles: what the forward pass and the gradient for the kernel share.
#
# A convolution is cut into parts, each of which is one of stride 1 with at most rv x rh taps. They
# differ in the phase of the strides that they read, and in how many tiles further on they begin; their
# products are summed before the transform back. A grid of transformed tiles serves all of a phase.

from libc.stdint cimport uint16_t

from .isa cimport fc_winograd
from .taps cimport tap_block, tap_blocks, tap_image, tap_view

cdef struct winograd_part:
    Py_ssize_t phase                 # row * SW + column
    Py_ssize_t row, col              # tiles further down and right
    bint full_rows, full_cols        # else the last tap of that axis is none: its plane is zero

cdef struct winograd_context:
    const fc_winograd* transforms
    Py_ssize_t mv, mh                # outputs of a tile along either axis
    Py_ssize_t nv, nh, n_planes      # inputs of a part's tile, nv * nh
    bint lying                       # a tile of one axis, which is the horizontal one
    Py_ssize_t KH, KW, SH, SW
    Py_ssize_t phases, n_parts       # SH * SW
    const winograd_part* parts
    const Py_ssize_t* taps           # [n_parts][rv * rh] elements of the kernel array; < 0: no tap
    Py_ssize_t rows_after, cols_after  # tiles read beyond those written
    const tap_view* view             # of the tiles that are read
    tap_view outputs                 # of those that are written, as blocks divide them
    tap_image image
    tap_blocks blocks
    const float* x
    float* y
    void* maxima                     # a Maxima that takes the results, or NULL
    Py_ssize_t pooled_rows           # of tiles that it takes together
    float* results                   # TMP per worker: as many rows of an image
    const float* kernel
    const float* bias
    Py_ssize_t added                 # floats from a result to what is added to it; 0: nothing
    int activation
    Py_ssize_t OH, OW, depth, cols   # one image of the result; channels read and written
    Py_ssize_t C, F                  # of the kernel array
    bint turned                      # the gradient for the input: kernel turned over, F read
    float* u                         # [n_parts][n_planes] transformed kernel, packed; or [C][F], its gradient
    Py_ssize_t u_step
    float* turning                   # TMP per worker: [n_planes][tile_cols][KERNEL_CHANNELS]
    int halves                       # bfloat16 numbers that a transformed float is split into; 0: none
    uint16_t* u_halves               # [n_planes][column block][step][halves][FC_SPLIT_B], in place of u
    uint16_t* loaded_halves          # TMP per worker: [halves][phases][C / 32][read_tiles][32] of one plane
    Py_ssize_t halves_floats         # their size
    Py_ssize_t col_unit              # columns that are multiplied together
    Py_ssize_t tiles, read_tiles     # of a full block
    Py_ssize_t chunk_cols, col_chunks
    float* loaded                    # TMP per worker: the pixels of a tile
    float* planes                    # TMP per worker: [phases][n_planes][read_tiles][depth] and [...][cols]
    Py_ssize_t planes_floats
    float* packed                    # TMP per worker
    Py_ssize_t* tap_offsets          # TMP per worker: [2 * KH * KW], rows and steps of split products
    Py_ssize_t words                 # their number
    # gradient for the kernel
    const float* dy
    float* dkernel
    Py_ssize_t number                # the block in hand; its planes are shared
    bint finite                      # all of dkernel
    Py_ssize_t shares                # its lines of tiles are transformed in as many

cdef enum:
    CHAIN = 16            # transforms amplify rounding errors; short chains of additions make them up
    KERNEL_CHANNELS = 16  # transformed in one task, of those that are read

cdef void locate_tiles(
    const winograd_context* s, Py_ssize_t number, tap_block* block, tap_block* read
) noexcept nogil
cdef void transform_input(
    const winograd_context* s, const tap_block* read, float* v, Py_ssize_t v_step
) noexcept nogil
cdef void kernel_task(void* context, Py_ssize_t task) noexcept nogil
cdef void block_task(void* context, Py_ssize_t task) noexcept nogil


# Elements between planes: the odd vector keeps planes out of each other's cache sets.
cdef inline Py_ssize_t plane_step(Py_ssize_t tiles, Py_ssize_t channels) noexcept nogil:
    return tiles * channels + 16


# Whether a plane of a part's kernel is zero: infinity's, where there is no last tap.
cdef inline bint is_zero(const winograd_context* s, Py_ssize_t part, Py_ssize_t plane) noexcept nogil:
    return ((plane // s.nh == s.nv - 1 and not s.parts[part].full_rows)
            or (plane % s.nh == s.nh - 1 and not s.parts[part].full_cols))


# Floats of all pixels that the outputs of a tile are computed from directly.
cdef inline Py_ssize_t tile_floats(const winograd_context* s) noexcept nogil:
    return ((s.mv - 1) * s.SH + s.KH) * ((s.mh - 1) * s.SW + s.KW) * s.depth
