"""The thread count and the one parallel loop; the only file that knows OpenMP.

Tasks are claimed in any order by any thread, so a driver must make each of them independent of the
others and of the team's size: that is what makes results the same for any number of threads.
"""

import os

from cython.parallel cimport parallel, prange

cdef extern from "process.h" nogil:
    unsigned fc_flush_denormals()
    void fc_restore_denormals(unsigned state)
    int fc_forked()
    void fc_watch_fork()

cdef extern from *:
    """
    #ifdef _OPENMP
    #define FC_OPENMP 1
    #define fc_worker() omp_get_thread_num()
    #else
    #define FC_OPENMP 0
    #define fc_worker() 0
    #endif
    """
    const int FC_OPENMP
    int fc_worker() nogil

# Cycles of work below which waking another thread does not pay (about 5 us at 3 GHz).

cdef double team_cycles = 15_000.0
cdef int thread_count = 1


cdef int team_size(Py_ssize_t tasks, double cycles) noexcept nogil:
    # After a fork the parent's team is gone and libgomp would wait for it for ever.
    if thread_count == 1 or tasks < 2 or fc_forked():
        return 1
    cdef double worthwhile = cycles / team_cycles
    cdef Py_ssize_t team = min(<Py_ssize_t>thread_count, tasks)
    if worthwhile < team:
        team = <Py_ssize_t>worthwhile
    return <int>max(team, 1)


cdef void parallel_for(task_fn task, void* context, Py_ssize_t tasks, int team) noexcept nogil:
    cdef Py_ssize_t i
    cdef unsigned state, own = 0
    if team <= 1:
        state = fc_flush_denormals()
        for i in range(tasks):
            task(context, i)
        fc_restore_denormals(state)
        return
    with parallel(num_threads=team):
        own = fc_flush_denormals()
        for i in prange(tasks, schedule="dynamic", chunksize=1):
            task(context, i)
        fc_restore_denormals(own)


cdef int worker() noexcept nogil:
    return fc_worker()


def has_openmp() -> bool:
    """Return whether this build can use more than one thread."""
    return bool(FC_OPENMP)


def get_num_threads() -> int:
    """Return how many threads kernels may use."""
    return thread_count


def set_num_threads(count: int) -> None:
    """Let kernels use `count` >= 1 threads; 1 where the build has no OpenMP."""
    global thread_count
    thread_count = count if FC_OPENMP else 1


def default_num_threads() -> int:
    """Return the smallest of the CPUs this process may use, its CPU quota and the environment's wish."""
    wish = _environment_count("FASTCONV_NUM_THREADS")
    if wish is not None:
        return wish
    counts = [_affinity_count(), _quota_count(), _environment_count("OMP_NUM_THREADS")]
    return max(1, min(count for count in counts if count is not None))


def _environment_count(name):
    # OMP_NUM_THREADS may be a list, one entry a nesting level; garbage is ignored, as OpenMP does.
    try:
        count = int(os.environ.get(name, "").split(",")[0])
    except ValueError:
        return None
    return count if count >= 1 else None


def _affinity_count():
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _quota_count():
    """Return the cgroup's CPU quota rounded down: a team that is throttled waits for its slowest."""
    for quota_file, period_file in (
        ("/sys/fs/cgroup/cpu.max", None),
        ("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us"),
    ):
        try:
            with open(quota_file) as file:
                words = file.read().split()
            if period_file is not None:
                with open(period_file) as file:
                    words += file.read().split()
            quota, period = int(words[0]), int(words[1])
        except (OSError, ValueError, IndexError):
            continue
        if quota > 0 and period > 0:
            return max(1, quota // period)
    return None


fc_watch_fork()
set_num_threads(default_num_threads())
