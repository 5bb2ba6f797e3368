"""Winograd's tiles, a block of them at a time: transforms, products, and what infinities need.

A block of tiles is transformed to planes of (tile, channel), each plane is multiplied by its plane of
each part's transformed kernel, and the sums of products are transformed back. The grid of tiles begins
at the first output pixel, so a result depends on neither blocks nor batch nor threads.
"""

from libc.string cimport memset

from .gemm cimport ceil_div, grid_axis, multiply_grid, multiply_rows, packed_floats, rows_job
from .isa cimport FC_LINEAR, active_table, fc_winograd_window
from .pooling cimport Maxima
from .taps cimport load, locate, tap_block, tap_view
from .threads cimport worker
from .winograd_split cimport multiply_halves

cdef enum:
    MAX_M = 4


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
    cdef Py_ssize_t* taps = s.tap_offsets + worker() * s.words
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
    if s.halves:
        multiply_halves(s, begin, end, &block, &read, v, v_step, m, m_step)
    else:
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
