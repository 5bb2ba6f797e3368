"""Winograd's F(m, r): the forward pass of a convolution, and the gradient for its input.

A tile has mv x mh outputs; tiles of a part of the convolution (winograd.pxd) read nv x nh pixels each. A
block of tiles is transformed to planes of (tile, channel), each plane is multiplied by its plane of
each part's transformed kernel, and the sums of products are transformed back. The grid of tiles begins
at the first output pixel, so a result depends on neither blocks nor batch nor threads.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memset

from .gemm cimport ceil_div, grid_axis, multiply_grid, multiply_rows, packed_floats, rows_job, way_to
from .isa cimport (
    FC_LINEAR, FC_WINOGRAD_MEMBERS, active_table, fc_ukernels, fc_winograd, fc_winograd_window,
)
from .pooling cimport Maxima
from .taps cimport (
    create_view, delete_view, divide, finish_view, load, locate, take_whole_rows, tap_block, tap_view,
)
from .threads cimport parallel_for, team_size, worker
from .workspace cimport (
    FC_SLOT_IMAGE, FC_SLOT_KERNEL, FC_SLOT_PACK_A, FC_SLOT_PACK_B, FC_SLOT_PARTIAL, FC_SLOT_PLANES,
    FC_SLOT_ROWS, scratch,
)

cdef enum:
    MAX_M = 4
    BLOCK_FLOATS = 112 * 1024     # of the padded input of a block
    PLANE_FLOATS = 160 * 1024     # of a block's planes before and after the product: L2 holds them
    MIN_PIXELS = 512              # of a block: fewer would read the kernel too often
    MAX_TILES = 256
    KERNEL_CHANNELS = 16          # transformed in one task, of those that are read
    MAX_POOLED_FLOATS = 128 * 1024  # of a few rows of results that are pooled: they stay in L2


# Elements between planes: the odd vector keeps planes out of each other's cache sets.
cdef Py_ssize_t plane_step(Py_ssize_t tiles, Py_ssize_t channels) noexcept nogil:
    return tiles * channels + 16


cdef bint is_zero(const winograd_context* s, Py_ssize_t part, Py_ssize_t plane) noexcept nogil:
    """Return whether a plane of a part's kernel is zero: infinity's, where there is no last tap."""
    return ((plane // s.nh == s.nv - 1 and not s.parts[part].full_rows)
            or (plane % s.nh == s.nh - 1 and not s.parts[part].full_cols))


cdef void locate_tiles(
    const winograd_context* s, Py_ssize_t number, tap_block* block, tap_block* read,
) noexcept nogil:
    """Fill in which tiles a block writes, and which it reads."""
    locate(block, &s.blocks, &s.outputs, &s.image, number)
    read[0] = block[0]
    read.rows += s.rows_after
    read.cols += s.cols_after


cdef void kernel_task(void* context, Py_ssize_t task) noexcept nogil:
    """Transform a part of the kernel for some channels read, see gemm.pxd on packed B.

    Rows are read whole, and each panel gets a run of them: neither is far from what came before.
    """
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t tile_cols = active_table().tile_cols, tasks = ceil_div(s.depth, KERNEL_CHANNELS)
    cdef Py_ssize_t part = task // tasks, begin = task % tasks * KERNEL_CHANNELS
    cdef Py_ssize_t count = min(<Py_ssize_t>KERNEL_CHANNELS, s.depth - begin)
    cdef Py_ssize_t col = 0, cols, width, k, c, plane, plane_floats = tile_cols * KERNEL_CHANNELS
    cdef const Py_ssize_t* taps = s.taps + part * s.transforms.rv * s.transforms.rh
    cdef float* turning = s.turning + worker() * s.n_planes * plane_floats
    cdef float* u
    while col < s.cols:
        cols = min(tile_cols, s.cols - col)
        width = active_table().vl if cols <= active_table().vl else tile_cols
        u = s.u + part * s.n_planes * s.u_step + col * s.depth + begin * width
        if not s.turned:
            for k in range(count):
                s.transforms.kernel(
                    s.kernel + (begin + k) * s.F + col, taps, cols, u + k * width, s.u_step
                )
        else:
            for c in range(cols):
                s.transforms.kernel(
                    s.kernel + (col + c) * s.F + begin, taps, count,
                    turning + c * KERNEL_CHANNELS, plane_floats,
                )
            for plane in range(s.n_planes):
                active_table().pack_columns(
                    u + plane * s.u_step, turning + plane * plane_floats, KERNEL_CHANNELS,
                    count, cols, width,
                )
        col += tile_cols


cdef void transform_input(
    const winograd_context* s, const tap_block* read, float* v, Py_ssize_t v_step,
) noexcept nogil:
    """Write the planes of a block's tiles; those between the borders of a row in one call."""
    cdef Py_ssize_t n, i, j, y, x, phase, count, m = 0
    cdef Py_ssize_t row = s.SH * s.image.W * s.image.C, pixel = s.SW * s.image.C
    cdef Py_ssize_t next_tile = s.view.in_col * s.image.C
    cdef const float* image
    cdef fc_winograd_window window
    cdef const fc_winograd_window* clipped
    if s.lying:
        row, pixel = pixel, row
    for n in range(read.image, read.image + read.images):
        image = s.x + n * s.image.H * s.image.W * s.image.C
        for i in range(read.row, read.row + read.rows):
            y = i * s.view.in_row + s.view.min_y
            j = read.col
            while j < read.col + read.cols:
                x = j * s.view.in_col + s.view.min_x
                count, clipped = 1, NULL
                if x >= 0 and x + s.SW * s.nh <= s.image.W:
                    count += (s.image.W - s.SW * s.nh - x) // s.view.in_col
                    count = min(count, read.col + read.cols - j)
                if y < 0 or x < 0 or y + s.SH * s.nv > s.image.H or x + s.SW * s.nh > s.image.W:
                    clipped = &window
                for phase in range(s.phases):
                    if clipped != NULL:
                        clip(s, y + phase // s.SW, x + phase % s.SW, &window)
                    s.transforms.input(
                        image + ((y + phase // s.SW) * s.image.W + x + phase % s.SW) * s.image.C,
                        row, pixel, clipped, s.depth, v + phase * s.n_planes * v_step + m * s.depth,
                        v_step, count, next_tile,
                    )
                j += count
                m += count


cdef void clip(
    const winograd_context* s, Py_ssize_t y, Py_ssize_t x, fc_winograd_window* window,
) noexcept nogil:
    """Fill in which pixels of a tile that begins at (y, x) are in the image."""
    window.top, window.bottom = ceil_div(max(-y, 0), s.SH), ceil_div(max(s.image.H - y, 0), s.SH)
    window.left, window.right = ceil_div(max(-x, 0), s.SW), ceil_div(max(s.image.W - x, 0), s.SW)
    if s.lying:
        window.top, window.left = window.left, window.top
        window.bottom, window.right = window.right, window.bottom


cdef void direct_tile(
    winograd_context* s, Py_ssize_t image, Py_ssize_t i, Py_ssize_t j, float* out,
    Py_ssize_t rows, Py_ssize_t cols, Py_ssize_t col_begin, Py_ssize_t col_end, float* packed,
) noexcept nogil:
    """Compute the outputs of tile (i, j) without transforms: it holds infinities or NaN."""
    cdef const float* a[MAX_M * MAX_M]
    cdef float* c[MAX_M * MAX_M]
    cdef Py_ssize_t t, n_taps = s.KH * s.KW
    cdef Py_ssize_t* taps = s.tap_offsets + worker() * 2 * n_taps
    cdef Py_ssize_t* b_taps = taps + n_taps
    cdef float* pixels = s.loaded + worker() * tile_floats(s)
    cdef tap_view window
    cdef tap_block block
    cdef rows_job job
    # The tile as a block of one tile: its pixels with the zeros around them.
    window = s.view[0]
    window.copied, window.pitch = True, s.depth
    window.max_y = window.min_y + (s.mv - 1) * s.SH + s.KH - 1
    window.max_x = window.min_x + (s.mh - 1) * s.SW + s.KW - 1
    block.image, block.row, block.col = image, i, j
    block.images = block.rows = block.cols = 1
    load(&block, &window, &s.image, s.x, pixels)
    for t in range(n_taps):
        taps[t] = (t // s.KW * block.pixel_row + t % s.KW) * block.pixel
        b_taps[t] = (n_taps - 1 - t if s.turned else t) * s.C * s.F
    job.rows = 0
    for i in range(rows):
        for j in range(cols):
            a[job.rows] = pixels + (i * s.SH * block.pixel_row + j * s.SW) * block.pixel
            c[job.rows] = out + (i * s.OW + j) * s.cols
            job.rows += 1
    job.a, job.c = a, c
    job.taps, job.n_taps, job.depth, job.a_step = taps, n_taps, s.depth, 1
    job.b, job.b_taps, job.b_depth = s.kernel, b_taps, s.depth
    job.b_k = 1 if s.turned else s.F
    job.b_n = s.F if s.turned else 1
    job.b_panel, job.chain = 0, 0
    job.col_begin, job.col_end = col_begin, col_end
    job.bias, job.added, job.activation, job.accumulate = s.bias, s.added, s.activation, False
    job.packed = packed
    multiply_rows(&job)


cdef Py_ssize_t tile_floats(const winograd_context* s) noexcept nogil:
    """Return the floats of all pixels that the outputs of a tile are computed from directly."""
    return ((s.mv - 1) * s.SH + s.KH) * ((s.mh - 1) * s.SW + s.KW) * s.depth


cdef void multiply_planes(
    const winograd_context* s, rows_job* job, const tap_block* block, const tap_block* read,
    const float* v, Py_ssize_t v_step, float* m, Py_ssize_t m_step,
) noexcept nogil:
    """Sum the products of all parts, plane by plane."""
    cdef Py_ssize_t plane, part, offset
    cdef Py_ssize_t cols = job.col_end - job.col_begin, row = block.cols * cols
    cdef grid_axis[3] axes
    axes[0] = grid_axis(block.images, read.rows * read.cols * s.depth, block.rows * row)
    axes[1] = grid_axis(block.rows, read.cols * s.depth, row)
    axes[2] = grid_axis(block.cols, s.depth, cols)
    for plane in range(s.n_planes):
        job.accumulate = False
        for part in range(s.n_parts):
            if is_zero(s, part, plane):
                continue
            job.b = s.u + (part * s.n_planes + plane) * s.u_step
            offset = ((s.parts[part].phase * s.n_planes + plane) * v_step
                      + (s.parts[part].row * read.cols + s.parts[part].col) * s.depth)
            multiply_grid(job, axes, v + offset, m + plane * m_step - job.col_begin)
            job.accumulate = True
        if not job.accumulate:  # no part has this plane
            memset(m + plane * m_step, 0, block.images * block.rows * row * sizeof(float))


cdef void transform_output(
    winograd_context* s, const rows_job* job, Py_ssize_t image, Py_ssize_t i, Py_ssize_t j,
    Py_ssize_t count, const float* m, Py_ssize_t m_step, float* out,
) noexcept nogil:
    """Write the job's columns of equal tiles side by side, from (i, j) on, to `out`."""
    cdef Py_ssize_t rows = min(s.mv, s.OH - s.mv * i), cols = min(s.mh, s.OW - s.mh * j)
    cdef Py_ssize_t row = s.OW * s.cols, pixel = s.cols, width = job.col_end - job.col_begin, tile
    cdef const float* bias = s.bias
    cdef int finite
    if s.bias != NULL:
        bias += job.col_begin
    if s.lying:
        row, pixel, rows, cols = pixel, row, cols, rows
    s.transforms.output(
        m, m_step, width, bias, s.added, s.activation, out + job.col_begin, row, pixel, rows, cols,
        count, s.mh * s.cols, &finite,
    )
    if finite:
        return
    if count == 1:
        direct_tile(s, image, i, j, out, cols if s.lying else rows, rows if s.lying else cols,
                    job.col_begin, job.col_end, job.packed)
        return
    for tile in range(count):  # which of them is it?
        transform_output(s, job, image, i, j + tile, 1, m + tile * width, m_step,
                         out + tile * s.mh * s.cols)


cdef void block_task(void* context, Py_ssize_t task) noexcept nogil:
    """Compute some output channels of one block of tiles."""
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t v_step = plane_step(s.read_tiles, s.depth)
    cdef Py_ssize_t m_step = plane_step(s.tiles, s.chunk_cols)
    cdef float* v = s.planes + worker() * s.planes_floats
    cdef float* m = v + s.phases * s.n_planes * v_step
    cdef Py_ssize_t begin = task % s.col_chunks * s.chunk_cols
    cdef Py_ssize_t end = min(begin + s.chunk_cols, s.cols)
    cdef Py_ssize_t n, i, first, rows, whole, tap = 0
    cdef tap_block block, read
    cdef rows_job job
    cdef float* results = s.results + worker() * s.pooled_rows * s.mv * s.OW * s.cols
    cdef float* image_row
    cdef float* out
    locate_tiles(s, task // s.col_chunks, &block, &read)
    transform_input(s, &read, v, v_step)
    job.taps, job.n_taps, job.depth, job.a_step = &tap, 1, s.depth, 1
    job.b_taps, job.b_panel = NULL, s.depth * active_table().tile_cols
    job.dots = False
    job.chain = CHAIN if max(s.mv, s.mh) > 2 else 0
    job.col_begin, job.col_end = begin, end
    job.bias, job.added, job.activation = NULL, 0, FC_LINEAR
    job.packed = s.packed + worker() * packed_floats()
    multiply_planes(s, &job, &block, &read, v, v_step, m, m_step)
    for n in range(block.images):
        for i in range(block.rows):
            first = s.mv * (block.row + i)
            image_row = s.y + ((block.image + n) * s.OH + first) * s.OW * s.cols
            if s.maxima != NULL:
                image_row = results + i % s.pooled_rows * s.mv * s.OW * s.cols
            out = image_row + s.mh * block.col * s.cols
            whole = min(block.cols, s.OW // s.mh - block.col)
            transform_output(s, &job, block.image + n, block.row + i, block.col, whole, m, m_step, out)
            if whole < block.cols:
                transform_output(s, &job, block.image + n, block.row + i, block.col + whole, 1,
                                 m + whole * (end - begin), m_step, out + whole * s.mh * s.cols)
            m += block.cols * (end - begin)
            if s.maxima != NULL and ((i + 1) % s.pooled_rows == 0 or i + 1 == block.rows):
                first -= i % s.pooled_rows * s.mv
                rows = min(s.pooled_rows * s.mv, s.OH - first)
                (<Maxima>s.maxima).take(block.image + n, first, rows, results, begin, end)


def members() -> list:
    """Return what tiles there are: (mv, rv, mh, rh), see csrc/winograd/members.def."""
    table = []
    for i in range(FC_WINOGRAD_MEMBERS):
        tile = active_table().winograd[i]
        table.append((tile.mv, tile.rv, tile.mh, tile.rh))
    return table


cdef class Winograd:
    """One direction of one convolution; made once per problem, used by any thread.

    Parameters
    ----------
    member : (mv, rv, mh, rh)
        The tile, one of members(); or one of them lying: (1, 1, m, r).
    image : (N, H, W, channels)
        The array that is read: x, or dy for the gradient for the input.
    output : (OH, OW, channels)
        One image of the array that is written: y, or dx.
    kernel : (KH, KW, C, F)
        Shape of the kernel array.
    strides : (SH, SW)
    turned : bool
        Compute the gradient for the input: the kernel is turned over and read along F.
    view : tuple
        The tiles that are read as a view, see taps.create_view; its taps span a tile.
    parts : list of (phase row, phase column, row, column, full rows, full columns, taps)
        See winograd.pxd; `taps` are rv * rh numbers of the kernel's taps, -1 for none.
    """

    def __cinit__(self, member, image, output, kernel, strides, turned, view, parts):
        cdef Py_ssize_t i, t
        table = members()
        self.lying = member not in table
        self.member = table.index((*member[2:], *member[:2]) if self.lying else member)
        self.image.N, self.image.H, self.image.W, self.image.C = image
        self.image.depth = self.image.C
        self.OH, self.OW, self.cols = output
        self.KH, self.KW, self.C, self.F = kernel
        self.SH, self.SW = strides
        self.turned = turned
        create_view(&self.view, view)
        finish_view(&self.view, &self.image)
        self.n_parts = len(parts)
        n_taps = member[1] * member[3]
        self.parts = <winograd_part*>malloc(self.n_parts * sizeof(winograd_part))
        self.taps = <Py_ssize_t*>malloc(self.n_parts * n_taps * sizeof(Py_ssize_t))
        if self.parts == NULL or self.taps == NULL:
            raise MemoryError
        for i in range(self.n_parts):
            phase_row, phase_col, row, col, full_rows, full_cols, taps = parts[i]
            self.parts[i].phase = phase_row * self.SW + phase_col
            self.parts[i].row, self.parts[i].col = row, col
            self.parts[i].full_rows, self.parts[i].full_cols = full_rows, full_cols
            self.rows_after = max(self.rows_after, self.parts[i].row)
            self.cols_after = max(self.cols_after, self.parts[i].col)
            for t in range(n_taps):
                self.taps[i * n_taps + t] = taps[t] * self.C * self.F if taps[t] >= 0 else -1

    def __dealloc__(self):
        delete_view(&self.view)
        free(self.parts)
        free(self.taps)

    cdef void describe(
        self, winograd_context* s, Py_ssize_t fewest, Py_ssize_t most,
    ) noexcept nogil:
        """Fill in everything that follows from the shapes.

        Blocks hold as many tiles as have their planes in L2, `fewest` even if these have not.
        """
        s.transforms = &active_table().winograd[self.member]
        s.lying = self.lying
        s.mv, s.nv = s.transforms.mv, s.transforms.mv + s.transforms.rv - 1
        s.mh, s.nh = s.transforms.mh, s.transforms.mh + s.transforms.rh - 1
        if s.lying:
            s.mv, s.nv, s.mh, s.nh = s.mh, s.nh, s.mv, s.nv
        s.n_planes = s.nv * s.nh
        s.KH, s.KW, s.SH, s.SW, s.phases = self.KH, self.KW, self.SH, self.SW, self.SH * self.SW
        s.n_parts, s.parts, s.taps = self.n_parts, self.parts, self.taps
        s.rows_after, s.cols_after = self.rows_after, self.cols_after
        s.view, s.image = &self.view, self.image
        s.outputs = self.view
        s.outputs.rows -= s.rows_after
        s.outputs.cols -= s.cols_after
        s.outputs.max_y += s.rows_after * self.view.in_row
        s.outputs.max_x += s.cols_after * self.view.in_col
        s.OH, s.OW, s.depth, s.cols = self.OH, self.OW, self.image.C, self.cols
        s.C, s.F, s.turned = self.C, self.F, self.turned
        divide(&s.blocks, &s.outputs, &self.image, BLOCK_FLOATS, min(most, max(
            fewest, PLANE_FLOATS // (s.n_planes * (s.phases * s.depth + s.cols))
        )))
        self.count_tiles(s)

    cdef void count_tiles(self, winograd_context* s) noexcept nogil:
        s.tiles = s.blocks.images * s.blocks.rows * s.blocks.cols
        s.read_tiles = (s.blocks.images * (s.blocks.rows + s.rows_after)
                        * (s.blocks.cols + s.cols_after))

    cdef void reserve(self, winograd_context* s, int team, int planes) except *:
        """Get scratch memory: `planes` blocks of planes."""
        cdef Py_ssize_t words = team * 2 * s.KH * s.KW
        s.loaded = scratch(FC_SLOT_IMAGE, team * tile_floats(s))
        s.planes = scratch(FC_SLOT_PLANES, planes * s.planes_floats)
        s.packed = scratch(FC_SLOT_PACK_B, team * packed_floats())
        s.tap_offsets = <Py_ssize_t*>scratch(
            FC_SLOT_ROWS, words * sizeof(Py_ssize_t) // sizeof(float)
        )

    cdef void prepare(self, winograd_context* s, Maxima maxima=None) noexcept:
        """Describe what writes y or dx, or hands y over to be pooled."""
        cdef Py_ssize_t tile_cols = active_table().tile_cols
        cdef const fc_winograd* tile = &active_table().winograd[self.member]
        self.describe(s, MIN_PIXELS // (tile.mv * tile.mh), MAX_TILES)
        s.maxima, s.pooled_rows = <void*>maxima if maxima is not None else NULL, 0
        if maxima is not None:
            s.pooled_rows = tiles_together(s.mv, maxima.pool.SH)
            take_whole_rows(&s.blocks, &s.outputs, &self.image, s.pooled_rows)
            self.count_tiles(s)
        s.u_step = s.depth * ceil_div(s.cols, tile_cols) * tile_cols + 16
        s.chunk_cols = s.cols

    cdef void transform_kernel(self, winograd_context* s) except *:
        """Write s.u."""
        cdef Py_ssize_t tasks = s.n_parts * ceil_div(s.depth, KERNEL_CHANNELS)
        cdef int team = team_size(tasks, 0.5 * s.n_parts * s.n_planes * s.C * s.F)
        cdef Py_ssize_t floats = s.n_planes * active_table().tile_cols * KERNEL_CHANNELS
        s.turning = scratch(FC_SLOT_PACK_A, team * floats)
        with nogil:
            parallel_for(kernel_task, s, tasks, team)

    def packed_floats(self) -> int:
        """Return the size of a packed kernel on the active instruction set."""
        cdef winograd_context s
        self.prepare(&s)
        return s.n_parts * s.n_planes * s.u_step

    def pack(self, const float[::1] kernel not None, float[::1] packed not None) -> None:
        """Write the transformed kernel as `run` wants it."""
        cdef winograd_context s
        self.prepare(&s)
        s.kernel, s.u = &kernel[0], &packed[0]
        self.transform_kernel(&s)

    def can_pool(self, Py_ssize_t distance) -> bool:
        """Return whether results can be pooled unwritten, in windows `distance` rows apart."""
        cdef winograd_context s
        self.prepare(&s)
        rows = tiles_together(s.mv, distance)
        return 0 < rows * s.mv * s.OW * s.cols <= MAX_POOLED_FLOATS and s.blocks.cols == s.outputs.cols

    def bind(
        self, x, kernel, y, bias=None, int activation=0, maxima=None, added=None,
    ) -> BoundWinograd:
        """Return what computes y from flat arrays; sizes are the caller's to check.

        A Maxima takes the results in y's place, which is None then; `added`, shaped like y, is added
        to them before the activation.
        """
        return BoundWinograd(self, x, kernel, y, bias, activation, maxima, added)

    def workspace_bytes(self) -> int:
        """Return the scratch memory: the transformed kernel, and one thread's block."""
        cdef winograd_context s
        self.prepare(&s)
        floats = tile_floats(&s) + block_planes(&s) + packed_floats() + s.n_parts * s.n_planes * s.u_step
        return 4 * floats


cdef Py_ssize_t tiles_together(Py_ssize_t m, Py_ssize_t distance) noexcept nogil:
    """Return of how many rows of tiles the rows of pixels are a multiple of `distance`."""
    cdef Py_ssize_t count = 1
    while count * m % distance:
        count += 1
    return count


cdef Py_ssize_t block_planes(const winograd_context* s) noexcept nogil:
    """Return the floats of a block's planes, before and after the products."""
    return s.n_planes * (s.phases * plane_step(s.read_tiles, s.depth) + plane_step(s.tiles, s.chunk_cols))


cdef class BoundWinograd:
    """A Winograd with its arrays, for calls by the thousand; one thread at a time."""

    cdef Winograd driver
    cdef object arrays               # kept: tasks have their addresses only
    cdef Maxima maxima
    cdef winograd_context context
    cdef const fc_ukernels* table    # that it is described for
    cdef double cycles               # of all tasks on one thread, about

    def __cinit__(self, driver, x, kernel, y, bias, int activation, maxima, added):
        cdef const float[::1] x_floats = x, kernel_floats = kernel, bias_floats = bias
        cdef float[::1] y_floats = y
        self.driver, self.arrays, self.maxima = driver, (x, kernel, y, bias, added), maxima
        if self.driver.image.N * self.driver.OH * self.driver.OW * self.driver.cols == 0:
            return
        self.context.x = &x_floats[0]
        self.context.y = &y_floats[0] if y is not None else NULL
        self.context.kernel = &kernel_floats[0]
        self.context.bias = &bias_floats[0] if bias is not None else NULL
        self.context.activation = activation
        self.context.added = way_to(y_floats, added)
        self.describe()

    cdef void describe(self) noexcept:
        """Fill in what follows from the shapes and the instruction set."""
        self.table = active_table()
        self.driver.prepare(&self.context, self.maxima)
        # The products of 3x3's F(2x2) for each output: only whether a team is worth while.
        self.cycles = (2.0 * self.driver.image.N * self.driver.OH * self.driver.OW
                       * self.driver.cols * self.context.depth / self.table.vl)

    def __call__(self, const float[::1] packed=None) -> None:
        """Compute y, given the packed kernel or None."""
        cdef winograd_context* s = &self.context
        cdef Py_ssize_t tile_cols
        cdef int team
        if self.table == NULL:  # nothing to write
            return
        if self.table != active_table():
            self.describe()
        tile_cols = self.table.tile_cols
        team = team_size(s.blocks.count * ceil_div(s.cols, tile_cols), self.cycles)
        s.chunk_cols = s.cols
        while team > 1 and s.blocks.count * ceil_div(s.cols, s.chunk_cols) < 2 * team \
                and s.chunk_cols > tile_cols:
            s.chunk_cols = ceil_div(s.chunk_cols, 2 * tile_cols) * tile_cols
        s.col_chunks = ceil_div(s.cols, s.chunk_cols)
        s.planes_floats = block_planes(s)
        self.driver.reserve(s, team, team)
        s.results = scratch(FC_SLOT_PARTIAL, team * s.pooled_rows * s.mv * s.OW * s.cols)
        if packed is not None:
            s.u = <float*>&packed[0]  # only read
        else:
            s.u = scratch(FC_SLOT_KERNEL, s.n_parts * s.n_planes * s.u_step)
            self.driver.transform_kernel(s)
        with nogil:
            parallel_for(block_task, s, s.blocks.count * s.col_chunks, team)
