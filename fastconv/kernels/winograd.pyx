"""Winograd's F(m x m, 3x3): the forward pass, and both gradients, of a 3x3 convolution of stride 1.

A view of taps (taps.pxd) describes tiles here: m x m outputs each, n x n inputs (n = m + 2), m apart.
A block of tiles is transformed to n^2 planes of (tile, channel), each plane is multiplied by its plane
of the transformed kernel, and the products are transformed back. The grid of tiles begins at the
first output pixel, so a result depends on neither blocks nor batch nor threads.
"""

from libc.string cimport memset

from .gemm cimport ceil_div, grid_axis, multiply_grid, multiply_rows, packed_floats, rows_job
from .isa cimport FC_LINEAR, active_table, fc_winograd
from .taps cimport (
    create_view, delete_view, divide, finish_view, load, locate, tap_block, tap_blocks, tap_image,
    tap_view,
)
from .threads cimport parallel_for, team_size, worker
from .workspace cimport (
    FC_SLOT_IMAGE, FC_SLOT_KERNEL, FC_SLOT_PACK_A, FC_SLOT_PACK_B, FC_SLOT_PLANES, FC_SLOT_ROWS, scratch,
)

cdef enum:
    MAX_M = 4
    BLOCK_FLOATS = 112 * 1024     # of the padded input of a block
    PLANE_FLOATS = 160 * 1024     # of a block's planes before and after the product: they fit L2
    MIN_PIXELS = 512              # even if they do not: fewer would read the kernel too often
    MAX_TILES = 256
    # Transforms amplify rounding errors; short chains of additions make them up.
    CHAIN = 16
    KERNEL_CHANNELS = 16          # transformed in one task, of those that are read
    # They are summed over: fewer would pass over the sums too often, more would make the chains of
    # additions, and so their rounding errors, longer than direct convolution's.
    FILTER_TILES = 128


# Elements between planes: the odd vector keeps planes out of each other's cache sets.
cdef inline Py_ssize_t plane_step(Py_ssize_t tiles, Py_ssize_t channels) noexcept nogil:
    return tiles * channels + 16


cdef struct winograd_context:
    const fc_winograd* transforms
    Py_ssize_t m, n, n_planes    # outputs and inputs of a tile along one axis, n * n
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
    float* u                         # [n_planes] transformed kernel, packed; or [C][F], its gradient
    Py_ssize_t u_step
    float* turning                   # TMP per worker: [n_planes][tile_cols][KERNEL_CHANNELS]
    Py_ssize_t tiles                 # of a full block
    Py_ssize_t chunk_cols, col_chunks
    float* loaded                    # TMP per worker
    float* planes                    # TMP per worker: [n_planes][tiles][depth] and [...][cols]
    Py_ssize_t planes_floats
    float* packed                    # TMP per worker
    Py_ssize_t* offsets              # TMP of summed elements, in a row of a plane
    # gradient for the kernel
    const float* dy
    float* dkernel
    Py_ssize_t number                # the block in hand; its planes are shared
    bint finite                      # all of dkernel
    Py_ssize_t parts                 # its lines of tiles are transformed in as many parts


cdef void kernel_task(void* context, Py_ssize_t task) noexcept nogil:
    """Transform the kernel for some channels read, see gemm.pxd on packed B.

    Rows are read whole, and each panel gets a run of them: neither is far from what came before.
    """
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t tap_step = s.C * s.F, tile_cols = active_table().tile_cols
    cdef Py_ssize_t begin = task * KERNEL_CHANNELS, count = min(<Py_ssize_t>KERNEL_CHANNELS, s.depth - begin)
    cdef Py_ssize_t col = 0, cols, width, k, c, plane, plane_floats = tile_cols * KERNEL_CHANNELS
    cdef float* turning = s.turning + worker() * s.n_planes * plane_floats
    cdef float* u
    while col < s.cols:
        cols = min(tile_cols, s.cols - col)
        width = active_table().vl if cols <= active_table().vl else tile_cols
        u = s.u + col * s.depth + begin * width
        if not s.turned:
            for k in range(count):
                s.transforms.kernel(
                    s.kernel + (begin + k) * s.F + col, tap_step, cols, u + k * width, s.u_step
                )
        else:
            for c in range(cols):
                s.transforms.kernel(
                    s.kernel + 8 * tap_step + (col + c) * s.F + begin, -tap_step, count,
                    turning + c * KERNEL_CHANNELS, plane_floats,
                )
            for plane in range(s.n_planes):
                active_table().pack_columns(
                    u + plane * s.u_step, turning + plane * plane_floats, KERNEL_CHANNELS,
                    count, cols, width,
                )
        col += tile_cols


cdef Py_ssize_t transform_input(
    winograd_context* s, tap_block* block, float* loaded, float* v, Py_ssize_t v_step,
) noexcept nogil:
    """Load a block and write the planes of its tiles; returns how many tiles there are."""
    cdef Py_ssize_t n, i, j, m = 0
    cdef const float* row
    cdef Py_ssize_t origin
    load(block, s.view, &s.image, s.x, loaded)
    origin = (s.view.min_y * block.pixel_row + s.view.min_x) * block.pixel
    for n in range(block.images):
        for i in range(block.rows):
            row = block.data + origin + n * block.image_step + i * block.row_step
            for j in range(block.cols):
                s.transforms.input(
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
    cdef const float* a[MAX_M * MAX_M]
    cdef float* c[MAX_M * MAX_M]
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
    job.b_panel, job.chain = 0, 0
    job.col_begin, job.col_end = col_begin, col_end
    job.bias, job.activation, job.accumulate, job.packed = s.bias, s.activation, False, packed
    multiply_rows(&job)


cdef void block_task(void* context, Py_ssize_t task) noexcept nogil:
    """Compute some output channels of one block of tiles."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t v_step = plane_step(s.tiles, s.depth), m_step = plane_step(s.tiles, s.chunk_cols)
    cdef float* v = s.planes + worker() * s.planes_floats
    cdef float* m = v + s.n_planes * v_step
    cdef float* loaded = s.loaded + worker() * s.blocks.floats
    cdef Py_ssize_t begin = task % s.col_chunks * s.chunk_cols
    cdef Py_ssize_t end = min(begin + s.chunk_cols, s.cols)
    cdef Py_ssize_t n, i, j, t, plane, rows, cols
    cdef grid_axis[3] axes
    cdef int finite
    cdef tap_block block
    cdef rows_job job
    cdef float* out
    cdef const float* corner
    cdef const float* bias = s.bias
    if bias != NULL:
        bias += begin
    locate(&block, &s.blocks, s.view, &s.image, task // s.col_chunks)
    axes[0] = axes[1] = grid_axis(1, 0, 0)
    axes[2] = grid_axis(transform_input(s, &block, loaded, v, v_step), s.depth, s.chunk_cols)
    job.n_taps, job.depth = 1, s.depth
    job.b_taps, job.b_panel = NULL, s.depth * active_table().tile_cols
    job.chain = CHAIN if s.m > 2 else 0
    job.col_begin, job.col_end = begin, end
    job.bias, job.activation, job.accumulate = NULL, FC_LINEAR, False
    job.packed = s.packed + worker() * packed_floats()
    for plane in range(s.n_planes):
        job.b = s.u + plane * s.u_step
        multiply_grid(&job, axes, v + plane * v_step, m + plane * m_step - begin, s.offsets)
    t = 0
    for n in range(block.images):
        for i in range(block.rows):
            rows = min(s.m, s.OH - s.m * (block.row + i))
            for j in range(block.cols):
                cols = min(s.m, s.OW - s.m * (block.col + j))
                out = s.y + ((((block.image + n) * s.OH + s.m * (block.row + i)) * s.OW
                              + s.m * (block.col + j)) * s.cols)
                s.transforms.output(
                    m + t * s.chunk_cols, m_step, end - begin,
                    bias, s.activation,
                    out + begin, s.OW * s.cols, s.cols, rows, cols, &finite,
                )
                if not finite:
                    corner = (block.data + (s.view.min_y * block.pixel_row + s.view.min_x) * block.pixel
                              + n * block.image_step + i * block.row_step + j * block.col_step)
                    direct_tile(s, &block, corner, out, rows, cols, begin, end, job.packed)
                t += 1


cdef void spread_task(void* context, Py_ssize_t part) noexcept nogil:
    """Transform x and dy of some lines of tiles of the block in hand."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t v_step = plane_step(s.tiles, s.depth), z_step = plane_step(s.tiles, s.F)
    cdef float* v = s.planes
    cdef float* z = v + s.n_planes * v_step
    cdef float* loaded = s.loaded + worker() * s.blocks.floats
    cdef tap_block block, lines
    cdef Py_ssize_t line, end, i, j, m
    cdef const float* dy
    locate(&block, &s.blocks, s.view, &s.image, s.number)
    line = block.images * block.rows * part // s.parts
    end = block.images * block.rows * (part + 1) // s.parts
    while line < end:
        lines = block
        lines.image, lines.images = block.image + line // block.rows, 1
        lines.row, lines.rows = block.row + line % block.rows, min(end - line, block.rows - line % block.rows)
        m = line * block.cols
        transform_input(s, &lines, loaded, v + m * s.depth, v_step)
        for i in range(lines.rows):
            for j in range(lines.cols):
                dy = s.dy + ((lines.image * s.OH + s.m * (lines.row + i)) * s.OW
                             + s.m * (lines.col + j)) * s.F
                s.transforms.spread(
                    dy, s.OW * s.F, s.F, min(s.m, s.OH - s.m * (lines.row + i)),
                    min(s.m, s.OW - s.m * (lines.col + j)), s.F, z + m * s.F, z_step,
                )
                m += 1
        line += lines.rows


cdef void plane_task(void* context, Py_ssize_t task) noexcept nogil:
    """Add one plane's products of the block in hand, for some input channels."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t v_step = plane_step(s.tiles, s.depth), z_step = plane_step(s.tiles, s.F)
    cdef Py_ssize_t plane = task // s.col_chunks, begin = task % s.col_chunks * s.chunk_cols
    cdef grid_axis[3] axes
    cdef tap_block block
    cdef rows_job job
    locate(&block, &s.blocks, s.view, &s.image, s.number)
    axes[0] = axes[1] = grid_axis(1, 0, 0)
    axes[2] = grid_axis(min(s.chunk_cols, s.C - begin), 1, s.F)
    job.n_taps, job.depth = 1, block.images * block.rows * block.cols
    job.b = s.planes + s.n_planes * v_step + plane * z_step
    job.b_taps, job.b_depth, job.b_k, job.b_n = NULL, job.depth, s.F, 1
    job.b_panel, job.chain = 0, CHAIN
    job.col_begin, job.col_end = 0, s.F
    job.bias, job.activation, job.accumulate = NULL, FC_LINEAR, s.number > 0
    job.packed = s.packed + worker() * packed_floats()
    multiply_grid(
        &job, axes, s.planes + plane * v_step + begin, s.u + plane * s.u_step + begin * s.F, s.offsets
    )


cdef void gather_task(void* context, Py_ssize_t c) noexcept nogil:
    """Transform back the summed products of one input channel."""
    cdef winograd_context* s = <winograd_context*>context
    cdef int finite
    s.transforms.gather(
        s.u + c * s.F, s.u_step, s.F, s.dkernel + c * s.F, s.C * s.F, &finite
    )
    if not finite:
        s.finite = False


cdef class Winograd:
    """One direction of one 3x3 convolution; made once per problem, used by any thread.

    Parameters
    ----------
    m : 2, 3 or 4
        Outputs of a tile along each axis.
    image : (N, H, W, channels)
        The array that is read: x, or dy for the gradient for the input.
    output : (OH, OW, channels)
        One image of the array that is written: y, or dx.
    kernel : (C, F)
        Channels of the kernel array.
    turned : bool
        Compute the gradient for the input: the kernel is turned over and read along F.
    view : tuple
        Tiles as a view with (m + 2)^2 taps, see taps.create_view.
    """

    cdef tap_view view
    cdef tap_image image
    cdef Py_ssize_t m, OH, OW, cols, C, F
    cdef bint turned

    def __cinit__(self, m, image, output, kernel, turned, view):
        self.m = m
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = self.image.C
        self.OH, self.OW, self.cols = output
        self.C, self.F = kernel
        self.turned = turned
        create_view(&self.view, view)
        finish_view(&self.view, &self.image)

    def __dealloc__(self):
        delete_view(&self.view)

    cdef void describe(self, winograd_context* s, bint filter) noexcept nogil:
        """Fill in everything that follows from the shapes."""
        cdef Py_ssize_t tile_cols = active_table().tile_cols, tiles
        s.transforms = &active_table().winograd[self.m - 2]
        s.m, s.n, s.n_planes = self.m, self.m + 2, (self.m + 2) * (self.m + 2)
        s.view, s.image = &self.view, self.image
        s.OH, s.OW, s.depth, s.cols = self.OH, self.OW, self.image.C, self.cols
        s.C, s.F, s.turned = self.C, self.F, self.turned
        if filter:
            tiles = FILTER_TILES
            s.u_step = s.C * s.F + 16
        else:
            tiles = PLANE_FLOATS // (s.n_planes * (self.image.C + self.cols))
            tiles = min(max(tiles, MIN_PIXELS // (s.m * s.m)), MAX_TILES)
            s.u_step = s.depth * ceil_div(s.cols, tile_cols) * tile_cols + 16
        divide(&s.blocks, &self.view, &self.image, BLOCK_FLOATS, tiles)
        s.tiles = s.blocks.images * s.blocks.rows * s.blocks.cols

    cdef void reserve(
        self, winograd_context* s, int team, int planes, Py_ssize_t depth, Py_ssize_t step,
    ) except *:
        """Get scratch memory: `planes` blocks of planes, `depth` summed elements `step` apart."""
        cdef Py_ssize_t k
        s.loaded = scratch(FC_SLOT_IMAGE, team * s.blocks.floats + 1)
        s.planes = scratch(FC_SLOT_PLANES, planes * s.planes_floats)
        s.packed = scratch(FC_SLOT_PACK_B, team * packed_floats())
        s.offsets = <Py_ssize_t*>scratch(FC_SLOT_ROWS, depth * sizeof(Py_ssize_t) // sizeof(float))
        for k in range(depth):
            s.offsets[k] = k * step

    cdef void transform_kernel(self, winograd_context* s) except *:
        """Write s.u."""
        cdef Py_ssize_t tasks = ceil_div(s.depth, KERNEL_CHANNELS)
        cdef int team = team_size(tasks, 0.5 * s.n_planes * s.C * s.F)
        cdef Py_ssize_t floats = s.n_planes * active_table().tile_cols * KERNEL_CHANNELS
        s.turning = scratch(FC_SLOT_PACK_A, team * floats)
        with nogil:
            parallel_for(kernel_task, s, tasks, team)

    def packed_floats(self) -> int:
        """Return the size of a packed kernel on the active instruction set."""
        cdef winograd_context s
        self.describe(&s, False)
        return s.n_planes * s.u_step

    def pack(self, const float[::1] kernel not None, float[::1] packed not None) -> None:
        """Write the transformed kernel as `run` wants it."""
        cdef winograd_context s
        self.describe(&s, False)
        s.kernel, s.u = &kernel[0], &packed[0]
        self.transform_kernel(&s)

    def run(
        self, const float[::1] x not None, const float[::1] kernel not None, float[::1] y not None,
        const float[::1] bias=None, int activation=0, const float[::1] packed=None,
    ) -> None:
        """Compute y from flat arrays; sizes are the caller's to check."""
        cdef winograd_context s
        cdef int team
        cdef Py_ssize_t tile_cols = active_table().tile_cols
        cdef double cycles
        if y.shape[0] == 0:
            return
        self.describe(&s, False)
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
        s.planes_floats = s.n_planes * (plane_step(s.tiles, s.depth) + plane_step(s.tiles, s.chunk_cols))
        self.reserve(&s, team, team, s.depth, 1)
        if packed is not None:
            s.u = <float*>&packed[0]  # only read
        else:
            s.u = scratch(FC_SLOT_KERNEL, s.n_planes * s.u_step)
            self.transform_kernel(&s)
        with nogil:
            parallel_for(block_task, &s, s.blocks.count * s.col_chunks, team)

    def run_filter(
        self, const float[::1] x not None, const float[::1] dy not None,
        float[::1] dkernel not None,
    ) -> bool:
        """Compute dkernel from flat arrays (not for a turned problem); sizes are the caller's.

        Returns False when some of it is infinite or NaN: transforms spread either over all nine taps,
        so the caller computes such a gradient directly.
        """
        cdef winograd_context s
        cdef int team
        self.describe(&s, True)
        s.dkernel = &dkernel[0]
        if dy.shape[0] == 0:
            memset(s.dkernel, 0, dkernel.shape[0] * sizeof(float))
            return True
        s.x, s.dy = &x[0], &dy[0]
        team = team_size(s.n_planes, 2.0 * dy.shape[0] * s.depth / active_table().vl)
        s.chunk_cols, s.col_chunks, s.parts = s.C, 1, team
        s.planes_floats = s.n_planes * (plane_step(s.tiles, s.depth) + plane_step(s.tiles, s.F))
        self.reserve(&s, team, 1, s.tiles, s.depth)
        s.u = scratch(FC_SLOT_KERNEL, s.n_planes * s.u_step)
        s.finite = True
        with nogil:
            for s.number in range(s.blocks.count):
                parallel_for(spread_task, &s, s.parts, team)
                parallel_for(plane_task, &s, s.n_planes * s.col_chunks, team)
            parallel_for(gather_task, &s, s.C, team_size(s.C, 3.0 * s.C * s.F))
        return s.finite

    def workspace_bytes(self) -> int:
        """Return the scratch memory: the transformed kernel, and one thread's block."""
        cdef winograd_context s
        self.describe(&s, False)
        planes = s.n_planes * (plane_step(s.tiles, s.depth) + plane_step(s.tiles, s.cols))
        return 4 * (s.blocks.floats + planes + packed_floats() + s.n_planes * s.u_step) + 8 * s.depth
