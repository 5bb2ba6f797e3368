"""Rules of layers that work element by element: activations and sums."""

from __future__ import annotations

from functools import partial

from ... import ops
from ...ops import bound
from ..buffers import Buffer
from ..lowering import Backward, Builder
from ..program import Step
from .moving import emit_copy, same


def activation(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower an activation layer; in place, if nobody else reads its input."""
    name = step.layer.activation_name
    if name is None or not ops.ACTIVATIONS[name].keeps_shape:
        return None
    if name == "linear":
        return same(b, step, b.value(step).shape)
    x, slot = b.value(step), step.inputs[0]
    kind = ops.ACTIVATIONS[name]
    in_place = kind.elementwise and slot in b.free and b.readers[slot] == 1
    if in_place and not (taped and kind.needs_input):
        y = b.values[step.output] = x
    else:
        y = b.result(step, x.shape)
    gradient = b.activate(step, name, x, y)

    def backward(dy: Buffer) -> None:
        gradient(dy)
        b.give(step, slot, dy)

    return backward


def add(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a sum of inputs of one shape."""
    xs = [b.values[slot] for slot in step.inputs]
    if any(x.shape != xs[0].shape for x in xs):
        return None
    y = b.result(step, xs[0].shape)
    b.free.add(step.output)
    b.emit(step, "forward", xs, [y], lambda: bound.add([x.array for x in xs], y.array))

    def backward(dy: Buffer) -> None:
        for slot in step.inputs[1:]:
            b.gradient(step, slot, partial(emit_copy, b, step, dy))
        b.give(step, step.inputs[0], dy)

    return backward
