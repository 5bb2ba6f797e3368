"""Grids of pixels that products of split floats read, and how their rows are cut into tiles."""

from .gemm cimport ceil_div
from .isa cimport FC_SPLIT_ROWS, FC_SPLIT_TILE, active_table, fc_split_strip
from .taps cimport tap_block, tap_image, tap_view


cdef void lay_grid(
    split_grid* grid, const tap_view* view, Py_ssize_t rows, Py_ssize_t cols,
) noexcept nogil:
    grid.rows = rows + (view.max_y - view.min_y) // view.in_row
    grid.cols = cols + (view.max_x - view.min_x) // view.in_col
    grid.row_phases = min(view.in_row, view.max_y - view.min_y + 1)
    grid.col_phases = min(view.in_col, view.max_x - view.min_x + 1)
    grid.run = (rows - 1) * grid.cols + cols


cdef const float* grid_row(
    const split_grid* grid, const tap_view* view, const tap_image* image, const tap_block* block,
    const float* x, Py_ssize_t phase, Py_ssize_t i, Py_ssize_t* begin, Py_ssize_t* end,
) noexcept nogil:
    cdef Py_ssize_t row = ((block.row + i) * view.in_row + view.min_y + phase // grid.col_phases)
    cdef Py_ssize_t left = block.col * view.in_col + view.min_x + phase % grid.col_phases
    begin[0] = ceil_div(max(-left, 0), view.in_col)
    end[0] = min(ceil_div(max(image.W - left, 0), view.in_col), grid.cols)
    if row < 0 or row >= image.H or end[0] <= begin[0]:
        begin[0] = end[0] = grid.cols
        return NULL
    return x + (row * image.W + left + begin[0] * view.in_col) * image.C


cdef Py_ssize_t tiles_time(Py_ssize_t rows, Py_ssize_t tile) noexcept nogil:
    """Return how long tiles take, about: much of a full one's time does not depend on its rows."""
    return ceil_div(rows, tile) * (3 * FC_SPLIT_TILE // 4 + tile)


cdef bint lay_outputs(
    fc_split_strip* strip, const split_grid* grid, Py_ssize_t rows, Py_ssize_t cols,
) noexcept nogil:
    cdef Py_ssize_t tile = cols, row = grid.cols * strip.a_step
    lay_rows(strip, grid.run)
    if cols > FC_SPLIT_TILE:  # the block is one row of outputs, else two
        tile = cols // 2 if cols % 2 == 0 and cols <= FC_SPLIT_ROWS else 0
    if not has_tiles() or tile == 0 or (
        tiles_time(rows * cols, tile) >= tiles_time(grid.run, strip.tile)
    ):
        return True
    strip.rows, strip.tile = rows * cols, tile
    strip.a_below = row if tile == cols else tile * strip.a_step
    strip.a_block = 2 * row if tile == cols else row
    return False


cdef double product_cycles(int planes) noexcept nogil:
    """Return the cycles of 32 x 32 results' products of one step."""
    cdef double cycles
    active_table().split_cycles(&cycles)
    if cycles == 0:
        cycles = 16.0 * 16 * 32 / active_table().vl
    return 4 * cycles * (planes * (planes + 1) // 2)
