"""Elementwise functions, sums and dropout: any array as one run of floats, shared out in fixed pieces."""

from libc.stdint cimport uint64_t

from .gemm cimport ceil_div
from .isa cimport active_table, fc_add, fc_dropout, fc_map_args, fc_ukernels
from .threads cimport parallel_for, team_size

cdef extern from *:
    """
    #include "elementwise/map.h"
    static const char *const fc_map_names[] = {
    #define FC_MAP(code, name) #name,
    #include "elementwise/maps.def"
    #undef FC_MAP
    };
    enum { FC_MAPS = sizeof(fc_map_names) / sizeof(fc_map_names[0]) };
    """
    const char* const* fc_map_names
    int FC_MAPS

#: Name of an elementwise function (csrc/elementwise/maps.def): its code.
CODES: dict[str, int] = {fc_map_names[i].decode(): i for i in range(FC_MAPS)}

# Floats of a task: a few microseconds of work, and a divisor of 2^32 (see dropout.h).
cdef enum:
    TASK_FLOATS = 16384

cdef struct map_context:
    const fc_ukernels* table
    int code
    fc_map_args args
    const float* x               # x, or dy
    const float* v               # backward: y or x
    float* y                     # y, or dx
    Py_ssize_t n


cdef void map_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef map_context* s = <map_context*>context
    cdef Py_ssize_t first = task * TASK_FLOATS
    cdef Py_ssize_t n = min(s.n - first, <Py_ssize_t>TASK_FLOATS)
    if s.v == NULL:
        s.table.map_f32(s.code, &s.args, s.x + first, s.y + first, n)
    else:
        s.table.map_backward_f32(s.code, &s.args, s.x + first, s.v + first, s.y + first, n)


cdef void run(map_context* s) noexcept nogil:
    cdef Py_ssize_t tasks = ceil_div(s.n, TASK_FLOATS)
    parallel_for(map_task, s, tasks, team_size(tasks, 1.0 * s.n))


def forward(
    int code, tuple args, const float[::1] x not None, float[::1] y not None,
) -> None:
    """Write y, the function `code` of x; up to three numbers `args` as map_bodies.h says."""
    cdef map_context s
    if x.shape[0] == 0:
        return
    s.table, s.code, s.n = active_table(), code, x.shape[0]
    s.args.a, s.args.b, s.args.c = args
    s.x, s.v, s.y = &x[0], NULL, &y[0]
    with nogil:
        run(&s)


def backward(
    int code, tuple args, const float[::1] dy not None, const float[::1] v not None,
    float[::1] dx not None,
) -> None:
    """Write dx from dy and v, which is y or x as map_bodies.h says."""
    cdef map_context s
    if dy.shape[0] == 0:
        return
    s.table, s.code, s.n = active_table(), code, dy.shape[0]
    s.args.a, s.args.b, s.args.c = args
    s.x, s.v, s.y = &dy[0], &v[0], &dx[0]
    with nogil:
        run(&s)


cdef struct add_context:
    const fc_ukernels* table
    fc_add whole


cdef void add_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef add_context* s = <add_context*>context
    cdef fc_add part = s.whole
    cdef Py_ssize_t first = task * TASK_FLOATS
    part.a, part.b, part.y = part.a + first, part.b + first, part.y + first
    if part.v != NULL:
        part.v = part.v + first
    part.n = min(part.n - first, <Py_ssize_t>TASK_FLOATS)
    s.table.add_f32(&part)


def add(
    const float[::1] a not None, const float[::1] b not None, float[::1] y not None,
    int activation=0, const float[::1] v=None,
) -> None:
    """Write y = activation(a + b), or (a + b) * the activation's slope where its result is v."""
    cdef add_context s
    cdef Py_ssize_t n = y.shape[0], tasks = ceil_div(n, TASK_FLOATS)
    if n == 0:
        return
    s.table = active_table()
    s.whole.a, s.whole.b, s.whole.y, s.whole.n = &a[0], &b[0], &y[0], n
    s.whole.v = NULL
    if v is not None:
        s.whole.v = &v[0]
    s.whole.activation = activation
    with nogil:
        parallel_for(add_task, &s, tasks, team_size(tasks, 0.5 * n))


cdef struct dropout_context:
    const fc_ukernels* table
    fc_dropout whole


cdef void dropout_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef dropout_context* s = <dropout_context*>context
    cdef fc_dropout part = s.whole
    cdef Py_ssize_t first = task * TASK_FLOATS
    part.x, part.y, part.mask = part.x + first, part.y + first, part.mask + first
    part.n, part.first = min(part.n - first, <Py_ssize_t>TASK_FLOATS), first
    s.table.dropout_f32(&part)


def dropout(
    const float[::1] x not None, float[::1] y not None, float[::1] mask not None,
    double rate, uint64_t seed,
) -> None:
    """Write a mask of 0 with probability `rate` and 1 / (1 - rate) else, and y = x * mask."""
    cdef dropout_context s
    cdef Py_ssize_t tasks = ceil_div(x.shape[0], TASK_FLOATS)
    if tasks == 0:
        return
    s.table = active_table()
    s.whole.x, s.whole.y, s.whole.mask, s.whole.n = &x[0], &y[0], &mask[0], x.shape[0]
    s.whole.seed, s.whole.threshold = seed, <int>(rate * (1 << 24) + 0.5)
    s.whole.scale = 1 / (1 - rate) if rate < 1 else 0
    with nogil:
        parallel_for(dropout_task, &s, tasks, team_size(tasks, 1.0 * x.shape[0]))
