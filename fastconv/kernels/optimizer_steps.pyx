"""Optimiser steps, in place and in one pass over all weights, and sums of squares."""

from libc.stdlib cimport calloc, free

from .gemm cimport ceil_div
from .isa cimport active_table, fc_step, fc_ukernels
from .threads cimport parallel_for, team_size
from .workspace cimport FC_SLOT_PARTIAL, scratch

# Floats of a task: a few microseconds of work. Sums over them are put together in order.
cdef enum:
    TASK_FLOATS = 16384

cdef struct step_context:
    void (*kernel)(const fc_step* task) noexcept nogil
    const fc_step* parts         # one a weight
    const Py_ssize_t* tasks      # tasks of all weights before each; one more for the end
    Py_ssize_t count


cdef void step_task(void* context, Py_ssize_t task) noexcept nogil:
    cdef step_context* s = <step_context*>context
    cdef Py_ssize_t low = 0, high = s.count - 1, middle, first
    cdef fc_step part
    cdef int i
    while low < high:  # the last weight whose tasks begin at or before this one
        middle = (low + high + 1) // 2
        if s.tasks[middle] <= task:
            low = middle
        else:
            high = middle - 1
    part = s.parts[low]
    first = (task - s.tasks[low]) * TASK_FLOATS
    part.w, part.g = part.w + first, part.g + first
    for i in range(3):
        if part.slots[i] != NULL:
            part.slots[i] = part.slots[i] + first
    part.n = min(part.n - first, <Py_ssize_t>TASK_FLOATS)
    s.kernel(&part)


cdef class Updates:
    """Weights with their gradients and slots, updated together in one parallel loop.

    Parameters
    ----------
    weights, gradients : list of flat float32 arrays, of equal sizes
        Kept: their memory is read and written by each step.
    slots : list of tuples of up to three such arrays, or None
    """

    cdef list arrays
    cdef fc_step* parts
    cdef Py_ssize_t* tasks
    cdef Py_ssize_t count

    def __cinit__(self, list weights, list gradients, list slots):
        cdef Py_ssize_t i
        self.arrays = [weights, gradients, slots]
        self.count = len(weights)
        self.parts = <fc_step*>calloc(self.count + 1, sizeof(fc_step))
        self.tasks = <Py_ssize_t*>calloc(self.count + 1, sizeof(Py_ssize_t))
        if self.parts == NULL or self.tasks == NULL:
            raise MemoryError
        for i in range(self.count):
            describe(&self.parts[i], weights[i], gradients[i], slots[i])
            self.tasks[i + 1] = self.tasks[i] + ceil_div(self.parts[i].n, TASK_FLOATS)

    def __dealloc__(self):
        free(self.parts)
        free(self.tasks)

    cdef void prepare(self, float rate, list decays, list grad_scales, float clip) except *:
        cdef Py_ssize_t i
        for i in range(self.count):
            self.parts[i].rate, self.parts[i].clip = rate, clip
            self.parts[i].decay, self.parts[i].grad_scale = decays[i], grad_scales[i]

    cdef void run(self, void (*kernel)(const fc_step* task) noexcept nogil) noexcept nogil:
        cdef step_context s
        cdef Py_ssize_t tasks = self.tasks[self.count]
        s.kernel, s.parts, s.tasks, s.count = kernel, self.parts, self.tasks, self.count
        if tasks:
            parallel_for(step_task, &s, tasks, team_size(tasks, 1.0 * tasks * TASK_FLOATS))

    def sgd(
        self, float rate, list decays, list grad_scales, float clip, float momentum, bint nesterov,
    ) -> None:
        """Update with the slots (velocity or None,)."""
        cdef Py_ssize_t i
        self.prepare(rate, decays, grad_scales, clip)
        for i in range(self.count):
            self.parts[i].momentum, self.parts[i].nesterov = momentum, nesterov
        with nogil:
            self.run(active_table().sgd_step)

    def adam(
        self, float rate, list decays, list grad_scales, float clip, double beta_1, double beta_2,
        float epsilon,
    ) -> None:
        """Update with the slots (m, v, largest v or None)."""
        cdef Py_ssize_t i
        self.prepare(rate, decays, grad_scales, clip)
        for i in range(self.count):
            self.parts[i].first_rate, self.parts[i].second_rate = 1 - beta_1, 1 - beta_2
            self.parts[i].epsilon = epsilon
        with nogil:
            self.run(active_table().adam_step)

    def rmsprop(
        self, float rate, list decays, list grad_scales, float clip, double rho, float momentum,
        float epsilon,
    ) -> None:
        """Update with the slots (v, moment or None, mean gradient or None)."""
        cdef Py_ssize_t i
        self.prepare(rate, decays, grad_scales, clip)
        for i in range(self.count):
            self.parts[i].second_rate, self.parts[i].momentum = 1 - rho, momentum
            self.parts[i].epsilon = epsilon
        with nogil:
            self.run(active_table().rmsprop_step)


cdef void describe(fc_step* part, float[::1] w, const float[::1] g, tuple slots) except *:
    cdef float[::1] slot
    cdef int i
    part.n = w.shape[0]
    if part.n == 0:
        return
    part.w, part.g = &w[0], &g[0]
    for i in range(len(slots)):
        if slots[i] is not None:
            slot = slots[i]
            part.slots[i] = &slot[0]


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
