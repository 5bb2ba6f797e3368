"""Depthwise convolution, each channel with filters of its own, and its gradients.

It is a convolution with as many groups as channels, and kernel (KH, KW, C, M) read as
(KH, KW, 1, C * M).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks
from .algorithms import ConvProblem
from .conv2d import backward_filter, backward_input, forward, make_problem

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
        Applied to the result; "relu" and "relu6" while it is stored.

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
    p = _problem(where, x.shape, kernel.shape, strides, padding, dilation)
    return forward(where, p, x, kernel, bias, activation)


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
    dy = checks.as_float32(where, "dy", dy)
    kernel = checks.as_float32(where, "kernel", kernel, 4)
    p = _problem(where, shape, kernel.shape, strides, padding, dilation)
    return backward_input(where, p, dy, kernel)


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
    dy = checks.as_float32(where, "dy", dy)
    shape = checks.as_tuple(where, "kernel_shape", kernel_shape, 4)
    p = _problem(where, x.shape, shape, strides, padding, dilation)
    return backward_filter(where, p, x, dy).reshape(shape)


def _problem(
    where: str,
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    strides: Any,
    padding: Any,
    dilation: Any,
) -> ConvProblem:
    KH, KW, C, M = kernel_shape
    if x_shape[3] != C:
        raise ValueError(
            f"{where}: x has C={x_shape[3]} but kernel {tuple(kernel_shape)} (KH, KW, C, M) "
            f"needs C={C}."
        )
    return make_problem(where, x_shape, (KH, KW, 1, C * M), strides, padding, dilation, C)
