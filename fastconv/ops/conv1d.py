"""Convolutions of sequences (N, L, C) and their gradients: those of images of one row.

Arguments are those of the functions for images, with one number where they take two; `padding` may
also be "causal" (zeros before the sequence only) or one pair ((before, after),).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks, shapes
from .conv2d import conv2d, conv2d_backward_filter, conv2d_backward_input
from .depthwise_conv2d import (
    depthwise_conv2d,
    depthwise_conv2d_backward_filter,
    depthwise_conv2d_backward_input,
)

Float32 = NDArray[np.float32]


def conv1d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
    activation: str | None = None,
) -> Float32:
    """Cross-correlate x (N, L, C) with kernel (K, C // groups, F) to y (N, OL, F); see `conv2d`."""
    where = "conv1d"
    x, kernel = _rows(where, "x", x), checks.as_float32(where, "kernel", kernel, 3)
    row = _row(where, kernel.shape, strides, padding, dilation)
    return conv2d(x, kernel[None], bias, groups=groups, activation=activation, **row)[:, 0]


def conv1d_backward_input(
    dy: Any,
    kernel: Any,
    input_shape: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
) -> Float32:
    """Gradient of `conv1d` for its input, of shape `input_shape` (N, L, C)."""
    where = "conv1d_backward_input"
    dy, kernel = _rows(where, "dy", dy), checks.as_float32(where, "kernel", kernel, 3)
    row = _row(where, kernel.shape, strides, padding, dilation)
    image = _image(where, input_shape)
    return conv2d_backward_input(dy, kernel[None], image, groups=groups, **row)[:, 0]


def conv1d_backward_filter(
    x: Any,
    dy: Any,
    kernel_shape: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
) -> Float32:
    """Gradient of `conv1d` for its kernel, of shape `kernel_shape` (K, C // groups, F)."""
    where = "conv1d_backward_filter"
    x, dy = _rows(where, "x", x), _rows(where, "dy", dy)
    k, c, f = checks.as_tuple(where, "kernel_shape", kernel_shape, 3)
    row = _row(where, (k, c, f), strides, padding, dilation)
    dkernel: Float32 = conv2d_backward_filter(x, dy, (1, k, c, f), groups=groups, **row)[0]
    return dkernel


def depthwise_conv1d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    activation: str | None = None,
) -> Float32:
    """Cross-correlate each channel of x (N, L, C) with M filters of its own; kernel (K, C, M).

    Output channel c * M + m is filter m of channel c; see `depthwise_conv2d`.
    """
    where = "depthwise_conv1d"
    x, kernel = _rows(where, "x", x), checks.as_float32(where, "kernel", kernel, 3)
    row = _row(where, kernel.shape, strides, padding, dilation)
    return depthwise_conv2d(x, kernel[None], bias, activation=activation, **row)[:, 0]


def depthwise_conv1d_backward_input(
    dy: Any,
    kernel: Any,
    input_shape: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
) -> Float32:
    """Gradient of `depthwise_conv1d` for its input, of shape `input_shape` (N, L, C)."""
    where = "depthwise_conv1d_backward_input"
    dy, kernel = _rows(where, "dy", dy), checks.as_float32(where, "kernel", kernel, 3)
    row = _row(where, kernel.shape, strides, padding, dilation)
    image = _image(where, input_shape)
    return depthwise_conv2d_backward_input(dy, kernel[None], image, **row)[:, 0]


def depthwise_conv1d_backward_filter(
    x: Any,
    dy: Any,
    kernel_shape: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
) -> Float32:
    """Gradient of `depthwise_conv1d` for its kernel, of shape `kernel_shape` (K, C, M)."""
    where = "depthwise_conv1d_backward_filter"
    x, dy = _rows(where, "x", x), _rows(where, "dy", dy)
    shape = checks.as_tuple(where, "kernel_shape", kernel_shape, 3)
    row = _row(where, shape, strides, padding, dilation)
    dkernel: Float32 = depthwise_conv2d_backward_filter(x, dy, (1, *shape), **row)[0]
    return dkernel


def _rows(where: str, name: str, x: Any) -> Float32:
    """Return (N, L, C) as images (N, 1, L, C)."""
    return checks.as_float32(where, name, x, 3)[:, None]


def _image(where: str, input_shape: Any) -> tuple[int, int, int, int]:
    n, length, c = checks.as_tuple(where, "input_shape", input_shape, 3, minimum=0)
    return n, 1, length, c


def _row(
    where: str, kernel_shape: tuple[int, ...], strides: Any, padding: Any, dilation: Any
) -> dict[str, Any]:
    """Return strides, padding and dilation for images of one row."""
    (stride,) = checks.as_tuple(where, "strides", strides, 1)
    (spread,) = checks.as_tuple(where, "dilation", dilation, 1)
    if not (isinstance(padding, str) and padding.lower() in shapes.PADDINGS):
        pads = shapes.resolve_padding(where, padding, (1,), kernel_shape[:1], (1,), (spread,))
        padding = ((0, 0), *pads)
    return {"strides": (1, stride), "padding": padding, "dilation": (1, spread)}
