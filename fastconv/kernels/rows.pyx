"""Work on the rows of a matrix: softmax, cross-entropies, gathering. No row needs another one."""

from libc.stdint cimport int64_t

from .gemm cimport ceil_div
from .isa cimport (
    FC_LOG_SOFTMAX, FC_LOG_SOFTMAX_BACKWARD, FC_SOFTMAX, FC_SOFTMAX_BACKWARD, active_table,
    fc_cross_entropy, fc_rows, fc_ukernels,
)
from .threads cimport parallel_for, team_size

cdef extern from *:
    """
    static const char *const fc_source_names[] = {
    #define FC_SOURCE(name, type) #name,
    #include "rows/sources.def"
    #undef FC_SOURCE
    };
    enum { FC_SOURCES = sizeof(fc_source_names) / sizeof(fc_source_names[0]) };
    """
    const char* const* fc_source_names
    int FC_SOURCES

#: NumPy's name of a number type that take_rows reads: its code.
SOURCES: dict[str, int] = {fc_source_names[i].decode(): i for i in range(FC_SOURCES)}

# Floats of a task, roughly: a few microseconds of work.
cdef enum:
    TASK_FLOATS = 16384
# Short rows are worked on in groups of as many as a vector has lanes, at most this many.
cdef enum:
    GROUP_ROWS = 16


cdef Py_ssize_t rows_per_task(Py_ssize_t cols) noexcept nogil:
    cdef Py_ssize_t rows = max(1, TASK_FLOATS // cols)
    return rows if rows < GROUP_ROWS else rows - rows % GROUP_ROWS


cdef struct softmax_context:
    const fc_ukernels* table
    int kind
    fc_rows whole
    Py_ssize_t task_rows


cdef void softmax_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef softmax_context* s = <softmax_context*>context
    cdef fc_rows part = s.whole
    cdef Py_ssize_t first = task * s.task_rows
    cdef Py_ssize_t start = first * part.cols
    part.rows = min(part.rows - first, s.task_rows)
    part.a, part.out = part.a + start, part.out + start
    if part.b != NULL:
        part.b = part.b + start
    s.table.softmax_rows(s.kind, &part)


cdef void run_softmax(
    int kind, const float[:, ::1] a, const float[:, ::1] b, float[:, ::1] out,
):
    cdef softmax_context s
    cdef Py_ssize_t tasks
    if a.shape[0] == 0 or a.shape[1] == 0:
        return
    s.table, s.kind = active_table(), kind
    s.whole.rows, s.whole.cols = a.shape[0], a.shape[1]
    s.whole.a, s.whole.out = &a[0, 0], &out[0, 0]
    s.whole.b = &b[0, 0] if b is not None else NULL
    s.task_rows = rows_per_task(s.whole.cols)
    tasks = ceil_div(s.whole.rows, s.task_rows)
    with nogil:
        parallel_for(softmax_task, &s, tasks, team_size(tasks, 3.0 * s.whole.rows * s.whole.cols))


def softmax(const float[:, ::1] x not None, float[:, ::1] y not None) -> None:
    """Write the softmax of each row."""
    run_softmax(FC_SOFTMAX, x, None, y)


def softmax_backward(
    const float[:, ::1] dy not None, const float[:, ::1] y not None, float[:, ::1] dx not None,
) -> None:
    """Write dx from dy and the softmax y."""
    run_softmax(FC_SOFTMAX_BACKWARD, dy, y, dx)


def log_softmax(const float[:, ::1] x not None, float[:, ::1] y not None) -> None:
    """Write the logarithm of the softmax of each row."""
    run_softmax(FC_LOG_SOFTMAX, x, None, y)


def log_softmax_backward(
    const float[:, ::1] dy not None, const float[:, ::1] y not None, float[:, ::1] dx not None,
) -> None:
    """Write dx from dy and the log-softmax y."""
    run_softmax(FC_LOG_SOFTMAX_BACKWARD, dy, y, dx)


# Partial sums of `sum_of`, which take turns.
cdef enum:
    SUMS = 8


cdef double sum_of(const float* x, Py_ssize_t n) noexcept nogil:
    cdef double[SUMS] sums
    cdef Py_ssize_t i, k
    for k in range(SUMS):
        sums[k] = 0
    for i in range(n // SUMS):
        for k in range(SUMS):
            sums[k] += x[i * SUMS + k]
    for i in range(n - n % SUMS, n):
        sums[i % SUMS] += x[i]
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + (
        (sums[4] + sums[5]) + (sums[6] + sums[7])
    )


def total(const float[::1] x not None) -> float:
    """Return the sum in double precision."""
    return sum_of(&x[0], x.shape[0]) if x.shape[0] else 0.0


cdef struct loss_context:
    void (*kernel)(const fc_cross_entropy* task) noexcept nogil
    fc_cross_entropy whole
    Py_ssize_t task_rows


cdef void loss_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef loss_context* s = <loss_context*>context
    cdef fc_cross_entropy part = s.whole
    cdef Py_ssize_t first = task * s.task_rows
    cdef Py_ssize_t start = first * part.cols
    part.rows = min(part.rows - first, s.task_rows)
    part.logits, part.dlogits = part.logits + start, part.dlogits + start
    part.loss = part.loss + first
    if part.classes != NULL:
        part.classes = part.classes + first
    if part.labels != NULL:
        part.labels = part.labels + start
    if part.weights != NULL:
        part.weights = part.weights + first
    s.kernel(&part)


cdef double run_loss(
    loss_context* s, const float[:, ::1] logits, const float[:, ::1] labels,
    const float[::1] weights, float[::1] loss, float[:, ::1] dlogits,
):
    cdef Py_ssize_t tasks
    s.whole.rows, s.whole.cols = logits.shape[0], logits.shape[1]
    if s.whole.rows == 0 or s.whole.cols == 0:
        return 0
    s.whole.logits, s.whole.dlogits, s.whole.loss = &logits[0, 0], &dlogits[0, 0], &loss[0]
    s.whole.labels = &labels[0, 0] if labels is not None else NULL
    s.whole.weights = &weights[0] if weights is not None else NULL
    s.task_rows = rows_per_task(s.whole.cols)
    tasks = ceil_div(s.whole.rows, s.task_rows)
    with nogil:
        parallel_for(loss_task, s, tasks, team_size(tasks, 4.0 * s.whole.rows * s.whole.cols))
        return sum_of(s.whole.loss, s.whole.rows)


def softmax_cross_entropy(
    const float[:, ::1] logits not None, const int64_t[::1] classes, const float[:, ::1] labels,
    const float[::1] weights, float[::1] loss not None, float[:, ::1] dlogits not None,
) -> float:
    """Write loss (M,) and dlogits (M, C) from classes (M,) or labels (M, C); the other is None.

    Returns the `total` of the loss, as `sigmoid_cross_entropy` does.
    """
    cdef loss_context s
    s.kernel = active_table().softmax_cross_entropy
    s.whole.classes = &classes[0] if classes is not None and classes.shape[0] else NULL
    return run_loss(&s, logits, labels, weights, loss, dlogits)


def sigmoid_cross_entropy(
    const float[:, ::1] logits not None, const float[:, ::1] labels not None,
    const float[::1] weights, float[::1] loss not None, float[:, ::1] dlogits not None,
) -> float:
    """Write loss (M,) and dlogits (M, C)."""
    cdef loss_context s
    s.kernel = active_table().sigmoid_cross_entropy
    s.whole.classes = NULL
    return run_loss(&s, logits, labels, weights, loss, dlogits)


cdef Py_ssize_t first_largest(const float* x, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i, best = 0
    for i in range(1, n):
        # As NumPy has it, NaN is the largest.
        if x[i] > x[best] or (x[i] != x[i] and x[best] == x[best]):
            best = i
    return best


def count_hits(
    const float[:, ::1] scores not None, const int64_t[::1] classes, const float[:, ::1] labels,
) -> int:
    """Return in how many rows the largest score is that of the class, or of the largest label."""
    cdef Py_ssize_t row, rows = scores.shape[0], cols = scores.shape[1], count = 0
    cdef int64_t wanted
    if rows == 0 or cols == 0:
        return 0
    with nogil:
        for row in range(rows):
            wanted = classes[row] if classes is not None else first_largest(&labels[row, 0], cols)
            count += first_largest(&scores[row, 0], cols) == wanted
    return count


def first_outside(const int64_t[::1] indices not None, int64_t limit) -> int:
    """Return the position of the first index that is not in [0, limit), or -1."""
    cdef Py_ssize_t i
    for i in range(indices.shape[0]):
        if indices[i] < 0 or indices[i] >= limit:
            return i
    return -1


cdef struct gather_context:
    const fc_ukernels* table
    int source
    const unsigned char* x
    const int64_t* indices
    float* y
    Py_ssize_t rows, cols, task_rows


cdef void gather_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef gather_context* s = <gather_context*>context
    cdef Py_ssize_t first = task * s.task_rows
    s.table.gather_f32(
        s.source, s.x, s.indices + first, s.y + first * s.cols,
        min(s.rows - first, s.task_rows), s.cols,
    )


def take_rows(
    const unsigned char[::1] x not None, int source, const int64_t[::1] indices not None,
    float[:, ::1] y not None,
) -> None:
    """Write the rows `indices` of the matrix whose bytes are x to y, as floats."""
    cdef gather_context s
    cdef Py_ssize_t tasks
    s.table, s.source, s.rows, s.cols = active_table(), source, y.shape[0], y.shape[1]
    if s.rows == 0 or s.cols == 0:
        return
    s.x, s.indices, s.y = &x[0], &indices[0], &y[0, 0]
    s.task_rows = max(1, TASK_FLOATS // s.cols)
    tasks = ceil_div(s.rows, s.task_rows)
    with nogil:
        parallel_for(gather_task, &s, tasks, team_size(tasks, 1.0 * s.rows * s.cols))
