"""Before the first batch begins, its step is ready: nothing is left to choose or to allocate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastconv import callbacks, config
from fastconv.models import Sequential
from fastconv.models.execution import Execution

from .helpers import cnn


class Events(callbacks.Callback):
    """What happens, in its order; compiling notes the shape of the inputs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.seen: list[Any] = []
        original = Execution.__init__

        def noted(execution: Execution, *args: Any) -> None:
            original(execution, *args)
            self.seen.append(args[1][0])

        monkeypatch.setattr(Execution, "__init__", noted)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.seen.append("epoch")

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.seen.append(batch)


Feed = Callable[[np.ndarray, np.ndarray], dict[str, Any]]


def pairs(x: np.ndarray, y: np.ndarray) -> Any:
    """Yield batches of 25."""
    for start in range(0, len(x), 25):
        yield x[start : start + 25], y[start : start + 25]


@pytest.mark.parametrize(
    ("feed", "sizes"),
    [
        (lambda x, y: {"x": x, "y": y, "batch_size": 25}, (25, 10)),
        (lambda x, y: {"x": x, "y": y, "batch_size": 25, "shuffle": False}, (25, 10)),
        (lambda x, y: {"x": x, "y": y, "batch_size": 100}, (60, None)),
        (lambda x, y: {"x": pairs(x, y)}, (25, 10)),
    ],
)
def test_the_first_step_is_compiled_before_its_batch_begins(
    feed: Feed,
    sizes: tuple[int, int | None],
    data: tuple[np.ndarray, np.ndarray],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, events = cnn(), Events(monkeypatch)
    model.fit(**feed(*data), verbose=0, callbacks=[events])
    first, last = sizes
    expected: list[Any] = ["epoch", (first, 6, 6, 1), 0]
    if last is not None:
        expected += [*range(1, 60 // first + 1), (last, 6, 6, 1)]
    assert events.seen == expected


def test_a_layer_frozen_between_epochs_is_seen(
    data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = data
    model, events = cnn(), Events(monkeypatch)
    weights: list[np.ndarray] = []

    class Freeze(callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                model.layers[0].trainable = False
            weights.append(model.layers[0].get_weights()[0].copy())

    model.fit(x, y, batch_size=60, epochs=3, verbose=0, callbacks=[Freeze(), events])
    shape = 60, 6, 6, 1
    assert events.seen == ["epoch", shape, 0, "epoch", shape, 0, "epoch", 0]
    assert np.abs(weights[1] - weights[0]).max() > 0
    np.testing.assert_array_equal(weights[2], weights[1])


def test_a_precision_set_between_steps_is_seen_by_the_next(
    data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    x, y = data
    model, events = cnn(), Events(monkeypatch)

    class Change(callbacks.Callback):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                config.set_float32_matmul_precision("high")
            if batch == 3:
                config.set_float32_matmul_precision("highest")

    shape = 12, 6, 6, 1
    try:
        model.fit(x, y, batch_size=12, verbose=0, callbacks=[events, Change()])
    finally:
        config.set_float32_matmul_precision("highest")
    assert events.seen == ["epoch", shape, 0, 1, shape, 2, 3, 4]


def test_nothing_is_compiled_for_no_epoch(
    data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, events = cnn(), Events(monkeypatch)
    model.fit(*data, epochs=0, verbose=0, callbacks=[events])
    assert events.seen == []


def test_slots_and_gradients_lie_apart(data: tuple[np.ndarray, np.ndarray]) -> None:
    """They are parts of one piece of memory each."""
    x, y = data
    model: Sequential = cnn()
    model.train_on_batch(x, y)
    optimizer: Any = model.optimizer
    arrays = [*optimizer.variables[2:], *optimizer._given.gradients]
    for i, a in enumerate(arrays):
        assert a.flags.c_contiguous
        assert a.ctypes.data % 64 == 0
        assert not any(np.shares_memory(a, b) for b in arrays[:i])
