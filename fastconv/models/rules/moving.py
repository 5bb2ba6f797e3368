"""Rules of layers that compute nothing: numbers are passed on, or moved."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ...ops import bound
from ..buffers import Buffer
from ..lowering import Backward, Builder, Run
from ..program import Step


def same(b: Builder, step: Step, shape: tuple[int, ...]) -> Backward:
    """Let the output be the input, perhaps under another shape."""
    x = b.value(step)
    b.values[step.output] = Buffer(shape, of=x)

    def backward(dy: Buffer) -> None:
        b.give(step, step.inputs[0], Buffer(x.shape, of=dy))

    return backward


def identity(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a layer that passes its input on."""
    return same(b, step, b.value(step).shape)


def dropout(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a dropout of inference, which passes its input on."""
    return None if step.training else same(b, step, b.value(step).shape)


def reshape(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a layer that gives the same numbers another shape."""
    layer: Any = step.layer
    if getattr(layer, "channels_first", False):
        return None
    return same(b, step, layer.compute_output_shape(b.value(step).shape))


def move(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a movement of the channels."""
    layer: Any = step.layer
    x = b.value(step)
    there, back = layer.orders(len(x.shape))
    y = b.result(step, layer.compute_output_shape(x.shape))
    b.free.add(step.output)
    b.emit(step, "forward", [x], [y], lambda: bound.copy(x.array.transpose(there), y.array))

    def backward(dy: Buffer) -> None:
        def dx(target: Buffer) -> None:
            b.emit(
                step,
                "input gradient",
                [dy],
                [target],
                lambda: bound.copy(dy.array.transpose(back), target.array),
            )

        b.gradient(step, step.inputs[0], dx)

    return backward


def concatenate(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a concatenation: each input is copied into its part."""
    layer: Any = step.layer
    xs = [b.values[slot] for slot in step.inputs]
    y = b.result(step, layer.compute_output_shape([x.shape for x in xs]))
    axis = layer.axis % len(y.shape)
    ends = np.cumsum([x.shape[axis] for x in xs])

    def part(whole: Buffer, i: int) -> np.ndarray:
        before = (slice(None),) * axis
        return whole.array[(*before, slice(ends[i] - xs[i].shape[axis], ends[i]))]

    def emit_part(i: int, dy: Buffer, dx: Buffer) -> None:
        b.emit(step, "input gradient", [dy], [dx], lambda: bound.copy(part(dy, i), dx.array))

    for i in range(len(xs)):
        b.emit(step, "forward", [xs[i]], [y], partial(_bind_copy, xs[i], partial(part, y, i)))

    def backward(dy: Buffer) -> None:
        for i, slot in enumerate(step.inputs):
            b.gradient(step, slot, partial(emit_part, i, dy))

    return backward


def _bind_copy(x: Buffer, target: Callable[[], np.ndarray]) -> Run:
    return bound.copy(x.array, target())
