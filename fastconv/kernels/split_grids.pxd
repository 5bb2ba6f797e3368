# Planes of split floats (csrc/split/split.h) of a block of an image, one grid for each phase of the
# strides: output (i, j) has its tap at row i + y, column j + x of the tap's grid.

from .gemm cimport ceil_div
from .isa cimport FC_SPLIT_ROWS, FC_SPLIT_TILE, active_table, fc_split_strip
from .taps cimport tap_block, tap_image, tap_view

cdef struct split_grid:
    Py_ssize_t rows, cols        # of one grid
    Py_ssize_t row_phases, col_phases
    Py_ssize_t run               # outputs of a block from the first to the last, as they lie in a grid

cdef void lay_grid(split_grid* grid, const tap_view* view, Py_ssize_t rows, Py_ssize_t cols) noexcept nogil

# Row `i` of phase `phase` of an image: the first pixel within the image, and which columns lie in it.
cdef const float* grid_row(
    const split_grid* grid, const tap_view* view, const tap_image* image, const tap_block* block,
    const float* x, Py_ssize_t phase, Py_ssize_t i, Py_ssize_t* begin, Py_ssize_t* end,
) noexcept nogil

cdef double product_cycles(int planes) noexcept nogil

# Whether one instruction multiplies a tile: the sooner, the fewer rows the tile has.
cdef inline bint has_tiles() noexcept nogil:
    cdef double cycles
    active_table().split_cycles(&cycles)
    return 0 < cycles < 2 * FC_SPLIT_TILE

# Let a strip have so many rows, one after the other.
cdef inline void lay_rows(fc_split_strip* strip, Py_ssize_t rows) noexcept nogil:
    strip.rows, strip.tile = rows, FC_SPLIT_TILE
    if has_tiles():  # equal tiles: a short last one would cost nearly as much as a full one
        strip.tile = ceil_div(rows, 2 * ceil_div(rows, FC_SPLIT_ROWS))
    strip.a_below = strip.tile * strip.a_step
    strip.a_block = 2 * strip.a_below

# Let it have the outputs of a grid, `cols` in each row of it, in the order of the image; return
# whether those between two rows of outputs are rows as well.
cdef bint lay_outputs(
    fc_split_strip* strip, const split_grid* grid, Py_ssize_t rows, Py_ssize_t cols,
) noexcept nogil
