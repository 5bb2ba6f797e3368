"""Convolutions and their gradients: one product per window."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .windows import Array, Geometry, Padding, Pair, float64


def conv2d(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """2-D convolution (cross-correlation: the kernel is not flipped) of a batch of images.

    Each output is the sum of a window of the image times the kernel:
    `y[n, oh, ow, f] = sum(window * kernel[..., f]) + bias[f]`.

    Parameters
    ----------
    x : array (N, H, W, C)
    kernel : array (KH, KW, C // groups, F)
    bias : array (F,), optional
    strides, dilation : int or (height, width)
        How far the window moves, and how far apart its taps are.
    padding : "valid", "same" or ((top, bottom), (left, right))
        "same" gives OH = ceil(H / SH); an odd zero goes to the bottom/right.
    groups : int
        Group g convolves the g-th part of the channels with the g-th part of the filters.

    Returns
    -------
    y : float64 array (N, OH, OW, F)

    Raises
    ------
    ValueError
        The window does not fit into the padded image, or `padding` is an unknown word.
    """
    x, kernel = float64(x), float64(kernel)
    geometry = Geometry(x.shape[1:3], kernel.shape[:2], strides, padding, dilation)
    padded = geometry.pad(x)
    y = np.zeros((x.shape[0], *geometry.output_size, kernel.shape[3]))
    for channels, filters in _groups(groups, x.shape[3], kernel.shape[3]):
        for n in range(x.shape[0]):
            for oh, ow, rows, columns in geometry.windows():
                window = padded[n, rows, columns, channels]  # (KH, KW, C // groups)
                y[n, oh, ow, filters] = np.tensordot(window, kernel[..., filters], axes=3)
    return y if bias is None else y + float64(bias)


def conv2d_backward_input(
    dy: npt.ArrayLike,
    kernel: npt.ArrayLike,
    input_shape: tuple[int, int, int, int],
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Gradient of `conv2d` with respect to x.

    Forward, output (oh, ow) reads a window; backward, it hands its gradient, times the kernel,
    back to the pixels of that window, where the shares of overlapping windows add up.

    Parameters
    ----------
    dy : array (N, OH, OW, F)
    kernel : array (KH, KW, C // groups, F)
    input_shape : (N, H, W, C)
    strides, padding, dilation, groups
        As in `conv2d`.

    Returns
    -------
    dx : float64 array (N, H, W, C)
    """
    dy, kernel = float64(dy), float64(kernel)
    geometry = Geometry(input_shape[1:3], kernel.shape[:2], strides, padding, dilation)
    padded = geometry.pad(np.zeros(input_shape))
    for channels, filters in _groups(groups, input_shape[3], kernel.shape[3]):
        for n in range(input_shape[0]):
            for oh, ow, rows, columns in geometry.windows():
                share = kernel[..., filters] @ dy[n, oh, ow, filters]  # (KH, KW, C // groups)
                padded[n, rows, columns, channels] += share
    return geometry.crop(padded)


def conv2d_backward_filter(
    x: npt.ArrayLike,
    dy: npt.ArrayLike,
    kernel_shape: tuple[int, int, int, int],
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Gradient of `conv2d` with respect to the kernel: windows times output gradients, summed.

    Parameters
    ----------
    x : array (N, H, W, C)
    dy : array (N, OH, OW, F)
    kernel_shape : (KH, KW, C // groups, F)
    strides, padding, dilation, groups
        As in `conv2d`.

    Returns
    -------
    dkernel : float64 array (KH, KW, C // groups, F)
        The bias, if there is one, has the gradient `dy.sum(axis=(0, 1, 2))`.
    """
    x, dy = float64(x), float64(dy)
    geometry = Geometry(x.shape[1:3], kernel_shape[:2], strides, padding, dilation)
    padded = geometry.pad(x)
    dkernel = np.zeros(kernel_shape)
    for channels, filters in _groups(groups, x.shape[3], kernel_shape[3]):
        for n in range(x.shape[0]):
            for oh, ow, rows, columns in geometry.windows():
                window = padded[n, rows, columns, channels]
                dkernel[..., filters] += window[..., np.newaxis] * dy[n, oh, ow, filters]
    return dkernel


def depthwise_conv2d(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
) -> Array:
    """Convolve every channel on its own, with M filters each.

    Parameters
    ----------
    x : array (N, H, W, C)
    kernel : array (KH, KW, C, M)
    bias : array (C * M,), optional
    strides, padding, dilation
        As in `conv2d`.

    Returns
    -------
    y : float64 array (N, OH, OW, C * M)
        Filter m of channel c is output channel c * M + m.
    """
    x, kernel = float64(x), float64(kernel)
    geometry = Geometry(x.shape[1:3], kernel.shape[:2], strides, padding, dilation)
    padded = geometry.pad(x)
    y = np.zeros((x.shape[0], *geometry.output_size, kernel.shape[2] * kernel.shape[3]))
    for n in range(x.shape[0]):
        for oh, ow, rows, columns in geometry.windows():
            window = padded[n, rows, columns, :, np.newaxis]  # (KH, KW, C, 1)
            y[n, oh, ow] = (window * kernel).sum(axis=(0, 1)).ravel()
    return y if bias is None else y + float64(bias)


def _groups(groups: int, channels: int, filters: int) -> Iterator[tuple[slice, slice]]:
    """Yield the channels and the filters of each group."""
    for g in range(groups):
        yield (
            slice(g * channels // groups, (g + 1) * channels // groups),
            slice(g * filters // groups, (g + 1) * filters // groups),
        )
