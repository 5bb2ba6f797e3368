"""Optimiser steps, in place and in one pass over each weight, and sums of squares."""

from .gemm cimport ceil_div
from .isa cimport active_table, fc_step, fc_ukernels
from .threads cimport parallel_for, team_size
from .workspace cimport FC_SLOT_PARTIAL, scratch

# Floats of a task: a few microseconds of work. Sums over them are put together in order.
cdef enum:
    TASK_FLOATS = 16384

cdef struct step_context:
    void (*kernel)(const fc_step* task) noexcept nogil
    fc_step whole


cdef void step_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef step_context* s = <step_context*>context
    cdef fc_step part = s.whole
    cdef Py_ssize_t first = task * TASK_FLOATS
    cdef int i
    part.w, part.g = part.w + first, part.g + first
    for i in range(3):
        if part.slots[i] != NULL:
            part.slots[i] = part.slots[i] + first
    part.n = min(part.n - first, <Py_ssize_t>TASK_FLOATS)
    s.kernel(&part)


cdef void describe(
    fc_step* step, float[::1] w, const float[::1] g, tuple slots, float rate, tuple preparation,
):
    """Fill in what all steps have; preparation (decay, grad_scale, clip)."""
    cdef float[::1] slot
    cdef int i
    step.w, step.g, step.n, step.rate = &w[0], &g[0], w.shape[0], rate
    for i in range(3):
        slot = slots[i] if i < len(slots) else None
        step.slots[i] = &slot[0] if slot is not None else NULL
    step.decay, step.grad_scale, step.clip = preparation
    step.momentum, step.nesterov = 0, 0
    step.first_rate = step.second_rate = step.epsilon = 0


cdef void run(step_context* s) noexcept nogil:
    cdef Py_ssize_t tasks = ceil_div(s.whole.n, TASK_FLOATS)
    parallel_for(step_task, s, tasks, team_size(tasks, 1.0 * s.whole.n))


def sgd(
    float[::1] w not None, const float[::1] g not None, tuple slots, float rate,
    tuple preparation, float momentum, bint nesterov,
) -> None:
    """Update w and the slots (velocity or None,); preparation (decay, grad_scale, clip)."""
    cdef step_context s
    if w.shape[0]:
        describe(&s.whole, w, g, slots, rate, preparation)
        s.whole.momentum, s.whole.nesterov = momentum, nesterov
        s.kernel = active_table().sgd_step
        with nogil:
            run(&s)


def adam(
    float[::1] w not None, const float[::1] g not None, tuple slots, float rate,
    tuple preparation, double beta_1, double beta_2, float epsilon,
) -> None:
    """Update w and the slots (m, v, largest v or None); preparation (decay, grad_scale, clip)."""
    cdef step_context s
    if w.shape[0]:
        describe(&s.whole, w, g, slots, rate, preparation)
        s.whole.first_rate, s.whole.second_rate = 1 - beta_1, 1 - beta_2
        s.whole.epsilon = epsilon
        s.kernel = active_table().adam_step
        with nogil:
            run(&s)


def rmsprop(
    float[::1] w not None, const float[::1] g not None, tuple slots, float rate,
    tuple preparation, double rho, float momentum, float epsilon,
) -> None:
    """Update w and the slots (v, moment or None, mean gradient or None); preparation as above."""
    cdef step_context s
    if w.shape[0]:
        describe(&s.whole, w, g, slots, rate, preparation)
        s.whole.second_rate, s.whole.momentum, s.whole.epsilon = 1 - rho, momentum, epsilon
        s.kernel = active_table().rmsprop_step
        with nogil:
            run(&s)


cdef struct squares_context:
    const fc_ukernels* table
    const float* x
    double* sums                 # one a task
    Py_ssize_t n


cdef void squares_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef squares_context* s = <squares_context*>context
    cdef Py_ssize_t first = task * TASK_FLOATS
    s.table.sum_of_squares(
        s.x + first, min(s.n - first, <Py_ssize_t>TASK_FLOATS), s.sums + task
    )


def sum_of_squares(const float[::1] x not None) -> float:
    """Return the sum of squares in double precision."""
    cdef squares_context s
    cdef Py_ssize_t tasks = ceil_div(x.shape[0], TASK_FLOATS)
    cdef Py_ssize_t i
    cdef double total = 0
    if tasks == 0:
        return 0.0
    s.table, s.x, s.n = active_table(), &x[0], x.shape[0]
    s.sums = <double*>scratch(FC_SLOT_PARTIAL, 2 * tasks)
    with nogil:
        parallel_for(squares_task, &s, tasks, team_size(tasks, 0.5 * s.n))
        for i in range(tasks):
            total += s.sums[i]
    return total
