"""Depthwise convolution, each channel with filters of its own, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import depthwise as kernels
from . import checks
from .fusion import fused_code
from .windows import Windows, windows

Float32 = NDArray[np.float32]


def depthwise_conv2d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
    activation: str | None = None,
) -> Float32:
    """2-D cross-correlation of each channel of an image batch with M filters of its own.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
        Other real dtypes are cast; N may be 0.
    kernel : float32 array (KH, KW, C, M)
    bias : float32 array (C * M,), optional
    strides, dilation : int or two ints
    padding : "valid", "same" or ((top, bottom), (left, right))
        "same" gives OH = ceil(H / SH); an odd zero goes to the bottom/right, as in Keras.
    activation : str, optional
        Applied to the result; "relu" while it is stored.

    Returns
    -------
    y : float32 array (N, OH, OW, C * M)
        Output channel c * M + m is filter m of channel c. Bit for bit the same for any number of
        threads, and for an image in any batch.

    Raises
    ------
    ValueError
        The shapes do not fit together, or the output would be empty.
    TypeError
        An array does not hold real numbers, or a size is not an integer.
    """
    where = "depthwise_conv2d"
    x = checks.as_float32(where, "x", x, 4)
    kernel = checks.as_float32(where, "kernel", kernel, 4)
    _check_channels(where, x.shape, kernel.shape)
    w = windows(
        where, x.shape, kernel.shape[:2], strides, padding, dilation, name="kernel size"
    )
    M, outputs = kernel.shape[3], kernel.shape[2] * kernel.shape[3]
    if bias is not None:
        bias = checks.as_float32(where, "bias", bias)
        if bias.shape != (outputs,):
            raise ValueError(f"{where}: bias must have shape ({outputs},), got {bias.shape}.")
    code = fused_code(activation)
    y = np.empty((x.shape[0], *w.output, outputs), np.float32)
    kernels.depthwise_conv2d(
        _repeated(x, M), _flat(kernel), bias, y, _geometry(w), code or 0
    )
    if code is not None:
        return y
    from . import activation as apply_activation

    return apply_activation(y, activation)


def depthwise_conv2d_backward_input(
    dy: Any,
    kernel: Any,
    input_shape: Any,
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
) -> Float32:
    """Gradient of `depthwise_conv2d` for its input.

    Parameters
    ----------
    dy : float32 array (N, OH, OW, C * M)
    kernel : float32 array (KH, KW, C, M)
    input_shape : (N, H, W, C)
        Shape of the x of the forward pass; the other arguments are depthwise_conv2d's.

    Returns
    -------
    dx : float32 array (N, H, W, C)

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "depthwise_conv2d_backward_input"
    shape = checks.as_tuple(where, "input_shape", input_shape, 4, minimum=0)
    kernel = checks.as_float32(where, "kernel", kernel, 4)
    _check_channels(where, shape, kernel.shape)
    w = windows(where, shape, kernel.shape[:2], strides, padding, dilation, name="kernel size")
    dy = _as_dy(where, dy, shape, w, kernel.shape)
    M = kernel.shape[3]
    dx = np.empty(shape, np.float32)
    full = dx if M == 1 else np.empty((*shape[:3], shape[3] * M), np.float32)
    kernels.depthwise_conv2d_backward_input(dy, _flat(kernel), full, _geometry(w))
    if M != 1:
        kernels.sum_channels(full.reshape(-1), dx.reshape(-1))
    return dx


def depthwise_conv2d_backward_filter(
    x: Any,
    dy: Any,
    kernel_shape: Any,
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
) -> Float32:
    """Gradient of `depthwise_conv2d` for its kernel, summed over the batch in fixed blocks.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    dy : float32 array (N, OH, OW, C * M)
    kernel_shape : (KH, KW, C, M)
        The other arguments are depthwise_conv2d's.

    Returns
    -------
    dkernel : float32 array (KH, KW, C, M)
        Bit for bit the same for any number of threads.

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "depthwise_conv2d_backward_filter"
    x = checks.as_float32(where, "x", x, 4)
    shape = checks.as_tuple(where, "kernel_shape", kernel_shape, 4)
    _check_channels(where, x.shape, shape)
    w = windows(where, x.shape, shape[:2], strides, padding, dilation, name="kernel size")
    dy = _as_dy(where, dy, x.shape, w, shape)
    dkernel = np.empty(shape, np.float32)
    kernels.depthwise_conv2d_backward_filter(
        _repeated(x, shape[3]), dy, _flat(dkernel), _geometry(w)
    )
    return dkernel


def _check_channels(where: str, x_shape: tuple[int, ...], kernel_shape: tuple[int, ...]) -> None:
    if x_shape[3] != kernel_shape[2]:
        raise ValueError(
            f"{where}: x has C={x_shape[3]} but kernel {tuple(kernel_shape)} (KH, KW, C, M) "
            f"needs C={kernel_shape[2]}."
        )


def _as_dy(
    where: str, dy: Any, x_shape: tuple[int, ...], w: Windows, kernel_shape: tuple[int, ...]
) -> Float32:
    dy = checks.as_float32(where, "dy", dy)
    expected = (x_shape[0], *w.output, kernel_shape[2] * kernel_shape[3])
    if dy.shape != expected:
        raise ValueError(
            f"{where}: dy must have the shape {expected} of the forward result, got {dy.shape}."
        )
    return dy


def _geometry(w: Windows) -> tuple[int, int, int, int, int, int]:
    """Return (SH, SW, DH, DW, PT, PL), as the drivers want it."""
    return (*w.strides, *w.dilation, *w.before)


# The drivers know one filter a channel: for M of them, each channel is repeated M times.


def _flat(kernel: Float32) -> Float32:
    """Return the kernel as (KH, KW, C * M), its output channels side by side."""
    return kernel.reshape(kernel.shape[0], kernel.shape[1], -1)


def _repeated(x: Float32, M: int) -> Float32:
    if M == 1:
        return x
    repeated = np.empty((*x.shape[:3], x.shape[3] * M), np.float32)
    kernels.repeat_channels(x.reshape(-1), repeated.reshape(-1))
    return repeated
