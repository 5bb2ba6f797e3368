"""What layers without a rule become: one instruction that runs the layer itself."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..buffers import Buffer
from ..lowering import Backward, Builder, CannotLowerError, Run
from ..program import Step


def as_it_is(b: Builder, step: Step, taped: bool) -> Backward:
    """Run the layer itself, and copy what it returns into the buffers."""
    layer: Any = step.layer
    xs = [b.values[slot] for slot in step.inputs]
    shapes = [x.shape for x in xs]
    shape = layer.compute_output_shape(shapes if layer.takes_list else shapes[0])
    if not all(isinstance(size, int) for size in shape):
        raise CannotLowerError
    y = b.result(step, tuple(shape))
    b.as_they_are.append(layer.name)
    kept: list[Any] = []  # what takes gradients back

    def bind() -> Run:
        arrays: Any = [x.array for x in xs] if layer.takes_list else xs[0].array
        target = y.array

        def run() -> None:
            result, backward = layer.forward(arrays, step.training)
            if result.shape != target.shape:
                raise ValueError(
                    f"{layer.where}: forward returned shape {result.shape}, but "
                    f"compute_output_shape says {target.shape}."
                )
            np.copyto(target, result)
            if taped:
                kept[:] = [backward]

        return run

    b.emit(step, "forward", xs, [y], bind)

    def backward(dy: Buffer) -> None:
        need_dx = any(b.need[slot] for slot in step.inputs)
        targets = [b.new(x.shape) for x in xs] if need_dx else []

        def bind() -> Run:
            def run() -> None:
                dx = kept.pop()(dy.array, need_dx=need_dx)
                for variable in layer.trainable_weights:
                    if variable.grad is not None and not variable.grad.flags.owndata:
                        variable.grad = variable.grad.copy()  # it may lie in a buffer
                if not layer.takes_list:
                    dx = [dx]
                for target, gradient in zip(targets, dx, strict=False):
                    np.copyto(target.array, gradient)

            return run

        # The inputs' buffers are kept for it, since the layer may remember them.
        b.emit(step, "gradients", [dy, y, *xs], targets, bind)
        for slot, target in zip(step.inputs, targets, strict=False):
            b.give(step, slot, target)

    return backward
