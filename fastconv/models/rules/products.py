"""Rules of layers with a kernel: convolutions and Dense."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from ... import ops
from ...layers import DepthwiseConv2D, MaxPooling2D
from ...ops import bound
from ...ops.algorithms import ConvProblem
from ...ops.fusion import STORED, split_activation
from ..buffers import Buffer
from ..lowering import Backward, Builder, Gradient, follows_rules, together, unchanged
from ..program import Step
from .pooling import Maxima, maxima

Float32 = bound.Float32


class Product(NamedTuple):
    """A product with a kernel and its gradients, each bound to arrays."""

    macs: int
    forward: Callable[[Float32, int, Float32], bound.Run]  # of x, an activation's code, y
    backward_input: Callable[[Float32, Float32], bound.Run]  # of dy, dx
    backward_filter: Callable[[Float32, Float32, Float32], bound.Run]  # of x, dy, dkernel
    #: What runs a direction.
    algorithm: Callable[[str], str]


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
    product = Product(
        p.macs,
        lambda x, code, y: bound.conv2d(p, x, kernel, bias, code, y),
        lambda dy, dx: bound.conv2d_backward_input(p, dy, kernel, dx),
        lambda x, dy, dkernel: bound.conv2d_backward_filter(
            p, x, dy, dkernel.reshape(p.kernel_shape)
        ),
        lambda direction: bound.algorithm_name(p, direction),
    )
    if not taped and layer.activation_name == "linear" and bound.can_add(p):
        addition, more = b.addition_behind(step, p.y_shape)
        if addition is not None and more is not None:
            name, code = b.activation_behind(addition)
            y = b.result(step, p.y_shape)
            b.free.add(step.output)
            b.added[addition.output] = y, name
            b.emit(
                step,
                together("forward", "sum", name),
                [x, more],
                [y],
                lambda: bound.conv2d_add(p, x.array, kernel, bias, more.array, code, y.array),
                product.algorithm("forward"),
                p.macs,
            )
            return _gradients(b, step, product, unchanged)
    m = _pooling_behind(b, step, taped, p)
    if m is None:
        return _lower(b, step, taped, p.y_shape, product)
    b.emit(
        step,
        together("forward", "max-pooling", m.name),
        [x],
        m.written,
        lambda: bound.conv2d_max_pool2d(p, x.array, kernel, bias, *m.arrays(), m.geometry, m.code),
        product.algorithm("forward"),
        p.macs,
    )
    return _gradients(b, step, product, unchanged)


def _pooling_behind(b: Builder, step: Step, taped: bool, p: ConvProblem) -> Maxima | None:
    """Return what the max-pooling writes that alone reads a convolution, if both can be one."""
    pooling = b.only_reader(step)
    if pooling is None or not isinstance(pooling.layer, MaxPooling2D):
        return None
    layer = pooling.layer
    if (
        step.layer.activation_name != "linear"
        or not follows_rules(layer)
        or layer.channels_first
        or not bound.can_pool(p, bound.pooling_geometry(p.y_shape, **layer.geometry))
    ):
        return None
    b.result(step, p.y_shape)  # only its shape is ever used
    m = maxima(b, pooling, taped)
    if m is not None:
        b.pooled[pooling.output] = m
    return m


def dense(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower a product with a matrix along the last axis."""
    layer: Any = step.layer
    if layer.activation_name is None:
        return None
    x, kernel, bias = b.value(step), layer.kernel.value, layer.bias_value

    def forward(x: Float32, code: int, y: Float32) -> bound.Run:
        # The kernel of a training step changes before it is read again.
        if not taped and bound.packs_dense(y.size // layer.units, kernel.shape):
            return bound.dense_packed(x, layer.kernel.packed, bias, code, y)
        return bound.dense(x, kernel, bias, code, y)

    product = Product(
        math.prod(x.shape) * layer.units,
        forward,
        lambda dy, dx: bound.dense_backward_input(dy, kernel, dx),
        bound.dense_backward_filter,
        lambda direction: "",
    )
    return _lower(b, step, taped, (*x.shape[:-1], layer.units), product)


def _lower(
    b: Builder, step: Step, taped: bool, shape: tuple[int, ...], product: Product
) -> Backward:
    """Emit a product whose result has a shape; return what emits its gradients."""
    x = b.value(step)

    def linear(y: Buffer, name: str | None) -> None:
        code, _ = split_activation(name)
        b.emit(
            step,
            together("forward", name),
            [x],
            [y],
            lambda: product.forward(x.array, code, y.array),
            product.algorithm("forward"),
            product.macs,
        )

    return _gradients(b, step, product, _with_activation(b, step, shape, taped, linear))


def _gradients(b: Builder, step: Step, product: Product, activation_gradient: Gradient) -> Backward:
    """Return what emits the gradients of a product."""
    layer: Any = step.layer
    x = b.value(step)

    def emit(
        what: str, direction: str, reads: list[Buffer], y: Buffer, bind: Callable[[], bound.Run]
    ) -> None:
        b.emit(step, what, reads, [y], bind, product.algorithm(direction), product.macs)

    def backward(dy: Buffer) -> None:
        dy = activation_gradient(dy)

        def dkernel(target: Buffer) -> None:
            emit(
                "kernel gradient",
                "backward_filter",
                [x, dy],
                target,
                lambda: product.backward_filter(x.array, dy.array, target.array),
            )

        def dx(target: Buffer) -> None:
            emit(
                "input gradient",
                "backward_input",
                [dy],
                target,
                lambda: product.backward_input(dy.array, target.array),
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
    linear: Callable[[Buffer, str | None], None],
) -> Gradient:
    """Emit a linear map with the layer's activation; return what emits the latter's gradient.

    Parameters
    ----------
    linear : function of a buffer and a name in `STORED` or None
        Emits what writes the result, with that activation, to the buffer.
    """
    name = step.layer.activation_name
    assert name is not None
    y = b.result(step, shape)
    if name in STORED:
        linear(y, name)
        return b.activation_gradient(step, name, y, y)
    if name == "linear":
        b.free.add(step.output)
    kind = ops.ACTIVATIONS[name]
    z = y if kind.elementwise and not (taped and kind.needs_input) else b.new(shape)
    linear(z, None)
    return b.activate(step, name, z, y)


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
