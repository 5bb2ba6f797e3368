"""Pooling and zero padding, in rows of pixels.

Forward, tasks are blocks of output rows of all images; backward, blocks of rows of dx, each of
which gathers from the windows that hold it: no task writes what another does, and no sum depends
on where a task begins.
"""

from libc.string cimport memcpy, memset

from .gemm cimport ceil_div
from .isa cimport (
    FC_POOL_ARGMAX8, FC_POOL_ARGMAX32, FC_POOL_AVERAGE, FC_POOL_MAX, active_table, fc_pool,
    fc_ukernels,
)
from .threads cimport parallel_for, team_size
from .workspace cimport FC_SLOT_PARTIAL, scratch

# Floats that a task reads or writes: a few microseconds of work.
cdef enum:
    TASK_FLOATS = 16384
# Channels per task where rows are too few to share out (global pooling of a small batch).
cdef enum:
    TASK_CHANNELS = 64
# Rows from which on they alone are shared out.
cdef enum:
    MANY_ROWS = 16

cdef struct pool_context:
    const fc_ukernels* table
    fc_pool pool
    const float* source          # x, or dy
    float* result                # y, or dx
    signed char* argmax
    Py_ssize_t position_bytes
    Py_ssize_t rows              # of all images of the result
    Py_ssize_t task_rows, task_channels, channel_blocks


cdef void pool_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef pool_context* s = <pool_context*>context
    cdef fc_pool pool = s.pool
    cdef Py_ssize_t first = task // s.channel_blocks * s.task_rows
    cdef Py_ssize_t channel = task % s.channel_blocks * s.task_channels
    cdef Py_ssize_t row, image, at
    pool.channels = min(s.task_channels, pool.C - channel)
    for row in range(first, min(first + s.task_rows, s.rows)):
        image = row // pool.OH
        at = row * pool.OW * pool.C + channel
        s.table.pool_f32(
            &pool, row - image * pool.OH,
            s.source + image * pool.H * pool.W * pool.C + channel, s.result + at,
            s.argmax + at * s.position_bytes,
        )


cdef void gather_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef pool_context* s = <pool_context*>context
    cdef const fc_pool* pool = &s.pool
    cdef Py_ssize_t first = task * s.task_rows
    cdef Py_ssize_t row, image, at
    for row in range(first, min(first + s.task_rows, s.rows)):
        image = row // pool.H
        at = image * pool.OH * pool.OW * pool.C
        s.table.pool_backward_f32(
            pool, row - image * pool.H, s.source + at, s.argmax + at * s.position_bytes,
            s.result + row * pool.W * pool.C,
        )


cdef bint empty(const float[:, :, :, ::1] a) noexcept:
    return a.shape[0] * a.shape[1] * a.shape[2] * a.shape[3] == 0


cdef void describe(
    pool_context* s, const float[:, :, :, ::1] x, const float[:, :, :, ::1] y, tuple geometry,
):
    """Fill in the sizes; x stands for dx and y for dy in the backward direction."""
    cdef fc_pool* pool = &s.pool
    s.table = active_table()
    pool.H, pool.W, pool.C = x.shape[1], x.shape[2], x.shape[3]
    pool.OH, pool.OW, pool.channels = y.shape[1], y.shape[2], x.shape[3]
    pool.KH, pool.KW, pool.SH, pool.SW, pool.PT, pool.PL = geometry
    pool.weights = NULL


cdef void set_kind(pool_context* s, const signed char[:, :, :, ::1] argmax, int without):
    """Take positions as the bytes of an int8 or int32 array, which `argmax` is a view of."""
    s.position_bytes = argmax.shape[3] // s.pool.C if argmax is not None else 0
    s.argmax = <signed char*>&argmax[0, 0, 0, 0] if argmax is not None else NULL
    s.pool.kind = (
        without if argmax is None
        else FC_POOL_ARGMAX8 if s.position_bytes == 1 else FC_POOL_ARGMAX32
    )


cdef void forward(pool_context* s, const float[:, :, :, ::1] x, float[:, :, :, ::1] y):
    cdef Py_ssize_t row_floats = s.pool.OW * s.pool.KH * s.pool.KW * s.pool.C
    cdef Py_ssize_t tasks
    cdef int team
    s.rows = y.shape[0] * s.pool.OH
    s.source, s.result = NULL, &y[0, 0, 0, 0]
    if not empty(x):  # else all windows lie on padding
        s.source = &x[0, 0, 0, 0]
    s.task_channels = s.pool.C if s.rows >= MANY_ROWS else min(s.pool.C, <Py_ssize_t>TASK_CHANNELS)
    s.channel_blocks = ceil_div(s.pool.C, s.task_channels)
    s.task_rows = max(1, min(s.rows // MANY_ROWS, TASK_FLOATS // row_floats))
    tasks = ceil_div(s.rows, s.task_rows) * s.channel_blocks
    team = team_size(tasks, 0.3 * s.rows * row_floats)
    with nogil:
        parallel_for(pool_task, s, tasks, team)


cdef void backward(pool_context* s, const float[:, :, :, ::1] dy, float[:, :, :, ::1] dx):
    cdef Py_ssize_t row_floats = s.pool.W * s.pool.C
    cdef Py_ssize_t tasks
    cdef int team
    s.rows = dx.shape[0] * s.pool.H
    s.source, s.result = &dy[0, 0, 0, 0], &dx[0, 0, 0, 0]
    s.task_rows = max(1, min(s.rows // MANY_ROWS, TASK_FLOATS // row_floats))
    tasks = ceil_div(s.rows, s.task_rows)
    team = team_size(tasks, 0.3 * s.rows * row_floats)
    with nogil:
        parallel_for(gather_task, s, tasks, team)


def max_pool2d(
    const float[:, :, :, ::1] x not None, float[:, :, :, ::1] y not None,
    signed char[:, :, :, ::1] argmax, tuple geometry, int activation=0,
) -> None:
    """Write y and, unless None, the bytes of the positions; geometry (KH, KW, SH, SW, PT, PL).

    `activation`, a code of ops/fusion.py, is applied to y, and to the gradient by the positions.
    """
    cdef pool_context s
    if empty(y):
        return
    describe(&s, x, y, geometry)
    set_kind(&s, argmax, FC_POOL_MAX)
    s.pool.activation = activation
    forward(&s, x, y)


def max_pool2d_backward(
    const float[:, :, :, ::1] dy not None, const signed char[:, :, :, ::1] argmax not None,
    float[:, :, :, ::1] dx not None, tuple geometry,
) -> None:
    """Write dx from dy and the bytes of the positions."""
    cdef pool_context s
    if empty(dx):
        return
    describe(&s, dx, dy, geometry)
    set_kind(&s, argmax, FC_POOL_MAX)
    backward(&s, dy, dx)


cdef class Maxima:
    """Max-pooling of an image that a convolution computes some rows at a time, see pooling.pxd.

    Parameters
    ----------
    shape : (H, W, C)
        The image that is pooled.
    y : float32 array (N, OH, OW, C)
    argmax : int8 array of the same shape, or None
    geometry : (KH, KW, SH, SW, 0, 0)
        With KH <= SH and KW <= SW.
    activation : int
        As of max_pool2d.
    """

    def __cinit__(
        self, tuple shape, float[:, :, :, ::1] y not None, signed char[:, :, :, ::1] argmax,
        tuple geometry, int activation,
    ):
        cdef pool_context s
        self.arrays = y, argmax
        s.pool.H, s.pool.W, s.pool.C = shape
        s.pool.channels = s.pool.C
        set_kind(&s, argmax, FC_POOL_MAX)
        s.pool.OH, s.pool.OW = y.shape[1], y.shape[2]
        s.pool.KH, s.pool.KW, s.pool.SH, s.pool.SW, s.pool.PT, s.pool.PL = geometry
        s.pool.weights, s.pool.activation = NULL, activation
        self.pool, self.argmax = s.pool, s.argmax
        self.y = NULL if empty(y) else &y[0, 0, 0, 0]

    cdef void take(
        self, Py_ssize_t image, Py_ssize_t row, Py_ssize_t rows, const float* x, Py_ssize_t begin,
        Py_ssize_t end,
    ) noexcept nogil:
        cdef fc_pool pool = self.pool
        cdef Py_ssize_t i, first = row // pool.SH, at
        pool.H, pool.channels = rows, end - begin
        for i in range(min(ceil_div(rows, pool.SH), pool.OH - first)):
            at = (image * pool.OH + first + i) * pool.OW * pool.C + begin
            active_table().pool_f32(
                &pool, i, x + begin, self.y + at,
                self.argmax + at if self.argmax != NULL else NULL,
            )


def average_pool2d(
    const float[:, :, :, ::1] x not None, float[:, :, :, ::1] y not None, tuple geometry,
) -> None:
    """Write y, the means of the pixels that exist; geometry (KH, KW, SH, SW, PT, PL)."""
    cdef pool_context s
    if empty(y):
        return
    describe(&s, x, y, geometry)
    set_kind(&s, None, FC_POOL_AVERAGE)
    forward(&s, x, y)


def average_pool2d_backward(
    const float[:, :, :, ::1] dy not None, float[:, :, :, ::1] dx not None, tuple geometry,
) -> None:
    """Write dx from dy."""
    cdef pool_context s
    cdef float* weights
    cdef Py_ssize_t oh, ow, rows, cols
    if empty(dx):
        return
    describe(&s, dx, dy, geometry)
    set_kind(&s, None, FC_POOL_AVERAGE)
    weights = scratch(FC_SLOT_PARTIAL, s.pool.OH * s.pool.OW)
    for oh in range(s.pool.OH):
        rows = overlap(oh * s.pool.SH - s.pool.PT, s.pool.KH, s.pool.H)
        for ow in range(s.pool.OW):
            cols = overlap(ow * s.pool.SW - s.pool.PL, s.pool.KW, s.pool.W)
            weights[oh * s.pool.OW + ow] = 1.0 / max(rows * cols, 1)
    s.pool.weights = weights
    backward(&s, dy, dx)


cdef Py_ssize_t overlap(Py_ssize_t first, Py_ssize_t taps, Py_ssize_t n) noexcept nogil:
    """Return how many of the inputs first .. first + taps - 1 exist."""
    return max(min(first + taps, n) - max(first, 0), 0)


cdef struct pad_context:
    const float* x
    float* y
    Py_ssize_t H, OH             # rows
    Py_ssize_t length, out_length  # floats in a row
    Py_ssize_t top, left         # rows, floats
    Py_ssize_t rows, task_rows


cdef void pad_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef pad_context* s = <pad_context*>context
    cdef Py_ssize_t first = task * s.task_rows
    cdef Py_ssize_t row, image, h
    cdef float* y
    for row in range(first, min(first + s.task_rows, s.rows)):
        image = row // s.OH
        h = row - image * s.OH - s.top
        y = s.y + row * s.out_length
        if h < 0 or h >= s.H:
            memset(y, 0, s.out_length * sizeof(float))
            continue
        memset(y, 0, s.left * sizeof(float))
        memcpy(y + s.left, s.x + (image * s.H + h) * s.length, s.length * sizeof(float))
        memset(y + s.left + s.length, 0, (s.out_length - s.left - s.length) * sizeof(float))


def zero_pad2d(
    const float[:, :, :, ::1] x not None, float[:, :, :, ::1] y not None, Py_ssize_t top,
    Py_ssize_t left,
) -> None:
    """Write y: x with `top` rows and `left` columns of zeros before it, the rest after it."""
    cdef pad_context s
    cdef Py_ssize_t C = x.shape[3], tasks
    cdef int team
    s.H, s.OH = x.shape[1], y.shape[1]
    s.length, s.out_length = x.shape[2] * C, y.shape[2] * C
    s.top, s.left = top, left * C
    s.rows = y.shape[0] * s.OH
    if s.rows == 0 or s.out_length == 0:
        return
    s.x = &x[0, 0, 0, 0] if s.H and s.length else NULL
    s.y = &y[0, 0, 0, 0]
    s.task_rows = max(1, min(s.rows // MANY_ROWS, TASK_FLOATS // s.out_length))
    tasks = ceil_div(s.rows, s.task_rows)
    team = team_size(tasks, 0.3 * s.rows * s.out_length)
    with nogil:
        parallel_for(pad_task, &s, tasks, team)
