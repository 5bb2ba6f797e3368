"""Matrix products: C = A B for any strides, divided into tasks for the loops of gemm."""

from .gemm cimport (
    MOST_SUMMED, can_be_dots, ceil_div, chain_end, grid_axis, multiply_chain, multiply_rows, pack_all,
    packed_floats, rows_job,
)
from .isa cimport active_table, fc_ukernels
from .threads cimport parallel_for, team_size, worker
from .workspace cimport FC_SLOT_PACK_A, FC_SLOT_PACK_B, scratch

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
    cdef Py_ssize_t tile_cols = active_table().tile_cols, col = s.col_begin + task * tile_cols
    cdef rows_job job = s.job
    job.b += col * job.b_n
    pack_all(&job, s.K, min(tile_cols, s.col_end - col), s.packed_b + (col - s.col_begin) * s.K)


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
    if s.M == 1 and not job.dots:
        job.a, job.c = &a, &c
        multiply_rows(&job)
        return
    while True:  # once for an empty sum
        if s.K:
            end = chain_end(1, s.K, begin)
        if not s.pack_a:
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
