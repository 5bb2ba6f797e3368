"""Zeros around arrays of images, and borders cut off: each is the gradient of the other."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks
from .pooling import zero_pad2d

Float32 = NDArray[np.float32]


def zero_pad(x: Any, padding: Any) -> Float32:
    """Put zeros before and after each spatial axis.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
    padding : a pair (before, after) for each spatial axis

    Returns
    -------
    y : float32 array (N, *larger, C)

    Raises
    ------
    ValueError
        `padding` is not as many pairs of integers >= 0.
    """
    where = "zero_pad"
    x = checks.as_float32(where, "x", x)
    if x.ndim == 4:
        return zero_pad2d(x, padding)
    pads = _as_pairs(where, "padding", padding, x.ndim - 2)
    sizes = [n + sum(pad) for n, pad in zip(x.shape[1:-1], pads, strict=True)]
    y = np.zeros((x.shape[0], *sizes, x.shape[-1]), np.float32)
    y[_inner(y.shape, pads)] = x
    return y


def crop(x: Any, cropping: Any) -> Float32:
    """Cut off the ends of each spatial axis.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
    cropping : a pair (before, after) for each spatial axis

    Returns
    -------
    y : float32 array (N, *smaller, C)

    Raises
    ------
    ValueError
        `cropping` is not as many pairs of integers >= 0, or leaves nothing.
    """
    where = "crop"
    x = checks.as_float32(where, "x", x)
    cuts = _as_pairs(where, "cropping", cropping, x.ndim - 2)
    if any(n < sum(cut) for n, cut in zip(x.shape[1:-1], cuts, strict=True)):
        raise ValueError(
            f"{where}: cropping must leave something of x, got {cuts} for shape {x.shape}."
        )
    # A copy even if nothing is cut off: ops return arrays of their own.
    return np.array(x[_inner(x.shape, cuts)], order="C")


def _as_pairs(where: str, name: str, value: Any, rank: int) -> tuple[tuple[int, int], ...]:
    try:
        pairs = tuple(checks.as_pair(where, name, pair, 0) for pair in value)
        if len(pairs) != rank:
            raise ValueError
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: {name} must be a pair (before, after) of integers >= 0 for each of {rank} "
            f"spatial axes, got {value!r}."
        ) from None
    return pairs


def _inner(shape: tuple[int, ...], pads: tuple[tuple[int, int], ...]) -> tuple[slice, ...]:
    """Return the index of what lies between the borders of an array of `shape`."""
    inner = (slice(before, n - after) for n, (before, after) in zip(shape[1:-1], pads, strict=True))
    return (slice(None), *inner)
