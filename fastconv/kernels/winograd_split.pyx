"""Winograd's products from split floats (csrc/split/split.h): transformed tiles as bfloat16 planes.

The rows of a product are all tiles that are read; those that no output belongs to are computed in
vain. Parts and channels are its steps: 32 channels of all tiles lie together, zeros behind the last.
"""

from libc.stdint cimport uint16_t
from libc.string cimport memset

from .gemm cimport ceil_div
from .isa cimport (
    FC_SPLIT_B, FC_SPLIT_COLS, FC_SPLIT_DEPTH, FC_SPLIT_ROWS, active_table, fc_split_runs,
    fc_split_strip,
)
from .split_grids cimport lay_rows
from .threads cimport worker
from .winograd_blocks cimport is_zero

cdef enum:
    BLOCK = FC_SPLIT_DEPTH * FC_SPLIT_COLS


cdef Py_ssize_t chunks(const winograd_context* s) noexcept nogil:
    """Return the steps of a part."""
    return ceil_div(s.depth, FC_SPLIT_DEPTH)


cdef Py_ssize_t chunk_elements(const winograd_context* s) noexcept nogil:
    """Return the elements of 32 channels of all tiles, and of a block of rows behind the last."""
    return (s.read_tiles + FC_SPLIT_ROWS) * FC_SPLIT_DEPTH


cdef Py_ssize_t half_elements(const winograd_context* s) noexcept nogil:
    """Return the elements of one bfloat16 plane of all phases."""
    return s.phases * chunks(s) * chunk_elements(s)


cdef void describe_halves(winograd_context* s, int halves) noexcept nogil:
    s.halves = halves
    s.words = 2 * s.KH * s.KW
    s.col_unit = active_table().tile_cols
    s.halves_floats = 0
    if halves:
        s.words += s.read_tiles + s.n_parts * chunks(s)
        s.col_unit = FC_SPLIT_COLS
        s.halves_floats = halves * half_elements(s) // 2


cdef Py_ssize_t kernel_halves(const winograd_context* s) noexcept nogil:
    return (s.n_planes * ceil_div(s.cols, FC_SPLIT_COLS) * s.n_parts * chunks(s) * s.halves
            * FC_SPLIT_B)


cdef Py_ssize_t first_step(
    const winograd_context* s, Py_ssize_t part, Py_ssize_t plane,
) noexcept nogil:
    """Return the number of a part's first step: parts whose plane is zero have none."""
    cdef Py_ssize_t before, steps = 0
    for before in range(part):
        if not is_zero(s, before, plane):
            steps += chunks(s)
    return steps


cdef void kernel_halves_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef winograd_context* s = <winograd_context*>context
    cdef Py_ssize_t part = task // chunks(s), chunk = task % chunks(s), begin = chunk * FC_SPLIT_DEPTH
    cdef Py_ssize_t count = min(<Py_ssize_t>FC_SPLIT_DEPTH, s.depth - begin)
    cdef Py_ssize_t columns = ceil_div(s.cols, FC_SPLIT_COLS), column, col, cols, k, plane
    cdef Py_ssize_t steps, number
    cdef Py_ssize_t step_elements = s.halves * FC_SPLIT_B
    cdef const Py_ssize_t* taps = s.taps + part * s.transforms.rv * s.transforms.rh
    # One block of each plane, and one more that is turned.
    cdef float* blocks = s.turning + worker() * (s.n_planes + 1) * BLOCK
    cdef float* block
    cdef uint16_t* out
    for column in range(columns):
        col = column * FC_SPLIT_COLS
        cols = min(<Py_ssize_t>FC_SPLIT_COLS, s.cols - col)
        if column == 0 or cols < FC_SPLIT_COLS:  # zeros behind the last channel and column
            memset(blocks, 0, (s.n_planes + 1) * BLOCK * sizeof(float))
        if s.turned:
            for k in range(cols):
                s.transforms.kernel(s.kernel + (col + k) * s.F + begin, taps, count,
                                    blocks + k * FC_SPLIT_DEPTH, BLOCK)
        else:
            for k in range(count):
                s.transforms.kernel(s.kernel + (begin + k) * s.F + col, taps, cols,
                                    blocks + k * FC_SPLIT_COLS, BLOCK)
        out = s.u_halves
        for plane in range(s.n_planes):
            steps = first_step(s, s.n_parts, plane)
            if not is_zero(s, part, plane):
                block = blocks + plane * BLOCK
                if s.turned:
                    active_table().pack_columns(blocks + s.n_planes * BLOCK, block, FC_SPLIT_DEPTH,
                                                count, cols, FC_SPLIT_COLS)
                    block = blocks + s.n_planes * BLOCK
                number = column * steps + first_step(s, part, plane) + chunk
                active_table().split_pairs(block, FC_SPLIT_COLS, out + number * step_elements, s.halves)
            out += columns * steps * step_elements


cdef void load_plane(
    const winograd_context* s, const float* v, Py_ssize_t v_step, Py_ssize_t tiles, uint16_t* out,
) noexcept nogil:
    """Write one plane of all phases as bfloat16 numbers."""
    cdef fc_split_runs runs
    cdef Py_ssize_t phase
    runs.x_step = runs.length = s.depth
    runs.count, runs.out_step, runs.chunk_step = tiles, FC_SPLIT_DEPTH, chunk_elements(s)
    runs.plane, runs.planes = half_elements(s), s.halves
    for phase in range(s.phases):
        runs.x = v + phase * s.n_planes * v_step
        runs.out = out + phase * chunks(s) * chunk_elements(s)
        active_table().split_runs(&runs)


cdef void multiply_halves(
    const winograd_context* s, Py_ssize_t begin, Py_ssize_t end, const tap_block* block,
    const tap_block* read, const float* v, Py_ssize_t v_step, float* m, Py_ssize_t m_step,
) noexcept nogil:
    cdef Py_ssize_t columns = ceil_div(s.cols, FC_SPLIT_COLS), column, plane, part, chunk, n, i, j
    cdef Py_ssize_t n_steps
    cdef Py_ssize_t* steps = s.tap_offsets + worker() * s.words + 2 * s.KH * s.KW
    cdef float** rows = <float**>(steps + s.n_parts * chunks(s))
    cdef uint16_t* loaded = s.loaded_halves + worker() * 2 * s.halves_floats
    cdef const uint16_t* u = s.u_halves
    cdef Py_ssize_t row_of_tiles = read.rows * read.cols
    cdef unsigned char spoiled  # the results are looked at when they are transformed back
    cdef fc_split_strip strip
    if s.depth % FC_SPLIT_DEPTH:
        memset(loaded, 0, 4 * s.halves_floats)
    for n in range(block.images):
        for i in range(read.rows):
            for j in range(read.cols):
                rows[n * row_of_tiles + i * read.cols + j] = NULL
                if i < block.rows and j < block.cols:
                    rows[n * row_of_tiles + i * read.cols + j] = (
                        m + ((n * block.rows + i) * block.cols + j) * (end - begin))
    strip.a, strip.a_plane, strip.a_step = loaded, half_elements(s), FC_SPLIT_DEPTH
    lay_rows(&strip, (block.images - 1) * row_of_tiles + (block.rows - 1) * read.cols + block.cols)
    strip.planes, strip.steps, strip.c = s.halves, steps, rows
    strip.bias, strip.accumulate, strip.added, strip.activation = NULL, False, 0, 0
    strip.spoiled = &spoiled
    active_table().split_configure(strip.tile)
    for plane in range(s.n_planes):
        load_plane(s, v + plane * v_step, v_step, block.images * row_of_tiles, loaded)
        n_steps = 0
        for part in range(s.n_parts):
            if is_zero(s, part, plane):
                continue
            for chunk in range(chunks(s)):
                steps[n_steps] = (
                    (s.parts[part].phase * chunks(s) + chunk) * chunk_elements(s)
                    + (s.parts[part].row * read.cols + s.parts[part].col) * FC_SPLIT_DEPTH)
                n_steps += 1
        strip.n_steps = n_steps
        for column in range(begin // FC_SPLIT_COLS, ceil_div(end, FC_SPLIT_COLS)):
            strip.b = u + column * n_steps * s.halves * FC_SPLIT_B
            strip.c_offset = plane * m_step + column * FC_SPLIT_COLS - begin
            strip.cols = min(<Py_ssize_t>FC_SPLIT_COLS, end - column * FC_SPLIT_COLS)
            active_table().split_strip(&strip)
        u += columns * n_steps * s.halves * FC_SPLIT_B
    active_table().split_configure(0)
