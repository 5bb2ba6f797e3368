"""Sums over all but the last axis, and batch normalisation.

An array (M, C) is cut into blocks of rows, by its shape alone. Each block is summed by itself, in
float32; blocks are put together in double precision, in order. A variance is found in one visit:
deviations from the mean of a block's first rows are small, so little is lost where their own mean
is taken out of their squares. Blocks are joined as in Chan, Golub & LeVeque, "Algorithms for
computing the sample variance", The American Statistician 37(3), 1983.
"""

from libc.math cimport sqrt
from libc.string cimport memset

from .gemm cimport ceil_div
from .isa cimport (
    FC_CHANNEL_VECS, FC_SUM, FC_SUM_GRADIENTS, FC_SUM_OUTER_GRADIENTS, FC_SUM_SQUARES,
    active_table, fc_channel_map, fc_channel_sums, fc_ukernels,
)
from .threads cimport parallel_for, team_size
from .workspace cimport FC_SLOT_PARTIAL, scratch

# Floats of a block: a few microseconds of work.
cdef enum:
    BLOCK_FLOATS = 16384
# A block has at least this many rows, so that sums of blocks are few beside the data.
cdef enum:
    MIN_ROWS = 16
# Fewer channels are worked on as rows of this many floats or more, unless one group of vectors is a
# row, see channels.h. Rows added into each lane are then few, and so are their rounding errors.
cdef enum:
    MIN_PERIOD = 256
# Floats, or a row, whose mean deviations are taken from.
cdef enum:
    FIRST_FLOATS = 1024

cdef struct layout:
    Py_ssize_t n                 # floats of the array
    Py_ssize_t C
    Py_ssize_t period            # a multiple of C, and of a vector where C is small
    Py_ssize_t block             # floats of a block, a multiple of the period
    Py_ssize_t blocks


cdef Py_ssize_t common_divisor(Py_ssize_t a, Py_ssize_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a


cdef layout lay_out(Py_ssize_t n, Py_ssize_t C) noexcept nogil:
    cdef layout shape
    cdef Py_ssize_t group = FC_CHANNEL_VECS * active_table().vl
    shape.n, shape.C, shape.period = n, C, C
    if C < MIN_PERIOD:
        shape.period *= group // common_divisor(C, group)
        if shape.period > group:
            shape.period *= ceil_div(MIN_PERIOD, shape.period)
    shape.block = shape.period * max(MIN_ROWS, BLOCK_FLOATS // shape.period)
    shape.blocks = ceil_div(n, shape.block)
    return shape


cdef void repeat(const layout* shape, float* row) noexcept nogil:
    """Fill a row of a period from its first C floats."""
    cdef Py_ssize_t i
    for i in range(shape.C, shape.period):
        row[i] = row[i - shape.C]


cdef void add_up(const layout* shape, const float* row, double* totals) noexcept nogil:
    """Add a row of a period to C totals."""
    cdef Py_ssize_t c
    cdef const float* end = row + shape.period
    while row < end:
        for c in range(shape.C):
            totals[c] += row[c]
        row += shape.C


cdef const float* moved(const float* p, Py_ssize_t by) noexcept nogil:
    if p == NULL:
        return NULL
    return p + by


cdef struct sums_context:
    const fc_ukernels* table
    layout shape
    int kind
    fc_channel_sums whole
    Py_ssize_t step              # floats of whole.sums per block


cdef void sums_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef sums_context* s = <sums_context*>context
    cdef fc_channel_sums part = s.whole
    cdef Py_ssize_t first = task * s.shape.block
    part.x, part.dy = part.x + first, moved(part.dy, first)
    part.more, part.v = moved(part.more, first), moved(part.v, first)
    if part.dz != NULL:
        part.dz = part.dz + first
    part.n = min(s.shape.n - first, s.shape.block)
    part.sums = part.sums + task * s.step
    s.table.channel_sums(s.kind, &part)


cdef void moments_task(void* context, Py_ssize_t task) noexcept nogil:
    """Leave a mean of first rows, the deviations from it and their squares, a period each."""
    cdef sums_context* s = <sums_context*>context
    cdef Py_ssize_t period = s.shape.period, first = task * s.shape.block
    cdef Py_ssize_t c, i
    cdef fc_channel_sums part = s.whole
    cdef float* mean = s.whole.sums + task * s.step
    cdef double total
    part.x = part.x + first
    part.sums = mean
    part.n = min(s.shape.n - first, period * max(1, FIRST_FLOATS // period))
    s.table.channel_sums(FC_SUM, &part)
    for c in range(s.shape.C):
        total, i = 0, c
        while i < period:  # Cython turns range() into a C loop only for a constant step
            total += mean[i]
            i += s.shape.C
        mean[c] = total / (part.n // s.shape.C)
    repeat(&s.shape, mean)
    part.mean, part.sums, part.n = mean, mean + period, min(s.shape.n - first, s.shape.block)
    s.table.channel_sums(FC_SUM_SQUARES, &part)


cdef struct map_context:
    const fc_ukernels* table
    layout shape
    fc_channel_map whole


cdef void map_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef map_context* s = <map_context*>context
    cdef fc_channel_map part = s.whole
    cdef Py_ssize_t first = task * s.shape.block
    part.x, part.y = part.x + first, part.y + first
    part.dy, part.more = moved(part.dy, first), moved(part.more, first)
    part.n = min(s.shape.n - first, s.shape.block)
    s.table.channel_map(&part)


cdef void run_sums(sums_context* s, int kind) noexcept nogil:
    """Sum x, or the two gradients, of each block."""
    s.table, s.kind, s.whole.period = active_table(), kind, s.shape.period
    parallel_for(sums_task, s, s.shape.blocks, team_size(s.shape.blocks, 0.5 * s.shape.n))


cdef void run_map(map_context* s) noexcept nogil:
    s.table, s.whole.n, s.whole.period = active_table(), s.shape.n, s.shape.period
    parallel_for(map_task, s, s.shape.blocks, team_size(s.shape.blocks, 1.0 * s.shape.n))


def channel_sums(const float[::1] x not None, float[::1] sums not None) -> None:
    """Write the sums (C,) of the rows of x (M, C)."""
    cdef sums_context s
    cdef double* totals
    cdef Py_ssize_t b, c
    if sums.shape[0] == 0:
        return
    memset(&s, 0, sizeof(s))
    s.shape = lay_out(x.shape[0], sums.shape[0])
    s.step = s.shape.period
    totals = <double*>scratch(FC_SLOT_PARTIAL, 2 * s.shape.C + s.shape.blocks * s.step)
    s.whole.sums = <float*>(totals + s.shape.C)
    for c in range(s.shape.C):
        totals[c] = 0
    if s.shape.blocks:
        s.whole.x = &x[0]
        with nogil:
            run_sums(&s, FC_SUM)
            for b in range(s.shape.blocks):
                add_up(&s.shape, s.whole.sums + b * s.step, totals)
    for c in range(s.shape.C):
        sums[c] = totals[c]


cdef void normalize(
    const float[::1] x, const float[::1] gamma, const float[::1] beta, const float[::1] mean,
    const float[::1] variance, double epsilon, float[::1] y, int activation,
    const float[::1] more,
):
    cdef map_context s
    cdef float* row
    cdef Py_ssize_t c
    cdef double scale
    memset(&s, 0, sizeof(s))
    s.shape = lay_out(x.shape[0], mean.shape[0])
    row = scratch(FC_SLOT_PARTIAL, 3 * s.shape.period)
    for c in range(s.shape.C):
        scale = 1 / sqrt(variance[c] + epsilon)
        row[c] = mean[c]
        row[s.shape.period + c] = scale if gamma is None else scale * gamma[c]
        row[2 * s.shape.period + c] = 0 if beta is None else beta[c]
    for c in range(3):
        repeat(&s.shape, row + c * s.shape.period)
    s.whole.x, s.whole.y = &x[0], &y[0]
    if more is not None:
        s.whole.more = &more[0]
    s.whole.mean, s.whole.scale = row, row + s.shape.period
    s.whole.shift = row + 2 * s.shape.period
    s.whole.activation = activation
    with nogil:
        run_map(&s)


def batch_norm(
    const float[::1] x not None, const float[::1] gamma, const float[::1] beta,
    const float[::1] mean not None, const float[::1] variance not None, double epsilon,
    float[::1] y not None, int activation=0, const float[::1] more=None,
) -> None:
    """Write y = activation((x - mean) / sqrt(variance + epsilon) * gamma + beta + more).

    `activation` is a code of ops/fusion.py; `more` (M, C) may be y.
    """
    if x.shape[0]:
        normalize(x, gamma, beta, mean, variance, epsilon, y, activation, more)


def batch_norm_train(
    const float[::1] x not None, const float[::1] gamma, const float[::1] beta, double epsilon,
    float[::1] y not None, float[::1] mean not None, float[::1] variance not None,
    int activation=0, const float[::1] more=None,
) -> None:
    """Write mean and variance (C,) of x (M, C), M >= 1, and then what batch_norm does."""
    cdef sums_context s
    cdef double* moments
    cdef Py_ssize_t c, C = mean.shape[0]
    cdef double rows = x.shape[0] // C
    memset(&s, 0, sizeof(s))
    s.shape = lay_out(x.shape[0], C)
    s.step = 3 * s.shape.period
    moments = <double*>scratch(FC_SLOT_PARTIAL, 8 * C + s.shape.blocks * s.step)
    s.table, s.whole.period = active_table(), s.shape.period
    s.whole.x = &x[0]
    s.whole.sums = <float*>(moments + 4 * C)
    with nogil:
        parallel_for(
            moments_task, &s, s.shape.blocks, team_size(s.shape.blocks, 0.5 * s.shape.n)
        )
        join_moments(&s, moments)
    for c in range(C):
        mean[c] = moments[c]
        variance[c] = max(moments[C + c], 0) / rows
    normalize(x, gamma, beta, mean, variance, epsilon, y, activation, more)


cdef void join_moments(const sums_context* s, double* moments) noexcept nogil:
    """Write means (C,) and sums of squares about them (C,) from those of the blocks.

    moments also holds the sums of a block, 2 C doubles.
    """
    cdef Py_ssize_t C = s.shape.C, period = s.shape.period
    cdef Py_ssize_t b, c
    cdef double* squares = moments + C
    cdef double* block_sums = squares + C
    cdef double* block_squares = block_sums + C
    cdef const float* block
    cdef double rows, share, off, before = 0
    for c in range(2 * C):
        moments[c] = 0
    for b in range(s.shape.blocks):
        block = s.whole.sums + b * s.step
        for c in range(2 * C):
            block_sums[c] = 0
        add_up(&s.shape, block + period, block_sums)
        add_up(&s.shape, block + 2 * period, block_squares)
        rows = min(s.shape.n - b * s.shape.block, s.shape.block) // C
        share = rows / (before + rows)
        for c in range(C):
            off = block[c] + block_sums[c] / rows - moments[c]
            moments[c] += off * share
            squares[c] += block_squares[c] - block_sums[c] * block_sums[c] / rows
            squares[c] += off * off * share * before
        before += rows


def batch_norm_backward(
    const float[::1] dy not None, const float[::1] x not None, const float[::1] gamma,
    const float[::1] mean not None, const float[::1] variance not None, double epsilon,
    bint fixed_statistics, float[::1] dx not None, float[::1] dgamma not None,
    float[::1] dbeta not None, int activation=0, const float[::1] beta=None,
    float[::1] dz=None, const float[::1] more=None, const float[::1] v=None,
) -> None:
    """Write dx (M, C), dgamma and dbeta (C,); mean and variance depend on x or are fixed.

    With i = 1 / sqrt(variance + epsilon): dbeta = sum(dy), dgamma = i sum(dy (x - mean)),
    dx = gamma i (dy - (dbeta + i (x - mean) dgamma) / M), without the last term if fixed.
    dx may be dy. With an activation, whose slope follows from x and beta, dy is that of its result;
    the statistics are not fixed then. With dz (M, C) the activation is one behind the sum of the
    normalization and something else: dz = (dy + more) * its slope where its result is v is written
    first, and is then the dy; more may be None, v too if there is no activation, dz dy or more.
    """
    cdef sums_context s
    cdef map_context m
    cdef double* totals
    cdef double* products
    cdef float* row
    cdef Py_ssize_t b, c, period
    cdef double rows, inverse, scale
    memset(&s, 0, sizeof(s))
    memset(&m, 0, sizeof(m))
    s.shape = lay_out(x.shape[0], mean.shape[0])
    period = s.shape.period
    s.step = 2 * period
    totals = <double*>scratch(
        FC_SLOT_PARTIAL, 4 * s.shape.C + 5 * period + s.shape.blocks * s.step
    )
    products = totals + s.shape.C
    row = <float*>(products + s.shape.C)
    s.whole.sums = row + 5 * period
    for c in range(s.shape.C):
        totals[c] = products[c] = 0
        inverse = 1 / sqrt(variance[c] + epsilon)
        row[c] = mean[c]
        row[period + c] = inverse if gamma is None else inverse * gamma[c]
        row[4 * period + c] = 0 if beta is None else beta[c]
    for c in (0, 1, 4):
        repeat(&s.shape, row + c * period)
    s.whole.activation, s.whole.scale, s.whole.shift = activation, row + period, row + 4 * period
    if s.shape.blocks:
        s.whole.x, s.whole.dy, s.whole.mean = &x[0], &dy[0], row
        if dz is not None:
            s.whole.dz = &dz[0]
            if more is not None:
                s.whole.more = &more[0]
            if v is not None:
                s.whole.v = &v[0]
        with nogil:
            run_sums(&s, FC_SUM_GRADIENTS if dz is None else FC_SUM_OUTER_GRADIENTS)
            for b in range(s.shape.blocks):
                add_up(&s.shape, s.whole.sums + b * s.step, totals)
                add_up(&s.shape, s.whole.sums + b * s.step + period, products)
    rows = max(s.shape.n // max(s.shape.C, 1), 1)
    for c in range(s.shape.C):
        inverse = 1 / sqrt(variance[c] + epsilon)
        scale = inverse if gamma is None else inverse * gamma[c]
        dbeta[c] = totals[c]
        dgamma[c] = products[c] * inverse
        row[2 * period + c] = -scale * inverse * inverse * products[c] / rows
        row[3 * period + c] = -scale * totals[c] / rows
        if fixed_statistics:
            row[c] = row[2 * period + c] = row[3 * period + c] = 0
    if s.shape.blocks == 0:
        return
    for c in range(4):
        repeat(&s.shape, row + c * period)
    m.shape = s.shape
    if dz is not None:
        dy, activation = dz, 0
    m.whole.activation, m.whole.beta = activation, row + 4 * period
    m.whole.y, m.whole.mean = &dx[0], row
    m.whole.scale, m.whole.shift = row + 2 * period, row + 3 * period
    m.whole.x, m.whole.dy, m.whole.dy_scale = &x[0], &dy[0], row + period
    if fixed_statistics:  # dx = dy * scale
        m.whole.x, m.whole.dy, m.whole.scale = &dy[0], NULL, row + period
    with nogil:
        run_map(&m)
