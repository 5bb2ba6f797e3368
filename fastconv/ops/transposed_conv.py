"""Transposed convolution over one to three axes: the gradient of `conv` for its input.

Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", arXiv:1603.07285.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import checks, shapes
from .activation import activation as apply_activation
from .conv_nd import conv, conv_backward_filter, conv_backward_input

Float32 = NDArray[np.float32]
Shape = tuple[int, ...]


class _Adjoint(NamedTuple):
    """The convolution whose gradient is wanted: its input's shape, and its options."""

    shape: Shape
    options: dict[str, Any]


def conv_transpose(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    dilation: Any = 1,
    activation: str | None = None,
) -> Float32:
    """Transposed convolution: each input adds the kernel, times itself, to the output.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
        One to three spatial axes.
    kernel : float32 array (*window, F, C)
    bias : float32 array (F,), optional
    strides, dilation : int or one int for each spatial axis
    padding : "valid" or "same"
    output_padding : int or one int for each spatial axis, optional
        How much larger the output is than the smallest one; less than the stride. By default
        "same" gives n * stride outputs and "valid" (n - 1) * stride + max(window, stride).
    activation : str, optional

    Returns
    -------
    y : float32 array (N, *outputs, F)

    Raises
    ------
    ValueError
        The shapes do not fit together, or the output would be empty.
    """
    where = "conv_transpose"
    x = checks.as_float32(where, "x", x)
    kernel = checks.as_float32(where, "kernel", kernel)
    if bias is not None:
        bias = checks.as_float32(where, "bias", bias)
        if bias.shape != kernel.shape[-2:-1]:
            raise ValueError(
                f"{where}: bias must have shape {kernel.shape[-2:-1]}, got {bias.shape}."
            )
    adjoint = _adjoint(where, x.shape, kernel.shape, strides, padding, output_padding, dilation)
    y = conv_backward_input(x, kernel, adjoint.shape, **adjoint.options)
    if bias is not None:
        y += bias
    return y if activation is None else apply_activation(y, activation)


def conv_transpose_backward_input(
    dy: Any,
    kernel: Any,
    input_shape: Any,
    *,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    dilation: Any = 1,
) -> Float32:
    """Gradient of `conv_transpose` for its input, of shape `input_shape`: a convolution of dy."""
    where = "conv_transpose_backward_input"
    kernel = checks.as_float32(where, "kernel", kernel)
    shape = checks.as_tuple(where, "input_shape", input_shape, kernel.ndim, minimum=0)
    adjoint = _adjoint(where, shape, kernel.shape, strides, padding, output_padding, dilation)
    return conv(_check_dy(where, dy, adjoint), kernel, **adjoint.options)


def conv_transpose_backward_filter(
    x: Any,
    dy: Any,
    kernel_shape: Any,
    *,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    dilation: Any = 1,
) -> Float32:
    """Gradient of `conv_transpose` for its kernel, of shape `kernel_shape`."""
    where = "conv_transpose_backward_filter"
    x = checks.as_float32(where, "x", x)
    shape = checks.as_tuple(where, "kernel_shape", kernel_shape, x.ndim)
    adjoint = _adjoint(where, x.shape, shape, strides, padding, output_padding, dilation)
    return conv_backward_filter(_check_dy(where, dy, adjoint), x, shape, **adjoint.options)


def _check_dy(where: str, dy: Any, adjoint: _Adjoint) -> Float32:
    checked = checks.as_float32(where, "dy", dy)
    if checked.shape != adjoint.shape:
        raise ValueError(
            f"{where}: dy must have the shape {adjoint.shape} of the forward result, "
            f"got {checked.shape}."
        )
    return checked


def _adjoint(
    where: str,
    x_shape: Shape,
    kernel_shape: Shape,
    strides: Any,
    padding: Any,
    output_padding: Any,
    dilation: Any,
) -> _Adjoint:
    rank = len(kernel_shape) - 2
    if not 1 <= rank <= 3 or len(x_shape) != rank + 2:
        raise ValueError(
            f"{where}: x (N, *spatial, C) and kernel (*window, F, C) must have one to three "
            f"spatial axes, the same number of them, got {x_shape} and {kernel_shape}."
        )
    if x_shape[-1] != kernel_shape[-1]:
        raise ValueError(
            f"{where}: x has C={x_shape[-1]} but kernel {kernel_shape} (*window, F, C) needs "
            f"C={kernel_shape[-1]}."
        )
    spread = checks.as_tuple(where, "dilation", dilation, rank)
    steps = checks.as_tuple(where, "strides", strides, rank)
    outputs, pads = shapes.transposed(
        where, x_shape[1:-1], kernel_shape[:rank], steps, spread, padding, output_padding
    )
    options = {"strides": steps, "padding": pads, "dilation": spread}
    return _Adjoint((x_shape[0], *outputs, kernel_shape[-2]), options)
