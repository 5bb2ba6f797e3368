"""Threads: how many, after a fork, from several Python threads, and the denormal mode."""

from __future__ import annotations

import multiprocessing
import os
import threading

import numpy as np
import pytest

from fastconv import config, ops
from fastconv.kernels import threads, workspace

from .. import programs

COUNT = "from fastconv import config; print(config.get_num_threads())"


@pytest.fixture
def large(rng):
    """A convolution that is worth more than one thread."""
    x = rng.standard_normal((8, 28, 28, 32), np.float32)
    return x, rng.standard_normal((3, 3, 32, 64), np.float32)


def test_environment_chooses_the_count():
    assert programs.run("-c", COUNT, FASTCONV_NUM_THREADS="3").strip() in ("3", "1")
    assert programs.run("-c", COUNT, OMP_NUM_THREADS="1").strip() == "1"
    everything = str(threads.default_num_threads() if threads.has_openmp() else 1)
    assert programs.run("-c", COUNT, OMP_NUM_THREADS="garbage").strip() == everything


@pytest.mark.parametrize(
    ("count", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), ("2", TypeError)]
)
def test_bad_counts(count, error):
    with pytest.raises(error, match="set_num_threads: count must be"):
        config.set_num_threads(count)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="needs CPU affinity")
def test_affinity_limits_the_count():
    program = f"import os; os.sched_setaffinity(0, [min(os.sched_getaffinity(0))]); {COUNT}"
    environment = {"FASTCONV_NUM_THREADS": "", "OMP_NUM_THREADS": ""}
    assert programs.run("-c", program, **environment).strip() == "1"


def _in_child(queue, x, kernel):
    queue.put(ops.conv2d(x, kernel).tobytes())


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system has no fork"
)
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:os.fork:RuntimeWarning")  # JAX's, where another test loaded it
def test_a_forked_child_does_not_hang(large):
    """libgomp's team does not survive a fork: the child has to do without."""
    before = config.get_num_threads()
    config.set_num_threads(2)
    expected = ops.conv2d(*large).tobytes()  # the parent has its team now
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(queue, *large))
    child.start()
    assert queue.get(timeout=60) == expected
    child.join(60)
    assert child.exitcode == 0
    config.set_num_threads(before)


def test_several_python_threads_at_once(large):
    x, kernel = large
    expected = ops.conv2d(x, kernel).tobytes()
    results = []

    def work():
        results.extend(ops.conv2d(x, kernel).tobytes() == expected for _ in range(5))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert results == [True] * 20


def test_denormals_are_flushed_inside_and_kept_outside(each_isa):
    tiny = np.full((1, 4, 4, 1), 1e-40, np.float32)
    one = np.ones((1, 1, 1, 1), np.float32)
    assert not ops.conv2d(tiny, one).any()
    assert (tiny * np.float32(1)).all()  # NumPy in this thread still has its denormals


def test_workspace_can_be_given_back(large):
    ops.conv2d(*large)
    assert workspace.held_bytes() > 0
    workspace.release()
    assert workspace.held_bytes() == 0
    assert np.isfinite(ops.conv2d(*large)).all()
