"""A steady state: after the first steps nothing large is allocated, and memory does not grow."""

from __future__ import annotations

import ctypes
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from fastconv import callbacks, layers
from fastconv.models import Model, Sequential, feeds

from .. import programs

#: What counts as large.
LARGE = 64 << 10
#: More than Python's objects of a step take.
SMALL = 4 << 10
#: The first steps run layer by layer, compile, and fill caches.
WARMUP = 4


def article() -> Model:
    model = Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def batches(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and labels of some batches of 32; a batch takes 100 KB."""
    rng = np.random.default_rng(0)
    return rng.random((32 * count, 28, 28, 1), np.float32), rng.integers(0, 10, 32 * count)


class MallInfo2(ctypes.Structure):
    """What glibc tells of its memory, see mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd",
            "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost",
        )
    ]  # fmt: skip


def malloc_statistics() -> Callable[[], Any]:
    """Return glibc's `mallinfo2`; skips the test where there is none."""
    try:
        function = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError, TypeError):
        pytest.skip("this C library has no mallinfo2 (glibc has it from 2.33 on)")
    function.restype = MallInfo2
    return function


class Watch(callbacks.Callback):
    """Looks at memory before each step, or batch of a prediction, after the first ones."""

    def __init__(self, look: Callable[[], Any]) -> None:
        super().__init__()
        self.look = look
        self.seen: list[Any] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch >= WARMUP:
            self.seen.append(self.look())

    on_predict_batch_begin = on_train_batch_begin


@contextmanager
def traced() -> Iterator[None]:
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def highest_since_last_time() -> int:
    """Return how many bytes Python's peak was above what is held now; then it counts anew."""
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    return peak - held


def run(what: str, model: Model, count: int, watch: Watch) -> None:
    x, y = batches(count)
    if what == "fit":
        model.fit(x, y, batch_size=32, verbose=0, callbacks=[watch])
    else:
        model.predict(x, batch_size=32, verbose=0, callbacks=[watch])


@pytest.mark.parametrize("what", ["fit", "predict"])
def test_no_large_array_is_made_after_the_first_steps(what: str) -> None:
    watch = Watch(highest_since_last_time)
    with traced():
        run(what, article(), 12, watch)
    # One array of SMALL bytes, even if freed at once, would lift the peak by as much.
    assert len(watch.seen) == 12 - WARMUP
    assert max(watch.seen[1:]) < SMALL


@pytest.mark.parametrize("small_bytes", [feeds.SMALL_BYTES, 0])
def test_batches_of_targets_are_not_allocated(
    monkeypatch: pytest.MonkeyPatch, small_bytes: int
) -> None:
    """Unless all targets are large: then the rows of each batch are gathered."""
    monkeypatch.setattr(feeds, "SMALL_BYTES", small_bytes)
    watch = Watch(highest_since_last_time)
    model = Sequential([layers.Input((2,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    n = 1024
    x, y = np.ones((12 * n, 2), np.float32), np.arange(12 * n, dtype=np.uint8) % 3
    with traced():
        model.fit(x, y, batch_size=n, verbose=0, callbacks=[watch])
    assert (max(watch.seen[1:]) < SMALL) == (small_bytes > 0)  # a batch takes 8 KB


@pytest.mark.parametrize("what", ["fit", "predict"])
def test_the_c_heap_stays_as_it_is(what: str) -> None:
    """Kernels take memory without Python's knowledge."""
    statistics = malloc_statistics()

    def in_use() -> int:
        seen = statistics()
        return int(seen.uordblks + seen.hblkhd)  # in the heap, and mapped

    watch = Watch(in_use)
    run(what, article(), 20, watch)
    assert max(watch.seen) - min(watch.seen) < LARGE


@pytest.mark.parametrize("what", ["fit", "predict"])
def test_no_new_pages_are_touched(what: str) -> None:
    """What is allocated and freed again in each step would show as pages of new memory."""
    resource = pytest.importorskip("resource", reason="page faults are counted on Unix only")
    watch = Watch(lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    run(what, article(), 30, watch)
    faults = np.diff(watch.seen)
    assert np.median(faults) < LARGE / 4096


def test_layer_by_layer_the_watch_sees_large_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the tests above can fail."""
    monkeypatch.setattr("fastconv.models.plan.Plan.lease", lambda *_: None)
    watch = Watch(highest_since_last_time)
    with traced():
        run("fit", article(), 8, watch)
    assert min(watch.seen[1:]) > LARGE


PRELUDE = """
import numpy as np
from fastconv import layers
from fastconv.models import Sequential
from tests.models.test_steady import article, batches

def resident():
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
"""
TINY = """
image = layers.Input((4, 4, 1))
model = Sequential([image, layers.Conv2D(1, 3), layers.Flatten(), layers.Dense(2)])
model.compile("sgd", "mse")
x, y = np.ones((2000, 4, 4, 1), np.float32), np.ones((2000, 2), np.float32)
model.fit(x, y, batch_size=1, verbose=0)
before = resident()
model.fit(x, y, batch_size=1, epochs=5, verbose=0)
print(resident() - before)
"""
ARTICLE = """
model, data = article(), batches(20)
model.fit(*data, batch_size=32, verbose=0, epochs=2)
model.predict(data[0], batch_size=32, verbose=0)
before = resident()
model.fit(*data, batch_size=32, verbose=0, epochs=5)
for _ in range(3):
    model.predict(data[0], batch_size=32, verbose=0)
print(resident() - before)
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="resident memory is read from /proc"
)
@pytest.mark.parametrize("program", [TINY, ARTICLE], ids=["10000 steps", "article"])
def test_resident_memory_is_flat(program: str) -> None:
    assert int(programs.run("-c", PRELUDE + program)) < 1024  # kilobytes
