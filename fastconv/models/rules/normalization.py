"""The rule of batch normalization."""

from __future__ import annotations

from typing import Any

from ...ops import bound
from ..buffers import Buffer
from ..lowering import Backward, Builder, Made, Run, together
from ..program import Step


def batch_normalization(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a normalization along the last axis, with either kind of statistics.

    The relu behind it is applied too, unless its gradient would go through fixed statistics; or a
    sum behind it and the relu behind that, whose gradient is then made in passing.
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
    addition, more = b.addition_behind(step, x.shape)
    if addition is not None:
        name, code = b.activation_behind(addition)
    else:
        name, code = b.activation_behind(step) if from_batch or not taped else (None, 0)
    y = b.result(step, x.shape) if taped else b.result_in_place(step)
    b.free.add(step.output)
    if addition is not None:
        b.added[addition.output] = y, name
    channels = (x.shape[-1],)
    statistics = [b.new(channels), b.new(channels)] if from_batch else []

    def bind() -> Run:
        added = None if more is None else more.array
        if not from_batch:
            return bound.batch_norm(x.array, gamma, beta, *moving, epsilon, y.array, code, added)
        mean, variance = (s.array for s in statistics)
        normalize = bound.batch_norm_train(
            x.array, gamma, beta, epsilon, y.array, mean, variance, code, added
        )

        def run() -> None:
            normalize()
            layer.follow(mean, variance)

        return run

    reads = [x] if more is None else [x, more]
    b.emit(step, together("forward", "sum" if more else None, name), reads, [y, *statistics], bind)

    def backward(dy: Buffer) -> None:
        learned = [(v, b.weight_target(step, v)) for v in (layer.gamma, layer.beta)]
        dgamma, dbeta = (b.new(channels) if t is None else t for _, t in learned)
        own = code if addition is None else 0  # not behind a sum, whose gradient is made before
        made = (None if own else b.unmake(dy)) or Made(dy)
        dx = b.overwritten(dy)
        b.emit(
            step,
            together(made.what, "gradients", f"{name} gradient" if own else None),
            [x, *made.reads, *statistics],
            [dx, dgamma, dbeta, *([dy] if made.what else [])],
            lambda: bound.batch_norm_backward(
                made.a.array,
                x.array,
                gamma,
                (statistics[0].array, statistics[1].array) if statistics else moving,
                epsilon,
                not from_batch,
                (dx.array, dgamma.array, dbeta.array),
                own or made.code,
                beta,
                (dy.array, *made.arrays) if made.what else (),
            ),
        )
        for variable, target in learned:
            b.give_weight(step, variable, target)
        b.give(step, step.inputs[0], dx)

    return backward
