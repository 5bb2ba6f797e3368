"""The loops around the register tile: products of matrices, or of pixels, with a matrix.

The sum of one output runs over blocks of about KC elements; inside a block it is one chain of
multiply-adds in a register, and blocks are added in order. Block borders follow from the number of
summed elements alone, so no result depends on M, N, the number of threads or where a tile falls.
Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008.
"""

from .isa cimport FC_DOTS_COLS, FC_LINEAR, active_table, fc_strip, fc_tile, fc_ukernels

# Rows up to which the strips of a grid pass over a panel of B once or twice: it is not copied.
cdef enum:
    FEW_ROWS = 13
# Lanes of the vectors that few columns take otherwise, see csrc/gemm/strip_f32.h.
cdef enum:
    NARROW = 8
# Row tiles from which on copying a panel of B (one more pass over it) is repaid by reading it packed.
cdef enum:
    PACK_TILES = 3


cdef Py_ssize_t packed_floats() noexcept nogil:
    return MOST_SUMMED * active_table().tile_cols


cdef void pack_panel(
    const rows_job* job, const fc_ukernels* table, Py_ssize_t k, Py_ssize_t count,
    Py_ssize_t col, Py_ssize_t cols, Py_ssize_t width, float* packed,
) noexcept nogil:
    """Copy B[k : k + count, col : col + cols] to `packed`, whole vectors wide."""
    cdef const float* b
    cdef Py_ssize_t within, part
    while count > 0:
        within = k % job.b_depth
        part = min(count, job.b_depth - within)
        b = job.b + within * job.b_k + col * job.b_n
        if job.b_taps != NULL:
            b += job.b_taps[k // job.b_depth]
        if job.b_n == 1:
            table.pack_rows(packed, b, job.b_k, part, cols, width)
        else:  # the other stride is 1: see matmul and the convolutions
            table.pack_columns(packed, b, job.b_n, part, cols, width)
        packed += part * width
        k += part
        count -= part


cdef Py_ssize_t panel_width(const fc_ukernels* table, Py_ssize_t cols) noexcept nogil:
    return table.vl if cols <= table.vl else table.tile_cols


cdef const float* get_panel(
    const rows_job* job, const fc_ukernels* table, Py_ssize_t k, Py_ssize_t count,
    Py_ssize_t col, Py_ssize_t cols, bint once, Py_ssize_t* step,
) noexcept nogil:
    """Return where rows of whole vectors of B[k : k + count, col : col + cols] are, `step` apart.

    Unless it is read `once` or so, a panel whose rows lie apart is copied to job.packed.
    """
    cdef Py_ssize_t width = panel_width(table, cols)
    step[0] = width
    if job.b_panel:
        return job.b + col // table.tile_cols * job.b_panel + k * width
    if cols == width and job.b_n == 1 and job.b_taps == NULL and (once or job.b_k == width):
        step[0] = job.b_k
        return job.b + k * job.b_k + col
    pack_panel(job, table, k, count, col, cols, width, job.packed)
    return job.packed


cdef void pack_all(const rows_job* job, Py_ssize_t depth, Py_ssize_t cols, float* packed) noexcept nogil:
    cdef const fc_ukernels* table = active_table()
    cdef Py_ssize_t col = 0, part
    while col < cols:
        part = min(table.tile_cols, cols - col)
        pack_panel(job, table, 0, depth, col, part, panel_width(table, part), packed + col * depth)
        col += table.tile_cols


cdef bint is_row(const rows_job* job, Py_ssize_t n_taps) noexcept nogil:
    """Return whether a job is one row times B as it lies, which memory bounds."""
    return (job.rows == 1 and n_taps == 1 and not job.b_panel and job.b_taps == NULL
            and job.b_n == 1
            and job.col_end - job.col_begin > active_table().tile_cols
            and job.col_end - job.col_begin + active_table().vl <= packed_floats())


cdef void multiply_row(
    const rows_job* job, Py_ssize_t tap, Py_ssize_t depth, Py_ssize_t k, bint first, bint last,
) noexcept nogil:
    """Do what multiply_block does for one row: sums first, then tiles of one product store them."""
    cdef const fc_ukernels* table = active_table()
    cdef float one = 1.0
    cdef const float* a = &one
    cdef Py_ssize_t offset = 0, col = job.col_begin
    cdef fc_tile tile
    table.row_f32(job.a[0] + tap, job.a_step, job.b + k * job.b_k + col, job.b_k, depth,
                  job.col_end - col, job.packed)
    tile.taps, tile.n_taps, tile.depth, tile.a_step = &offset, 1, 1, 1
    tile.a, tile.c, tile.rows, tile.b_step = &a, job.c, 1, table.tile_cols
    tile.accumulate = job.accumulate or not first
    tile.added = job.added if last else 0
    tile.activation = job.activation if last else FC_LINEAR
    while col < job.col_end:
        tile.cols, tile.c_offset = min(table.tile_cols, job.col_end - col), col
        tile.b = job.packed + col - job.col_begin
        tile.bias = job.bias + col if last and job.bias != NULL else NULL
        table.tile_f32(&tile)
        col += table.tile_cols


cdef void multiply_block(
    const rows_job* job, const Py_ssize_t* taps, Py_ssize_t n_taps, Py_ssize_t depth,
    Py_ssize_t k, bint first, bint last,
) noexcept nogil:
    """Add the products of summed elements [k, k + n_taps * depth) to C, panel by panel of columns."""
    cdef const fc_ukernels* table = active_table()
    cdef fc_tile tile
    cdef Py_ssize_t tiles = ceil_div(job.rows, table.tile_rows)
    cdef Py_ssize_t small = job.rows // tiles, larger = job.rows % tiles
    cdef Py_ssize_t col, cols, row, i
    if depth and is_row(job, n_taps):
        multiply_row(job, taps[0], depth, k, first, last)
        return
    tile.taps, tile.n_taps, tile.depth, tile.a_step = taps, n_taps, depth, job.a_step
    tile.accumulate = job.accumulate or not first
    tile.added = job.added if last else 0
    tile.activation = job.activation if last else FC_LINEAR
    col = job.col_begin
    while col < job.col_end:  # Cython turns range() into a C loop only for a constant step
        cols = min(table.tile_cols, job.col_end - col)
        tile.b = get_panel(
            job, table, k, n_taps * depth, col, cols, tiles < PACK_TILES, &tile.b_step
        )
        tile.cols, tile.c_offset = cols, col
        tile.bias = job.bias + col if last and job.bias != NULL else NULL
        row = 0
        for i in range(tiles):
            tile.rows = small + (i < larger)
            tile.a, tile.c = job.a + row, job.c + row
            table.tile_f32(&tile)
            row += tile.rows
        col += table.tile_cols


cdef Py_ssize_t chain_end(Py_ssize_t n_taps, Py_ssize_t depth, Py_ssize_t k) noexcept nogil:
    cdef Py_ssize_t pieces, i
    if depth <= KC + KC // 2:  # whole taps
        return min(k // depth + max(KC // depth, 1), n_taps) * depth
    pieces = ceil_div(depth, KC)  # each tap in equal pieces
    i = ceil_div(k % depth * pieces, depth)
    return k - k % depth + depth * (i + 1) // pieces


cdef void multiply_rows(const rows_job* job) noexcept nogil:
    cdef Py_ssize_t total = job.n_taps * job.depth, k = 0, end, offset
    cdef const Py_ssize_t* taps
    if job.rows <= 0 or job.col_end <= job.col_begin:
        return
    if total == 0:  # an empty sum: one tile loop with no tap stores bias and activation
        multiply_block(job, NULL, 0, 0, 0, True, True)
    while k < total:
        end = chain_end(job.n_taps, job.depth, k)
        taps = job.taps + k // job.depth
        if end - k >= job.depth:
            multiply_block(job, taps, (end - k) // job.depth, job.depth, k, k == 0, end == total)
        else:
            offset = taps[0] + k % job.depth * job.a_step
            multiply_block(job, &offset, 1, end - k, k, k == 0, end == total)
        k = end


cdef void merge(grid_axis* outer, grid_axis* inner) noexcept nogil:
    """Make two axes one, where the inner one's end is the outer one's next beginning."""
    if outer.a == inner.count * inner.a and outer.c == inner.count * inner.c:
        inner.count *= outer.count
        outer.count = 1


cdef bint can_be_dots(Py_ssize_t cols, Py_ssize_t run, Py_ssize_t total) noexcept nogil:
    cdef Py_ssize_t narrow = min(<Py_ssize_t>NARROW, active_table().vl)
    # Adding the lanes of an output takes about as long as 9 vectors of multiply-adds.
    return (cols <= FC_DOTS_COLS and run >= active_table().vl
            and 4 * total * (narrow - cols) > 9 * narrow * narrow * cols)


cdef void pack_dots(
    const rows_job* job, const fc_ukernels* table, Py_ssize_t k, Py_ssize_t count,
) noexcept nogil:
    """Copy B[k : k + count] to job.packed, column by column."""
    cdef Py_ssize_t n, i, step = 1 if job.b_panel else job.b_n
    cdef const float* b
    for i in range(count):
        if job.b_panel:
            b = job.b + (k + i) * panel_width(table, job.col_end)
        else:
            b = job.b + (k + i) % job.b_depth * job.b_k
            if job.b_taps != NULL:
                b += job.b_taps[(k + i) // job.b_depth]
        for n in range(job.col_end):
            job.packed[n * count + i] = b[n * step]


cdef Py_ssize_t offset_of(const rows_job* job, Py_ssize_t k) noexcept nogil:
    return job.taps[k // job.depth] + k % job.depth * job.a_step


cdef void find_offsets(
    const rows_job* job, Py_ssize_t k, Py_ssize_t count, Py_ssize_t* offsets,
) noexcept nogil:
    """Write where the summed elements [k, k + count) of a row are: of whole taps, or inside one."""
    cdef Py_ssize_t run = min(job.depth, count), offset, i
    while count > 0:
        offset = offset_of(job, k)
        for i in range(run):
            offsets[i] = offset + i * job.a_step
        offsets += run
        k += run
        count -= run


cdef bint is_bare(const rows_job* job, bint first, bint last) noexcept nogil:
    """Return whether all results are whole vectors of sums as they are."""
    return (first and not job.accumulate and not job.dots
            and (job.col_end - job.col_begin) % active_table().vl == 0
            and not (last and (job.bias != NULL or job.added or job.activation != FC_LINEAR)))


cdef void multiply_chain(
    const rows_job* job, const grid_axis* axes, const float* a, float* c,
    Py_ssize_t k, Py_ssize_t count, bint first, bint last,
) noexcept nogil:
    cdef const fc_ukernels* table = active_table()
    cdef Py_ssize_t col = job.col_begin, i, j
    cdef bint once = axes[0].count * axes[1].count * axes[2].count < FEW_ROWS
    cdef Py_ssize_t offsets[MOST_SUMMED]
    cdef fc_strip strip
    strip.rows, strip.a_row, strip.c_row = axes[2].count, axes[2].a, axes[2].c
    strip.offsets, strip.depth = offsets, count
    strip.run, strip.a_step = min(job.depth, count), job.a_step
    if 0 < count == strip.run and not job.chain and is_bare(job, first, last):
        a += offset_of(job, k)
        strip.offsets = NULL
    else:
        find_offsets(job, k, count, offsets)
    strip.links = ceil_div(count, job.chain) if job.chain else 1
    strip.accumulate = job.accumulate or not first
    strip.added = job.added if last else 0
    strip.activation = job.activation if last else FC_LINEAR
    while col < job.col_end:
        strip.cols = min(table.tile_cols, job.col_end - col)
        if job.dots:
            pack_dots(job, table, k, count)
            strip.b, strip.b_step = job.packed, count
        else:
            strip.b = get_panel(job, table, k, count, col, strip.cols, once, &strip.b_step)
        strip.bias = job.bias + col if last and job.bias != NULL else NULL
        for i in range(axes[0].count):
            for j in range(axes[1].count):
                strip.a = a + i * axes[0].a + j * axes[1].a
                strip.c = c + i * axes[0].c + j * axes[1].c + col
                if job.dots:
                    table.dots_f32(&strip)
                else:
                    table.strip_f32(&strip)
        col += table.tile_cols


cdef void multiply_grid(
    const rows_job* job, const grid_axis* axes, const float* a, float* c,
) noexcept nogil:
    cdef grid_axis best[3]
    cdef Py_ssize_t total = job.n_taps * job.depth, k = 0, end
    best[0], best[1], best[2] = axes[0], axes[1], axes[2]
    merge(&best[1], &best[2])
    merge(&best[0], &best[2] if best[1].count == 1 else &best[1])
    if best[0].count > best[2].count:
        best[0], best[2] = best[2], best[0]
    if best[1].count > best[2].count:
        best[1], best[2] = best[2], best[1]
    while k < total:
        end = chain_end(job.n_taps, job.depth, k)
        multiply_chain(job, best, a, c, k, end - k, k == 0, end == total)
        k = end


cdef bint is_chain(Py_ssize_t n_taps, Py_ssize_t depth) noexcept nogil:
    return chain_end(n_taps, depth, 0) == n_taps * depth


cdef void multiply_windows(
    const rows_job* job, const grid_axis* axes, const float* a, Py_ssize_t a_row, Py_ssize_t a_line,
    float* c,
) noexcept nogil:
    cdef const fc_ukernels* table = active_table()
    cdef Py_ssize_t col = job.col_begin, i, j
    cdef Py_ssize_t offsets[MOST_SUMMED]
    cdef fc_strip strip
    strip.rows, strip.a_row, strip.a_line, strip.c_row = axes[2].count, a_row, a_line, axes[2].c
    strip.offsets, strip.depth = offsets, job.n_taps * job.depth
    strip.activation = job.activation
    find_offsets(job, 0, strip.depth, offsets)
    while col < job.col_end:
        strip.cols = min(table.tile_cols, job.col_end - col)
        strip.b = get_panel(job, table, 0, strip.depth, col, strip.cols, False, &strip.b_step)
        strip.bias = job.bias + col if job.bias != NULL else NULL
        for i in range(axes[0].count):
            for j in range(axes[1].count):
                strip.a = a + i * axes[0].a + j * axes[1].a
                strip.c = c + i * axes[0].c + j * axes[1].c + col
                table.pooled_strip_f32(&strip)
        col += table.tile_cols


def takes_dots(Py_ssize_t cols, Py_ssize_t run, Py_ssize_t total) -> bool:
    """Return whether so few columns are summed in lanes: `total` elements, `run` being adjacent."""
    return can_be_dots(cols, run, total)
