"""Pooling: one number per window and channel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .windows import Array, Geometry, Padding, Pair, float64, pair


def max_pool2d(
    x: npt.ArrayLike,
    pool_size: Pair = (2, 2),
    *,
    strides: Pair | None = None,
    padding: Padding = "valid",
) -> Array:
    """Maximum of each window.

    Parameters
    ----------
    x : array (N, H, W, C)
    pool_size : int or (height, width)
    strides : int or (height, width), optional
        By default `pool_size`: windows side by side.
    padding : "valid", "same" or ((top, bottom), (left, right))
        Padding never wins: it counts as minus infinity.

    Returns
    -------
    y : float64 array (N, OH, OW, C)
        NaN where the window holds a NaN.
    """
    x = float64(x)
    geometry = Geometry(x.shape[1:3], pair(pool_size), strides or pool_size, padding)
    padded = geometry.pad(x, -np.inf)
    y = np.empty((x.shape[0], *geometry.output_size, x.shape[3]))
    for oh, ow, rows, columns in geometry.windows():
        y[:, oh, ow] = padded[:, rows, columns].max(axis=(1, 2))
    return y


def average_pool2d(
    x: npt.ArrayLike,
    pool_size: Pair = (2, 2),
    *,
    strides: Pair | None = None,
    padding: Padding = "valid",
) -> Array:
    """Mean of each window; pixels of the padding are not counted.

    Parameters
    ----------
    x : array (N, H, W, C)
    pool_size, strides, padding
        As in `max_pool2d`.

    Returns
    -------
    y : float64 array (N, OH, OW, C)
    """
    x = float64(x)
    geometry = Geometry(x.shape[1:3], pair(pool_size), strides or pool_size, padding)
    padded, inside = geometry.pad(x), geometry.pad(np.ones((1, *x.shape[1:3], 1)))
    y = np.empty((x.shape[0], *geometry.output_size, x.shape[3]))
    for oh, ow, rows, columns in geometry.windows():
        y[:, oh, ow] = padded[:, rows, columns].sum(axis=(1, 2)) / inside[:, rows, columns].sum()
    return y
