"""Images of another size, and nearest-neighbour enlargement. Linear maps along each axis.

Pixel centres lie at half-integers, as in Keras, TensorFlow 2 and `jax.image`. One output along an
axis is a weighted sum of a few inputs, its taps; the gradient is the same with the taps turned
round. Keys, "Cubic convolution interpolation", IEEE ASSP 29(6), 1981, for "bicubic" (a = -0.5).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks
from .pooling_nd import average_pool

Float32 = NDArray[np.float32]
#: Inputs and their weights for each output along an axis: (outputs, taps) each.
Taps = tuple[NDArray[np.intp], NDArray[np.float32]]

#: How many numbers of the result are made at a time, so that intermediate ones stay in cache.
_BLOCK = 1 << 18


def _cubic(x: NDArray[Any]) -> NDArray[Any]:
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _lanczos(radius: int, x: NDArray[Any]) -> NDArray[Any]:
    return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


#: interpolation: (reach of the kernel, kernel of the distance); "nearest" takes one input as it is.
_KERNELS: dict[str, tuple[int, Any]] = {
    "bilinear": (1, lambda x: np.maximum(0, 1 - x)),
    "nearest": (0, None),
    "bicubic": (2, _cubic),
    "lanczos3": (3, lambda x: _lanczos(3, x)),
    "lanczos5": (5, lambda x: _lanczos(5, x)),
}
INTERPOLATIONS = tuple(_KERNELS)


def resize(x: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False) -> Float32:
    """Images of another height and width.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    size : (OH, OW)
    interpolation : "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5"
    antialias : bool
        Widen the kernel where the image gets smaller, so that every input counts; without effect
        on "nearest".

    Returns
    -------
    y : float32 array (N, OH, OW, C)

    Raises
    ------
    ValueError
        `x` has not four dimensions or no pixels, or an argument is out of range.
    """
    where = "resize"
    x = checks.as_float32(where, "x", x, 4)
    oh, ow = checks.as_pair(where, "size", size)
    taps = _taps_of(where, x.shape[1:3], (oh, ow), interpolation, antialias)
    return _apply(x, taps)


def resize_backward(
    dy: Any, input_size: Any, interpolation: str = "bilinear", antialias: bool = False
) -> Float32:
    """Gradient of `resize` for its input.

    Parameters
    ----------
    dy : float32 array (N, OH, OW, C)
    input_size : (H, W)
        Size of the images that were resized.
    interpolation, antialias
        As `resize` got them.

    Returns
    -------
    dx : float32 array (N, H, W, C)

    Raises
    ------
    ValueError
        An argument is out of range.
    """
    where = "resize_backward"
    dy = checks.as_float32(where, "dy", dy, 4)
    h, w = checks.as_pair(where, "input_size", input_size)
    rows, columns = _taps_of(where, (h, w), dy.shape[1:3], interpolation, antialias)
    turned = _turned(rows, h), _turned(columns, w)
    return _apply(dy, turned)


def upsample(x: Any, size: Any) -> Float32:
    """Repeat each position `size` times along each spatial axis.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
    size : int or one int for each spatial axis

    Returns
    -------
    y : float32 array (N, *(n * s for n, s in zip(spatial, size)), C)

    Raises
    ------
    ValueError
        `x` has no spatial axis, or a size is less than 1.
    """
    x = checks.as_float32("upsample", "x", x)
    spatial = x.shape[1:-1]
    sizes = checks.as_tuple("upsample", "size", size, len(spatial))
    # (N, H, W, C) is seen as (N, H, SH, W, SW, C) with strides of zero, and copied once.
    doubled = x.reshape(x.shape[0], *(k for n in spatial for k in (n, 1)), x.shape[-1])
    shape = (x.shape[0], *(k for pair in zip(spatial, sizes, strict=True) for k in pair))
    spread = np.broadcast_to(doubled, (*shape, x.shape[-1]))
    outer = (n * s for n, s in zip(spatial, sizes, strict=True))
    return np.ascontiguousarray(spread).reshape(x.shape[0], *outer, x.shape[-1])


def upsample_backward(dy: Any, size: Any) -> Float32:
    """Gradient of `upsample` for its input: the sum over the copies of each position.

    Parameters
    ----------
    dy : float32 array (N, *spatial, C)
    size : int or one int for each spatial axis

    Returns
    -------
    dx : float32 array (N, *(n // s for n, s in zip(spatial, size)), C)

    Raises
    ------
    ValueError
        `dy` has no spatial axis, or is smaller than `size`.
    """
    dy = checks.as_float32("upsample_backward", "dy", dy)
    sizes = checks.as_tuple("upsample_backward", "size", size, dy.ndim - 2)
    dx = average_pool(dy, sizes)
    dx *= np.float32(math.prod(sizes))
    return dx


def _taps_of(
    where: str,
    old: tuple[int, ...],
    new: tuple[int, ...],
    interpolation: Any,
    antialias: bool,
) -> tuple[Taps, Taps]:
    """Return the taps of rows and of columns."""
    checks.one_of(where, "interpolation", interpolation, INTERPOLATIONS)
    if 0 in old or 0 in new:
        raise ValueError(f"{where}: images must have pixels, got sizes {old} and {new}.")
    rows, columns = (
        _taps(n, m, interpolation, bool(antialias)) for n, m in zip(old, new, strict=True)
    )
    return rows, columns


@lru_cache(maxsize=256)
def _taps(n: int, m: int, interpolation: str, antialias: bool) -> Taps:
    """Return the taps of an axis that goes from n to m pixels."""
    if interpolation == "nearest" or n == m:
        # floor((i + 0.5) * n / m) in integers
        nearest = (2 * np.arange(m) + 1) * n // (2 * m)
        return nearest[:, None], np.ones((m, 1), np.float32)
    reach, kernel = _KERNELS[interpolation]
    wide = max(n / m, 1.0) if antialias else 1.0
    centre = (np.arange(m) + 0.5) * (n / m) - 0.5
    first = np.floor(centre - reach * wide).astype(np.intp) + 1
    indices = first[:, None] + np.arange(math.ceil(2 * reach * wide))
    weights = kernel(np.abs(centre[:, None] - indices) / wide)
    # What lies outside of the image does not count; the rest is scaled to make up for it.
    weights[(indices < 0) | (indices >= n)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(indices, 0, n - 1), weights.astype(np.float32)


def _turned(taps: Taps, n: int) -> Taps:
    """Return the taps of the gradient: for each of n inputs, the outputs that it went into."""
    indices, weights = taps
    outputs, tap = np.nonzero(weights)
    inputs = indices[outputs, tap]
    order = np.argsort(inputs, kind="stable")
    inputs, outputs, tap = inputs[order], outputs[order], tap[order]
    counts = np.bincount(inputs, minlength=n)
    place = np.arange(len(inputs)) - np.repeat(np.cumsum(counts) - counts, counts)
    turned = np.zeros((n, counts.max()), np.intp), np.zeros((n, counts.max()), np.float32)
    turned[0][inputs, place] = outputs
    turned[1][inputs, place] = weights[outputs, tap]
    return turned


def _apply(x: Float32, taps: tuple[Taps, Taps]) -> Float32:
    """Return x (N, H, W, C) with both axes mapped, a few images at a time."""
    rows, columns = taps
    shape = (x.shape[0], len(rows[0]), len(columns[0]), x.shape[3])
    y = np.empty(shape, np.float32)
    step = max(1, _BLOCK // max(1, math.prod(shape[1:])))
    for start in range(0, len(x), step):
        images = slice(start, start + step)
        y[images] = _along(_along(x[images], 1, rows), 2, columns)
    return y


def _along(x: Float32, axis: int, taps: Taps) -> Float32:
    """Return x with one axis mapped, the taps added up in order."""
    indices, weights = taps
    column = (-1,) + (1,) * (x.ndim - 1 - axis)
    y = None
    for t in range(indices.shape[1]):
        part = x.take(indices[:, t], axis=axis)
        if indices.shape[1] > 1 or (weights != 1).any():
            part *= weights[:, t].reshape(column)
        y = part if y is None else np.add(y, part, out=y)
    assert y is not None
    return y
