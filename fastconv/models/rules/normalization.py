"""The rule of batch normalization."""

from __future__ import annotations

from typing import Any

from ...ops import bound
from ..buffers import Buffer
from ..lowering import Backward, Builder, Run
from ..program import Step


def batch_normalization(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a normalization along the last axis, with either kind of statistics."""
    layer: Any = step.layer
    x = b.value(step)
    if layer.axis % len(x.shape) != len(x.shape) - 1 or 0 in x.shape:
        return None
    gamma = None if layer.gamma is None else layer.gamma.value
    beta = None if layer.beta is None else layer.beta.value
    epsilon = layer.epsilon
    y = b.result(step, x.shape)
    b.free.add(step.output)
    moving = layer.moving_mean.value, layer.moving_variance.value
    from_batch = step.training and layer.trainable and layer.follows_batch
    channels = (x.shape[-1],)
    statistics = [b.new(channels), b.new(channels)] if from_batch else []

    def bind() -> Run:
        if not from_batch:
            return bound.batch_norm(x.array, gamma, beta, *moving, epsilon, y.array)
        mean, variance = (s.array for s in statistics)
        normalize = bound.batch_norm_train(x.array, gamma, beta, epsilon, y.array, mean, variance)

        def run() -> None:
            normalize()
            layer.follow(mean, variance)

        return run

    b.emit(step, "forward", [x], [y, *statistics], bind)

    def backward(dy: Buffer) -> None:
        learned = [(v, b.weight_target(step, v)) for v in (layer.gamma, layer.beta)]
        dgamma, dbeta = (b.new(channels) if t is None else t for _, t in learned)
        dx = b.new(x.shape)
        b.emit(
            step,
            "gradients",
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
            ),
        )
        for variable, target in learned:
            b.give_weight(step, variable, target)
        b.give(step, step.inputs[0], dx)

    return backward
