"""Windows as the rows of a matrix, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .windows import Array, Geometry, Padding, Pair, float64, pair


def im2col(
    x: npt.ArrayLike,
    kernel_size: Pair,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
) -> Array:
    """Lay every window out as a row, so that a convolution becomes one matrix product.

    `im2col(x, (KH, KW)) @ kernel.reshape(KH * KW * C, F)` is `conv2d(x, kernel)` with its first
    three axes flattened.

    Parameters
    ----------
    x : array (N, H, W, C)
    kernel_size : int or (height, width)
    strides, padding, dilation
        As in `conv2d`.

    Returns
    -------
    columns : float64 array (N * OH * OW, KH * KW * C)
    """
    x = float64(x)
    geometry = Geometry(x.shape[1:3], pair(kernel_size), strides, padding, dilation)
    padded = geometry.pad(x)
    rows_of_windows = [
        padded[n, rows, columns].ravel()
        for n in range(x.shape[0])
        for _, _, rows, columns in geometry.windows()
    ]
    return np.array(rows_of_windows).reshape(-1, int(np.prod(geometry.window)) * x.shape[3])


def col2im(
    columns: npt.ArrayLike,
    input_shape: tuple[int, int, int, int],
    kernel_size: Pair,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
) -> Array:
    """Add the rows of `im2col` back into an image: its adjoint, not its inverse.

    A pixel that lies under three windows receives three contributions.

    Parameters
    ----------
    columns : array (N * OH * OW, KH * KW * C)
    input_shape : (N, H, W, C)
    kernel_size, strides, padding, dilation
        As in `im2col`.

    Returns
    -------
    x : float64 array (N, H, W, C)
    """
    geometry = Geometry(input_shape[1:3], pair(kernel_size), strides, padding, dilation)
    windows = float64(columns).reshape(
        input_shape[0], *geometry.output_size, *geometry.window, input_shape[3]
    )
    padded = geometry.pad(np.zeros(input_shape))
    for n in range(input_shape[0]):
        for oh, ow, rows, taps in geometry.windows():
            padded[n, rows, taps] += windows[n, oh, ow]
    return geometry.crop(padded)
