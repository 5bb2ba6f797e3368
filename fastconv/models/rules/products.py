"""Rules of layers with a kernel: convolutions and Dense."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ... import ops
from ...layers import DepthwiseConv2D
from ...ops import bound
from ...ops.fusion import split_activation
from ..buffers import Buffer
from ..lowering import Backward, Builder, Gradient, unchanged
from ..program import Step


def conv2d(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a convolution over images, depthwise ones too."""
    layer: Any = step.layer
    if layer.channels_first or layer.activation_name is None:
        return None
    x = b.value(step)
    if isinstance(layer, DepthwiseConv2D):
        p = bound.depthwise_problem(x.shape, layer.kernel.shape, **layer.geometry)
    else:
        geometry = layer.geometry_for(x.shape)
        p = bound.conv_problem(x.shape, layer.kernel.shape, groups=layer.groups, **geometry)
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
        dy = activation_gradient(dy)

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


def dense(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a product with a matrix along the last axis."""
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
        dy = activation_gradient(dy)

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


def _with_activation(
    b: Builder,
    step: Step,
    shape: tuple[int, ...],
    taped: bool,
    linear: Callable[[Buffer, int], None],
) -> Gradient:
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
        return unchanged
    kind = ops.ACTIVATIONS[left]
    z = y if kind.elementwise and not (taped and kind.needs_input) else b.new(shape)
    linear(z, 0)
    return b.activate(step, left, z, y)


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
