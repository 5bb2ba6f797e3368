"""Rules: how each kind of layer is lowered to instructions.

A rule emits what computes a step's output, and returns what emits its gradients: a function of the
buffer that holds the gradient of the output. Layers know nothing of this; one without a rule, your
own for example, is run as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .. import ops
from ..layers import (
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Identity,
    MaxPooling2D,
    Reshape,
)
from ..layers.activation import ActivationLayer
from ..ops import bound
from ..ops.fusion import split_activation
from .buffers import Buffer
from .layouts import Move
from .lowering import Builder, Run
from .program import Step, is_known

#: From the gradient of a step's output, emits those of its inputs and weights.
Backward = Callable[[Buffer], None]


class CannotLowerError(Exception):
    """The shapes of a program are not known before it runs."""


def lower_step(b: Builder, step: Step, taped: bool) -> Backward:
    """Emit a step; `taped` tells whether its gradients will be asked for."""
    layer = step.layer
    if is_known(layer) and layer.compute_dtype == "float32":
        for kind in type(layer).__mro__:
            rule = RULES.get(kind)
            backward = None if rule is None else rule(b, step, taped)
            if backward is not None:
                return backward
    return _as_it_is(b, step, taped)


def _with_activation(
    b: Builder,
    step: Step,
    shape: tuple[int, ...],
    taped: bool,
    linear: Callable[[Buffer, int], None],
) -> Backward:
    """Emit a linear map with the layer's activation; return what emits the latter's gradient.

    Parameters
    ----------
    linear : function of a buffer and a code of `split_activation`
        Emits what writes the result, with that activation, to the buffer.
    """
    name = step.layer.activation_name
    assert name is not None
    code, left = split_activation(name)
    y = b.result(step, shape)
    if left is None:
        linear(y, code)
        if code:
            return b.activation_gradient(step, name, y, y)
        b.free.add(step.output)
        return lambda dy: None
    kind = ops.ACTIVATIONS[left]
    z = y if kind.elementwise and not (taped and kind.needs_input) else b.new(shape)
    linear(z, 0)
    return b.activate(step, left, z, y)


def _conv2d(b: Builder, step: Step, taped: bool) -> Backward | None:
    layer: Any = step.layer
    if layer.channels_first or layer.activation_name is None:
        return None
    x = b.value(step)
    if isinstance(layer, DepthwiseConv2D):
        p = bound.depthwise_problem(x.shape, layer.kernel.shape, **layer.geometry)
    else:
        p = bound.conv_problem(x.shape, layer.kernel.shape, groups=layer.groups, **layer.geometry)
    kernel, bias = layer.kernel.packed, layer.bias_value

    def linear(y: Buffer, code: int) -> None:
        b.emit(
            step,
            "forward",
            [x],
            [y],
            lambda: bound.conv2d(p, x.array, kernel, bias, code, y.array),
            bound.algorithm_name(p, "forward"),
            p.macs,
        )

    activation_gradient = _with_activation(b, step, p.y_shape, taped, linear)

    def backward(dy: Buffer) -> None:
        activation_gradient(dy)

        def dkernel(target: Buffer) -> None:
            b.emit(
                step,
                "kernel gradient",
                [x, dy],
                [target],
                lambda: bound.conv2d_backward_filter(
                    p, x.array, dy.array, target.array.reshape(p.kernel_shape)
                ),
                bound.algorithm_name(p, "backward_filter"),
                p.macs,
            )

        def dx(target: Buffer) -> None:
            b.emit(
                step,
                "input gradient",
                [dy],
                [target],
                lambda: bound.conv2d_backward_input(p, dy.array, kernel, target.array),
                bound.algorithm_name(p, "backward_input"),
                p.macs,
            )

        b.weight_gradient(step, layer.kernel, dkernel)
        _bias_gradient(b, step, dy)
        b.gradient(step, step.inputs[0], dx)

    return backward


def _bias_gradient(b: Builder, step: Step, dy: Buffer) -> None:
    def dbias(target: Buffer) -> None:
        b.emit(
            step,
            "bias gradient",
            [dy],
            [target],
            lambda: bound.bias_backward(dy.array, target.array),
        )

    b.weight_gradient(step, step.layer.bias, dbias)  # type: ignore[attr-defined]


def _dense(b: Builder, step: Step, taped: bool) -> Backward | None:
    layer: Any = step.layer
    if layer.activation_name is None:
        return None
    x, weights, bias = b.value(step), layer.kernel.value, layer.bias_value
    macs = math.prod(x.shape) * layer.units

    def linear(y: Buffer, code: int) -> None:
        b.emit(
            step,
            "forward",
            [x],
            [y],
            lambda: bound.dense(x.array, weights, bias, code, y.array),
            macs=macs,
        )

    activation_gradient = _with_activation(b, step, (*x.shape[:-1], layer.units), taped, linear)

    def backward(dy: Buffer) -> None:
        activation_gradient(dy)

        def dkernel(target: Buffer) -> None:
            b.emit(
                step,
                "kernel gradient",
                [x, dy],
                [target],
                lambda: bound.dense_backward_filter(x.array, dy.array, target.array),
                macs=macs,
            )

        def dx(target: Buffer) -> None:
            b.emit(
                step,
                "input gradient",
                [dy],
                [target],
                lambda: bound.dense_backward_input(dy.array, weights, target.array),
                macs=macs,
            )

        b.weight_gradient(step, layer.kernel, dkernel)
        _bias_gradient(b, step, dy)
        b.gradient(step, step.inputs[0], dx)

    return backward


def _max_pooling(b: Builder, step: Step, taped: bool) -> Backward | None:
    layer: Any = step.layer
    x = b.value(step)
    if layer.channels_first or math.prod(layer.pool_size) > bound.MOST_SMALL_POSITIONS:
        return None
    shape = layer.compute_output_shape(x.shape)
    y = b.result(step, shape)
    b.free.add(step.output)
    geometry = bound.pooling_geometry(x.shape, **layer.geometry)
    argmax = b.new(shape, np.int8) if taped else None
    written = [y] if argmax is None else [y, argmax]
    b.emit(
        step,
        "forward",
        [x],
        written,
        lambda: bound.max_pool2d(
            x.array, y.array, None if argmax is None else argmax.array, geometry
        ),
    )

    def backward(dy: Buffer) -> None:
        assert argmax is not None
        positions = argmax
        b.gradient(
            step,
            step.inputs[0],
            lambda dx: b.emit(
                step,
                "input gradient",
                [dy, positions],
                [dx],
                lambda: bound.max_pool2d_backward(dy.array, positions.array, dx.array, geometry),
            ),
        )

    return backward


def _average_pooling(b: Builder, step: Step, taped: bool) -> Backward | None:
    layer: Any = step.layer
    if layer.channels_first:
        return None
    x = b.value(step)
    y = b.result(step, layer.compute_output_shape(x.shape))
    return _average(b, step, y, bound.pooling_geometry(x.shape, **layer.geometry), y.shape)


def _global_average_pooling(b: Builder, step: Step, taped: bool) -> Backward | None:
    layer: Any = step.layer
    if layer.channels_first:
        return None
    x = b.value(step)
    n, height, width, channels = x.shape
    y = b.result(step, layer.compute_output_shape(x.shape))
    return _average(b, step, y, (height, width, height, width, 0, 0), (n, 1, 1, channels))


def _average(
    b: Builder, step: Step, y: Buffer, geometry: bound.Geometry, shape: tuple[int, ...]
) -> Backward:
    """Emit the means of windows; `shape` is that of y with all its axes."""
    x = b.value(step)
    b.free.add(step.output)
    b.emit(
        step,
        "forward",
        [x],
        [y],
        lambda: bound.average_pool2d(x.array, y.array.reshape(shape), geometry),
    )

    def backward(dy: Buffer) -> None:
        b.gradient(
            step,
            step.inputs[0],
            lambda dx: b.emit(
                step,
                "input gradient",
                [dy],
                [dx],
                lambda: bound.average_pool2d_backward(dy.array.reshape(shape), dx.array, geometry),
            ),
        )

    return backward


def _batch_normalization(b: Builder, step: Step, taped: bool) -> Backward | None:
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
        dx, dgamma, dbeta = b.new(x.shape), b.new(channels), b.new(channels)
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
        for variable, gradient in ((layer.gamma, dgamma), (layer.beta, dbeta)):
            b.weight_gradient(step, variable, partial(_emit_copy, b, step, gradient))
        b.give(step, step.inputs[0], dx)

    return backward


def _emit_copy(b: Builder, step: Step, source: Buffer, target: Buffer) -> None:
    b.emit(step, "copy", [source], [target], lambda: bound.copy(source.array, target.array))


def _activation(b: Builder, step: Step, taped: bool) -> Backward | None:
    name = step.layer.activation_name
    if name is None or not ops.ACTIVATIONS[name].keeps_shape:
        return None
    if name == "linear":
        return _same(b, step, b.value(step).shape)
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


def _same(b: Builder, step: Step, shape: tuple[int, ...]) -> Backward:
    """Let the output be the input, perhaps under another shape."""
    x = b.value(step)
    b.values[step.output] = Buffer(shape, of=x)

    def backward(dy: Buffer) -> None:
        b.give(step, step.inputs[0], Buffer(x.shape, of=dy))

    return backward


def _reshape(b: Builder, step: Step, taped: bool) -> Backward | None:
    layer: Any = step.layer
    if getattr(layer, "channels_first", False):
        return None
    return _same(b, step, layer.compute_output_shape(b.value(step).shape))


def _dropout(b: Builder, step: Step, taped: bool) -> Backward | None:
    return None if step.training else _same(b, step, b.value(step).shape)


def _identity(b: Builder, step: Step, taped: bool) -> Backward | None:
    return _same(b, step, b.value(step).shape)


def _add(b: Builder, step: Step, taped: bool) -> Backward | None:
    xs = [b.values[slot] for slot in step.inputs]
    if any(x.shape != xs[0].shape for x in xs):
        return None
    y = b.result(step, xs[0].shape)
    b.free.add(step.output)
    b.emit(step, "forward", xs, [y], lambda: bound.add([x.array for x in xs], y.array))

    def backward(dy: Buffer) -> None:
        for slot in step.inputs[1:]:
            b.gradient(step, slot, partial(_emit_copy, b, step, dy))
        b.give(step, step.inputs[0], dy)

    return backward


def _move(b: Builder, step: Step, taped: bool) -> Backward | None:
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


def _concatenate(b: Builder, step: Step, taped: bool) -> Backward | None:
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


def _as_it_is(b: Builder, step: Step, taped: bool) -> Backward:
    """Run the layer itself, and copy what it returns into the buffers."""
    layer: Any = step.layer
    xs = [b.values[slot] for slot in step.inputs]
    shapes = [x.shape for x in xs]
    shape = layer.compute_output_shape(shapes if layer.takes_list else shapes[0])
    if not all(isinstance(size, int) for size in shape):
        raise CannotLowerError
    y = b.result(step, tuple(shape))
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


#: THE RULES. None from a rule: this layer is run as it is.
RULES: dict[type, Callable[[Builder, Step, bool], Backward | None]] = {
    ActivationLayer: _activation,
    Add: _add,
    AveragePooling2D: _average_pooling,
    BatchNormalization: _batch_normalization,
    Concatenate: _concatenate,
    Conv2D: _conv2d,
    Dense: _dense,
    DepthwiseConv2D: _conv2d,
    Dropout: _dropout,
    Flatten: _reshape,
    GlobalAveragePooling2D: _global_average_pooling,
    Identity: _identity,
    MaxPooling2D: _max_pooling,
    Move: _move,
    Reshape: _reshape,
}
