# The one parallel loop. A driver describes one task as a C function of (context, task number).

ctypedef void (*task_fn)(void* context, Py_ssize_t task) noexcept nogil

# Threads worth using for `tasks` tasks that take `cycles` in all: 1 where starting a team costs more.
cdef int team_size(Py_ssize_t tasks, double cycles) noexcept nogil

# Run task(context, i) for i in [0, tasks) on `team` threads, in any order, denormals flushed.
cdef void parallel_for(task_fn task, void* context, Py_ssize_t tasks, int team) noexcept nogil

# Which thread of the team runs this task, 0 .. team - 1: the number of its share of a workspace.
cdef int worker() noexcept nogil
