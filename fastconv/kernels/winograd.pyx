"""Winograd's F(2x2, 3x3): the forward pass, and both gradients, of a 3x3 convolution of stride 1.

A view of taps (taps.pxd) describes tiles here: 2 x 2 outputs each, 4 x 4 inputs, 2 apart. A block of
tiles is transformed to 16 planes of (tile, channel), each plane is multiplied by its plane of the
transformed kernel, and the 16 products are transformed back. The grid of tiles begins at the first
output pixel, so a result depends on neither blocks nor batch nor threads.
"""

from .gemm cimport ceil_div, multiply_rows, packed_floats, rows_job
from .isa cimport FC_LINEAR, active_table
from .taps cimport (
    create_view, delete_view, divide, finish_view, load, locate, tap_block, tap_blocks, tap_image,
    tap_view,
)
from .threads cimport parallel_for, team_size, worker
from .workspace cimport (
    FC_SLOT_IMAGE, FC_SLOT_KERNEL, FC_SLOT_PACK_B, FC_SLOT_PARTIAL, FC_SLOT_PLANES, FC_SLOT_ROWS,
    scratch,
)

cdef enum:
    PLANES = 16
    BLOCK_FLOATS = 112 * 1024     # of the padded input of a block
    PLANE_FLOATS = 160 * 1024     # of a block's planes before and after the product: they fit L2
    MIN_TILES = 64                # even if they do not: fewer would read the kernel too often
    MAX_TILES = 256


# Elements between planes: the odd vector keeps planes out of each other's cache sets.
cdef inline Py_ssize_t plane_step(Py_ssize_t tiles, Py_ssize_t channels) noexcept nogil:
    return tiles * channels + 16


cdef struct winograd_context:
    const tap_view* view
    tap_image image
    tap_blocks blocks
    const float* x
    float* y
    const float* kernel
    const float* bias
    int activation
    Py_ssize_t OH, OW, depth, cols   # one image of the result; channels read and written
    Py_ssize_t C, F                  # of the kernel array
    bint turned                      # the gradient for the input: kernel turned over, F read
    float* u                         # TMP [16][C][F] transformed kernel
    Py_ssize_t u_step
    Py_ssize_t tiles                 # of a full block
    Py_ssize_t chunk_cols, col_chunks
    float* loaded                    # TMP per worker
    float* planes                    # TMP per worker: [16][tiles][depth] and [16][tiles][cols]
    Py_ssize_t planes_floats
    float* packed                    # TMP per worker
    Py_ssize_t* words                # TMP per worker
    # gradient for the kernel
    const float* dy
    float* sums                      # TMP [16][C][F]
    Py_ssize_t number


cdef void kernel_task(void* context, Py_ssize_t c) noexcept nogil:
    """Transform the kernel of one input channel."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t tap_step = s.C * s.F
    cdef const float* g = s.kernel + c * s.F
    if s.turned:
        active_table().winograd2_kernel(g + 8 * tap_step, -tap_step, s.F, s.u + c * s.F, s.u_step)
    else:
        active_table().winograd2_kernel(g, tap_step, s.F, s.u + c * s.F, s.u_step)


cdef Py_ssize_t transform_input(
    winograd_context* s, tap_block* block, float* loaded, float* v, Py_ssize_t v_step,
) noexcept nogil:
    """Load a block and write the 16 planes of its tiles; returns how many there are."""
    cdef Py_ssize_t n, i, j, m = 0
    cdef const float* row
    cdef Py_ssize_t origin
    load(block, s.view, &s.image, s.x, loaded)
    origin = (s.view.min_y * block.pixel_row + s.view.min_x) * block.pixel
    for n in range(block.images):
        for i in range(block.rows):
            row = block.data + origin + n * block.image_step + i * block.row_step
            for j in range(block.cols):
                active_table().winograd2_input(
                    row + j * block.col_step, block.pixel_row * block.pixel, block.pixel,
                    s.depth, v + m * s.depth, v_step,
                )
                m += 1
    return m


cdef void direct_tile(
    winograd_context* s, const tap_block* block, const float* corner, float* out,
    Py_ssize_t rows, Py_ssize_t cols, Py_ssize_t col_begin, Py_ssize_t col_end, float* packed,
) noexcept nogil:
    """Compute the outputs of one tile without transforms: it holds infinities or NaN."""
    cdef const float* a[4]
    cdef float* c[4]
    cdef Py_ssize_t taps[9]
    cdef Py_ssize_t b_taps[9]
    cdef Py_ssize_t i, j, t
    cdef rows_job job
    for t in range(9):
        taps[t] = (t // 3 * block.pixel_row + t % 3) * block.pixel
        b_taps[t] = (8 - t if s.turned else t) * s.C * s.F
    job.rows = 0
    for i in range(rows):
        for j in range(cols):
            a[job.rows] = corner + (i * block.pixel_row + j) * block.pixel
            c[job.rows] = out + (i * s.OW + j) * s.cols
            job.rows += 1
    job.a, job.c = a, c
    job.taps, job.n_taps, job.depth, job.a_step = taps, 9, s.depth, 1
    job.b, job.b_taps, job.b_depth = s.kernel, b_taps, s.depth
    job.b_k = 1 if s.turned else s.F
    job.b_n = s.F if s.turned else 1
    job.col_begin, job.col_end = col_begin, col_end
    job.bias, job.activation, job.accumulate, job.packed = s.bias, s.activation, False, packed
    multiply_rows(&job)


cdef void block_task(void* context, Py_ssize_t task) noexcept nogil:
    """Compute some output channels of one block of tiles."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t v_step = plane_step(s.tiles, s.depth), m_step = plane_step(s.tiles, s.chunk_cols)
    cdef float* v = s.planes + worker() * s.planes_floats
    cdef float* m = v + PLANES * v_step
    cdef float* loaded = s.loaded + worker() * s.blocks.floats
    cdef const float** a = <const float**>(s.words + worker() * 2 * s.tiles)
    cdef float** c = <float**>(s.words + worker() * 2 * s.tiles + s.tiles)
    cdef Py_ssize_t begin = task % s.col_chunks * s.chunk_cols
    cdef Py_ssize_t end = min(begin + s.chunk_cols, s.cols)
    cdef Py_ssize_t n, i, j, t, plane, tiles, offset = 0, rows, cols
    cdef int finite
    cdef tap_block block
    cdef rows_job job
    cdef float* out
    cdef const float* corner
    locate(&block, &s.blocks, s.view, &s.image, task // s.col_chunks)
    tiles = transform_input(s, &block, loaded, v, v_step)
    job.a, job.c, job.rows = a, c, tiles
    job.taps, job.n_taps, job.depth, job.a_step = &offset, 1, s.depth, 1
    job.b_taps, job.b_depth = NULL, s.depth
    job.b_k = 1 if s.turned else s.F
    job.b_n = s.F if s.turned else 1
    job.col_begin, job.col_end = begin, end
    job.bias, job.activation, job.accumulate = NULL, FC_LINEAR, False
    job.packed = s.packed + worker() * packed_floats()
    for plane in range(PLANES):
        job.b = s.u + plane * s.u_step
        for t in range(tiles):
            a[t] = v + plane * v_step + t * s.depth
            c[t] = m + plane * m_step + t * s.chunk_cols - begin
        multiply_rows(&job)
    t = 0
    for n in range(block.images):
        for i in range(block.rows):
            rows = min(2, s.OH - 2 * (block.row + i))
            for j in range(block.cols):
                cols = min(2, s.OW - 2 * (block.col + j))
                out = s.y + ((((block.image + n) * s.OH + 2 * (block.row + i)) * s.OW
                              + 2 * (block.col + j)) * s.cols)
                active_table().winograd2_output(
                    m + t * s.chunk_cols, m_step, end - begin,
                    NULL if s.bias == NULL else s.bias + begin, s.activation,
                    out + begin, s.OW * s.cols, s.cols, rows, cols, &finite,
                )
                if not finite:
                    corner = (block.data + (s.view.min_y * block.pixel_row + s.view.min_x) * block.pixel
                              + n * block.image_step + i * block.row_step + j * block.col_step)
                    direct_tile(s, &block, corner, out, rows, cols, begin, end, job.packed)
                t += 1


cdef class Winograd2:
    """One direction of one 3x3 convolution; made once per problem, used by any thread.

    Parameters
    ----------
    image : (N, H, W, channels)
        The array that is read: x, or dy for the gradient for the input.
    output : (OH, OW, channels)
        One image of the array that is written: y, or dx.
    kernel : (C, F)
        Channels of the kernel array.
    turned : bool
        Compute the gradient for the input: the kernel is turned over and read along F.
    view : tuple
        Tiles as a view with 16 taps, see taps.create_view.
    """

    cdef tap_view view
    cdef tap_image image
    cdef Py_ssize_t OH, OW, cols, C, F
    cdef bint turned

    def __cinit__(self, image, output, kernel, turned, view):
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = self.image.C
        self.OH, self.OW, self.cols = output
        self.C, self.F = kernel
        self.turned = turned
        create_view(&self.view, view)
        finish_view(&self.view, &self.image)

    def __dealloc__(self):
        delete_view(&self.view)

    cdef void describe(self, winograd_context* s) noexcept nogil:
        """Fill in everything that follows from the shapes."""
        cdef Py_ssize_t tiles = PLANE_FLOATS // (PLANES * (self.image.C + self.cols))
        s.view, s.image = &self.view, self.image
        s.OH, s.OW, s.depth, s.cols = self.OH, self.OW, self.image.C, self.cols
        s.C, s.F, s.turned = self.C, self.F, self.turned
        tiles = min(max(tiles, <Py_ssize_t>MIN_TILES), <Py_ssize_t>MAX_TILES)
        divide(&s.blocks, &self.view, &self.image, BLOCK_FLOATS, tiles)
        s.tiles = s.blocks.images * s.blocks.rows * s.blocks.cols
        s.u_step = s.C * s.F + 16

    cdef void reserve(self, winograd_context* s, int team) except *:
        """Get the scratch memory that every direction needs."""
        s.planes_floats = PLANES * (plane_step(s.tiles, s.depth) + plane_step(s.tiles, s.chunk_cols))
        s.loaded = scratch(FC_SLOT_IMAGE, team * s.blocks.floats + 1)
        s.planes = scratch(FC_SLOT_PLANES, team * s.planes_floats)
        s.packed = scratch(FC_SLOT_PACK_B, team * packed_floats())
        s.words = <Py_ssize_t*>scratch(
            FC_SLOT_ROWS, team * 2 * s.tiles * sizeof(void*) // sizeof(float)
        )

    def run(
        self, const float[::1] x not None, const float[::1] kernel not None, float[::1] y not None,
        const float[::1] bias=None, int activation=0,
    ) -> None:
        """Compute y from flat arrays; sizes are the caller's to check."""
        cdef winograd_context s
        cdef int team
        cdef Py_ssize_t tile_cols = active_table().tile_cols
        cdef double cycles
        if y.shape[0] == 0:
            return
        self.describe(&s)
        s.x, s.kernel, s.y = &x[0], &kernel[0], &y[0]
        s.bias = &bias[0] if bias is not None else NULL
        s.activation = activation
        cycles = 2.0 * y.shape[0] * s.depth / active_table().vl
        team = team_size(s.blocks.count * ceil_div(s.cols, tile_cols), cycles)
        s.chunk_cols = s.cols
        while team > 1 and s.blocks.count * ceil_div(s.cols, s.chunk_cols) < 2 * team \
                and s.chunk_cols > tile_cols:
            s.chunk_cols = ceil_div(s.chunk_cols, 2 * tile_cols) * tile_cols
        s.col_chunks = ceil_div(s.cols, s.chunk_cols)
        self.reserve(&s, team)
        s.u = scratch(FC_SLOT_KERNEL, PLANES * s.u_step)
        with nogil:
            parallel_for(kernel_task, &s, s.C, team_size(s.C, 3.0 * s.C * s.F))
            parallel_for(block_task, &s, s.blocks.count * s.col_chunks, team)

    def workspace_bytes(self) -> int:
        """Return the scratch memory: the transformed kernel, and one thread's block."""
        cdef winograd_context s
        self.describe(&s)
        planes = PLANES * (plane_step(s.tiles, s.depth) + plane_step(s.tiles, s.cols))
        return 4 * (s.blocks.floats + planes + packed_floats() + PLANES * s.u_step) + 16 * s.tiles
