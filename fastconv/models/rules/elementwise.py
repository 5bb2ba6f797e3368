"""Rules of layers that work element by element: activations and sums."""

from __future__ import annotations

from ... import ops
from ...ops import bound
from ..buffers import Buffer
from ..lowering import Backward, Builder, together, unchanged
from ..program import Step
from .moving import same


def activation(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower an activation layer; in place, if nobody else reads its input."""
    name = step.layer.activation_name
    if name is None or not ops.ACTIVATIONS[name].keeps_shape:
        return None
    x = b.value(step)
    if name == "linear" or step.output in b.applied:
        return same(b, step, x.shape)
    kind = ops.ACTIVATIONS[name]
    if kind.elementwise and not (taped and kind.needs_input):
        y = b.result_in_place(step)
    else:
        y = b.result(step, x.shape)
    gradient = b.activate(step, name, x, y)

    def backward(dy: Buffer) -> None:
        b.give(step, step.inputs[0], gradient(dy))

    return backward


def add(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a sum of inputs of one shape, with the relu behind it."""
    xs = [b.values[slot] for slot in step.inputs]
    if len(xs) < 2 or any(x.shape != xs[0].shape for x in xs):
        return None
    if step.output in b.added:
        y, name = b.added[step.output]
        b.values[step.output] = y
    else:
        name, code = b.activation_behind(step)
        y = b.result_in_place(step)
        b.emit(
            step,
            together("forward", name),
            xs,
            [y],
            lambda: bound.add([x.array for x in xs], y.array, code),
        )
    if name is None:
        b.free.add(step.output)
    gradient = unchanged if name is None else b.activation_gradient(step, name, y, y)

    def backward(dy: Buffer) -> None:
        b.share(step, step.inputs, gradient(dy))

    return backward
