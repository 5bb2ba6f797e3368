"""Matrix products: the loops around the register tile, and C = A B for any strides.

The sum of one output runs over blocks of about KC elements; inside a block it is one chain of
multiply-adds in a register, and blocks are added in order. Block borders follow from the number of
summed elements alone, so no result depends on M, N, the number of threads or where a tile falls.
Goto & van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008.
"""

from .isa cimport FC_DOTS_COLS, FC_LINEAR, active_table, fc_strip, fc_tile, fc_ukernels
from .threads cimport parallel_for, team_size, worker
from .workspace cimport FC_SLOT_PACK_A, FC_SLOT_PACK_B, scratch

# Summed elements per block: a packed panel of B (KC x 32 floats) stays in L1/L2 while the rows of
# A pass by. Part of the definition of a result: changing it changes the last bits.
cdef enum:
    KC = 384
    MOST_SUMMED = KC + KC // 2 + 1  # of a chain, and one, see chain_end
# Rows up to which the strips of a grid pass over a panel of B once or twice: it is not copied.
cdef enum:
    FEW_ROWS = 13
# Lanes of the vectors that few columns take otherwise, see csrc/gemm/strip_f32.h.
cdef enum:
    NARROW = 8
# Row tiles from which on copying a panel of B (one more pass over it) is repaid by reading it packed.
cdef enum:
    PACK_TILES = 3
# Rows of A per task of a matrix product: MC x KC floats stay in L2. With 256, AVX2 lost up to a
# quarter, depending on where arrays lay (512^3 on an AMD EPYC Zen 4, 1 MB of L2, one thread).
cdef enum:
    MC = 128
# Columns of B per task: enough to reuse a packed block of A, few enough for tasks to share out.
cdef enum:
    NC = 256
# Floats of B that are packed once for all rows of A, where there are several blocks of them: 4 MB.
# Packed once a block, B's rows come from L3 line by line as often: 512^3 then ran at 0.88 instead of
# 0.97 times OpenBLAS's speed (AVX2 beside its AVX-512, AMD EPYC Zen 4, medians of 8 runs).
cdef enum:
    SHARED_FLOATS = 1 << 20
# Rows of A a multiple of this apart fall into the same set of an L1 cache and evict each other.
cdef enum:
    ALIASING_FLOATS = 1024


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
    """Return where the chain of multiply-adds ends that begins with summed element k."""
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
    """Add the products of summed elements [k, k + count) to C; the strips lie along axes[2]."""
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


cdef struct matmul_context:
    rows_job job                 # what all tasks share
    const float* a
    Py_ssize_t a_row, a_k
    float* c
    Py_ssize_t c_row
    Py_ssize_t M, N, K
    Py_ssize_t block_rows, block_cols, col_blocks
    bint pack_a, shared_b
    float* packed_a              # TMP per worker
    Py_ssize_t packed_a_floats
    float* packed_b              # TMP per worker, or one for all: panels of columns [col_begin, col_end)
    Py_ssize_t packed_b_floats
    Py_ssize_t col_begin, col_end


cdef void pack_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef matmul_context* s = <matmul_context*>context
    cdef const fc_ukernels* table = active_table()
    cdef Py_ssize_t col = s.col_begin + task * table.tile_cols
    cdef Py_ssize_t cols = min(table.tile_cols, s.col_end - col)
    pack_panel(&s.job, table, 0, s.K, col, cols, panel_width(table, cols),
               s.packed_b + (col - s.col_begin) * s.K)


cdef void matmul_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef matmul_context* s = <matmul_context*>context
    cdef const fc_ukernels* table = active_table()
    cdef grid_axis axes[3]
    cdef rows_job job = s.job
    cdef Py_ssize_t row = task // s.col_blocks * s.block_rows
    cdef const float* a = s.a + row * s.a_row
    cdef float* c = s.c + row * s.c_row
    cdef float* packed_a = s.packed_a + worker() * s.packed_a_floats
    cdef Py_ssize_t begin = 0, end = 0, offset = 0
    job.rows = min(s.block_rows, s.M - row)
    job.col_begin = s.col_begin + task % s.col_blocks * s.block_cols
    job.col_end = min(job.col_begin + s.block_cols, s.col_end)
    if s.shared_b:  # panels count from column 0
        job.b, job.b_panel = s.packed_b - s.col_begin * s.K, s.K * table.tile_cols
    else:
        job.packed = s.packed_b + worker() * s.packed_b_floats
    axes[0] = axes[1] = grid_axis(1, 0, 0)
    axes[2] = grid_axis(job.rows, s.a_row, s.c_row)
    job.taps = &offset
    while True:  # once for an empty sum
        if s.K:
            end = chain_end(1, s.K, begin)
        if s.M == 1 and not job.dots:
            job.a, job.c, offset = &a, &c, begin * s.a_k
            multiply_block(&job, &offset, 1, end - begin, begin, begin == 0, end == s.K)
        elif not s.pack_a:
            multiply_chain(&job, axes, a, c, begin, end - begin, begin == 0, end == s.K)
        else:
            if s.a_k == 1:
                # Odd multiples of a vector apart, the rows no longer share a cache set.
                axes[2].a, job.a_step = (ceil_div(end - begin, table.vl) | 1) * table.vl, 1
                table.pack_rows(packed_a, a + begin, s.a_row, job.rows, end - begin, axes[2].a)
            else:
                axes[2].a, job.a_step = 1, ceil_div(job.rows, table.vl) * table.vl
                table.pack_rows(packed_a, a + begin * s.a_k, s.a_k, end - begin, job.rows, job.a_step)
            offset = -begin * job.a_step  # what is packed begins there
            multiply_chain(&job, axes, packed_a, c, begin, end - begin, begin == 0, end == s.K)
        begin = end
        if begin == s.K:
            return


def takes_dots(Py_ssize_t cols, Py_ssize_t run, Py_ssize_t total) -> bool:
    """Return whether so few columns are summed in lanes: `total` elements, `run` being adjacent."""
    return can_be_dots(cols, run, total)


def matmul(
    const float[:, :] a not None, const float[:, :] b not None, float[:, ::1] c not None,
    const float[::1] bias=None, int activation=0,
) -> None:
    """C = activation(A B + bias) for A (M, K) and B (K, N) of any strides, one of B's being 1."""
    cdef matmul_context s
    cdef const fc_ukernels* table = active_table()
    cdef int team
    cdef Py_ssize_t row_blocks, wide
    s.M, s.K, s.N = a.shape[0], a.shape[1], b.shape[1]
    if s.M == 0 or s.N == 0:
        return
    s.a_row, s.a_k = a.strides[0] // sizeof(float), a.strides[1] // sizeof(float)
    s.c, s.c_row = &c[0, 0], s.N
    s.job.n_taps, s.job.depth, s.job.a_step = 1, s.K, s.a_k
    s.job.b_k, s.job.b_n = b.strides[0] // sizeof(float), b.strides[1] // sizeof(float)
    s.a = s.job.b = NULL
    if s.K:
        s.a, s.job.b = &a[0, 0], &b[0, 0]
    s.job.b_taps, s.job.b_depth, s.job.b_panel, s.job.chain = NULL, max(s.K, 1), 0, 0
    s.job.dots = s.a_k == 1 and can_be_dots(s.N, s.K, s.K)
    s.job.bias = &bias[0] if bias is not None else NULL
    s.job.added, s.job.activation, s.job.accumulate = 0, activation, False

    # A is copied where that is repaid by many columns: where its rows would evict each other, and
    # where summed elements lie so far apart that each of them would touch a page of its own.
    s.pack_a = s.N > 2 * table.tile_cols and (
        (s.a_k == 1 and s.a_row % ALIASING_FLOATS == 0 and s.M > 1)
        or (s.a_row == 1 and s.a_k > ALIASING_FLOATS and s.K > 64)
    )
    s.block_rows = ceil_div(s.M, ceil_div(s.M, MC))  # equal blocks: a small last one costs as much
    s.block_cols = min(s.N, <Py_ssize_t>(NC if s.M > 1 else packed_floats() // 2))
    row_blocks = ceil_div(s.M, s.block_rows)
    s.shared_b = row_blocks > 1 and s.K > 0 and not s.job.dots
    wide = s.N
    if s.shared_b:
        wide = min(s.N, max(1, SHARED_FLOATS // s.K // table.tile_cols) * table.tile_cols)
    team = team_size(row_blocks * ceil_div(wide, table.tile_cols), s.M * wide * (s.K + 8.0) / (4 * table.vl))
    while team > 1 and row_blocks * ceil_div(wide, s.block_cols) < 4 * team \
            and s.block_cols > table.tile_cols:
        s.block_cols = max(table.tile_cols, s.block_cols // 2 // table.tile_cols * table.tile_cols)
    s.packed_a_floats = MOST_SUMMED * (MC + 2 * table.vl) if s.pack_a else 0
    s.packed_b_floats = s.K * (wide + table.tile_cols) if s.shared_b else packed_floats()
    s.packed_a = scratch(FC_SLOT_PACK_A, team * s.packed_a_floats + 1)
    s.packed_b = scratch(FC_SLOT_PACK_B, s.packed_b_floats * (1 if s.shared_b else team))
    with nogil:
        s.col_end = 0
        while s.col_end < s.N:
            s.col_begin, s.col_end = s.col_end, min(s.col_end + wide, s.N)
            s.col_blocks = ceil_div(s.col_end - s.col_begin, s.block_cols)
            if s.shared_b:
                parallel_for(pack_task, &s, ceil_div(s.col_end - s.col_begin, table.tile_cols), team)
            parallel_for(matmul_task, &s, row_blocks * s.col_blocks, team)
