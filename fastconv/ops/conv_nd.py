"""Convolutions over one to three axes; the rank of the kernel says which function computes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .conv1d import (
    conv1d,
    conv1d_backward_filter,
    conv1d_backward_input,
    depthwise_conv1d,
    depthwise_conv1d_backward_filter,
    depthwise_conv1d_backward_input,
)
from .conv2d import conv2d, conv2d_backward_filter, conv2d_backward_input
from .conv3d import conv3d, conv3d_backward_filter, conv3d_backward_input
from .depthwise_conv2d import (
    depthwise_conv2d,
    depthwise_conv2d_backward_filter,
    depthwise_conv2d_backward_input,
)

Float32 = NDArray[np.float32]
_Table = dict[int, Callable[..., Float32]]

#: By the number of axes of the kernel.
_FORWARD: _Table = {3: conv1d, 4: conv2d, 5: conv3d}
_BACKWARD_INPUT: _Table = {
    3: conv1d_backward_input,
    4: conv2d_backward_input,
    5: conv3d_backward_input,
}
_BACKWARD_FILTER: _Table = {
    3: conv1d_backward_filter,
    4: conv2d_backward_filter,
    5: conv3d_backward_filter,
}
_DEPTHWISE: _Table = {3: depthwise_conv1d, 4: depthwise_conv2d}
_DEPTHWISE_BACKWARD_INPUT: _Table = {
    3: depthwise_conv1d_backward_input,
    4: depthwise_conv2d_backward_input,
}
_DEPTHWISE_BACKWARD_FILTER: _Table = {
    3: depthwise_conv1d_backward_filter,
    4: depthwise_conv2d_backward_filter,
}


def conv(x: Any, kernel: Any, bias: Any = None, **options: Any) -> Float32:
    """Cross-correlation with a filter bank along one to three axes.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
    kernel : float32 array (*window, C // groups, F)
    bias : float32 array (F,), optional
    strides, dilation : int or one int for each spatial axis
    padding : "valid", "same" or a pair of zeros before and after for each spatial axis
        "same" gives ceil(n / stride) outputs, an odd zero goes last. For one axis also "causal":
        zeros before only, so that no output sees a later input.
    groups : int
        Filters [g * F / groups, (g + 1) * F / groups) see only the g-th part of the channels.
    activation : str, optional

    Returns
    -------
    y : float32 array (N, *outputs, F)
        Bit for bit the same for any number of threads, and for a sample in any batch.

    Raises
    ------
    ValueError
        The shapes do not fit together, or the output would be empty.
    """
    return _find("conv", _FORWARD, np.ndim(kernel))(x, kernel, bias, **options)


def conv_backward_input(dy: Any, kernel: Any, input_shape: Any, **options: Any) -> Float32:
    """Gradient of `conv` for its input, of shape `input_shape`; the options are conv's."""
    op = _find("conv_backward_input", _BACKWARD_INPUT, np.ndim(kernel))
    return op(dy, kernel, input_shape, **options)


def conv_backward_filter(x: Any, dy: Any, kernel_shape: Any, **options: Any) -> Float32:
    """Gradient of `conv` for its kernel, of shape `kernel_shape`; the options are conv's."""
    op = _find("conv_backward_filter", _BACKWARD_FILTER, len(kernel_shape))
    return op(x, dy, kernel_shape, **options)


def depthwise_conv(x: Any, kernel: Any, bias: Any = None, **options: Any) -> Float32:
    """Cross-correlation of each channel with filters of its own along one or two axes.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
    kernel : float32 array (*window, C, M)
    bias : float32 array (C * M,), optional
    strides, padding, dilation, activation
        As in `conv`.

    Returns
    -------
    y : float32 array (N, *outputs, C * M)
        Output channel c * M + m is filter m of channel c.

    Raises
    ------
    ValueError
        The shapes do not fit together, or the output would be empty.
    """
    return _find("depthwise_conv", _DEPTHWISE, np.ndim(kernel))(x, kernel, bias, **options)


def depthwise_conv_backward_input(
    dy: Any, kernel: Any, input_shape: Any, **options: Any
) -> Float32:
    """Gradient of `depthwise_conv` for its input, of shape `input_shape`."""
    op = _find("depthwise_conv_backward_input", _DEPTHWISE_BACKWARD_INPUT, np.ndim(kernel))
    return op(dy, kernel, input_shape, **options)


def depthwise_conv_backward_filter(x: Any, dy: Any, kernel_shape: Any, **options: Any) -> Float32:
    """Gradient of `depthwise_conv` for its kernel, of shape `kernel_shape`."""
    op = _find("depthwise_conv_backward_filter", _DEPTHWISE_BACKWARD_FILTER, len(kernel_shape))
    return op(x, dy, kernel_shape, **options)


def _find(where: str, table: _Table, ndim: int) -> Callable[..., Float32]:
    if ndim not in table:
        axes = " or ".join(str(n) for n in table)
        raise ValueError(f"{where}: kernel must have {axes} dimensions, got {ndim}.")
    return table[ndim]
