"""The rule of batch normalization."""

from __future__ import annotations

from typing import Any

from ...ops import bound
from ..buffers import Buffer
from ..lowering import Backward, Builder, Run, forward_with
from ..program import Step


def batch_normalization(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a normalization along the last axis, with either kind of statistics.

    The relu behind it is applied too, unless its gradient would go through fixed statistics.
    """
    layer: Any = step.layer
    x = b.value(step)
    if layer.axis % len(x.shape) != len(x.shape) - 1 or 0 in x.shape:
        return None
    gamma = None if layer.gamma is None else layer.gamma.value
    beta = None if layer.beta is None else layer.beta.value
    epsilon = layer.epsilon
    moving = layer.moving_mean.value, layer.moving_variance.value
    from_batch = step.training and layer.trainable and layer.follows_batch
    name, code = b.activation_behind(step) if from_batch or not taped else (None, 0)
    y = b.result(step, x.shape) if taped else b.result_in_place(step)
    b.free.add(step.output)
    channels = (x.shape[-1],)
    statistics = [b.new(channels), b.new(channels)] if from_batch else []

    def bind() -> Run:
        if not from_batch:
            return bound.batch_norm(x.array, gamma, beta, *moving, epsilon, y.array, code)
        mean, variance = (s.array for s in statistics)
        normalize = bound.batch_norm_train(
            x.array, gamma, beta, epsilon, y.array, mean, variance, code
        )

        def run() -> None:
            normalize()
            layer.follow(mean, variance)

        return run

    b.emit(step, forward_with(name), [x], [y, *statistics], bind)

    def backward(dy: Buffer) -> None:
        learned = [(v, b.weight_target(step, v)) for v in (layer.gamma, layer.beta)]
        dgamma, dbeta = (b.new(channels) if t is None else t for _, t in learned)
        dx = b.overwritten(dy)
        b.emit(
            step,
            "gradients" if name is None else f"gradients, {name} gradient",
            [x, dy, *statistics],
            [dx, dgamma, dbeta],
            lambda: bound.batch_norm_backward(
                dy.array,
                x.array,
                gamma,
                (statistics[0].array, statistics[1].array) if statistics else moving,
                epsilon,
                not from_batch,
                (dx.array, dgamma.array, dbeta.array),
                code,
                beta,
            ),
        )
        for variable, target in learned:
            b.give_weight(step, variable, target)
        b.give(step, step.inputs[0], dx)

    return backward
