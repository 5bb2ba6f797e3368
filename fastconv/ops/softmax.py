"""Softmax and its kin along an axis, and their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import rows
from . import checks
from .axes import AxesLast

Float32 = NDArray[np.float32]


def softmax(x: Any, axis: int = -1) -> Float32:
    """Return e^x divided by its sum over an axis, without overflow.

    Parameters
    ----------
    x : float32 array of at least one dimension
    axis : int

    Returns
    -------
    y : float32 array, shaped like x

    Raises
    ------
    ValueError
        There is no such axis.
    """
    return _by_rows("softmax", rows.softmax, axis, x=x)


def softmax_backward(dy: Any, y: Any, axis: int = -1) -> Float32:
    """Return dx of y = `softmax(x, axis)`: y * (dy - sum(dy * y)), float32."""
    return _by_rows("softmax_backward", rows.softmax_backward, axis, dy=dy, y=y)


def log_softmax(x: Any, axis: int = -1) -> Float32:
    """Return the logarithm of `softmax(x, axis)`, which neither overflows nor becomes log(0)."""
    return _by_rows("log_softmax", rows.log_softmax, axis, x=x)


def log_softmax_backward(dy: Any, y: Any, axis: int = -1) -> Float32:
    """Return dx of y = `log_softmax(x, axis)`: dy - e^y * sum(dy), float32."""
    return _by_rows("log_softmax_backward", rows.log_softmax_backward, axis, dy=dy, y=y)


def _by_rows(where: str, driver: Callable[..., None], axis: int, **named: Float32) -> Float32:
    """Run a driver of rows with its inputs' `axis` as the last one."""
    arrays = [checks.as_float32(where, name, array) for name, array in named.items()]
    shape = arrays[0].shape
    if any(array.shape != shape for array in arrays):
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"{where}: {' and '.join(named)} must have one shape, got {shapes}.")
    axis = checks.as_axis(where, axis, len(shape))
    last = AxesLast(len(shape), [axis])
    moved = [last.move(array) for array in arrays]
    result = np.empty_like(moved[0])
    if result.size:
        driver(*(array.reshape(-1, shape[axis]) for array in (*moved, result)))
    return last.back(result)


def sparsemax(x: Any, axis: int = -1) -> Float32:
    """Return the nearest point of the simplex along an axis: a softmax with zeros.

    Martins & Astudillo, "From softmax to sparsemax", arXiv:1602.02068. Keras 3.15 gives other
    numbers where more than one remains, which do not sum to 1.
    """
    x = checks.as_float32("sparsemax", "x", x)
    last = AxesLast(x.ndim, [checks.as_axis("sparsemax", axis, x.ndim)])
    rows = last.move(x).astype(np.float64)
    ordered = -np.sort(-rows, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    count = np.arange(1, rows.shape[-1] + 1)
    support = np.sum(ordered * count > sums - 1, axis=-1, keepdims=True)
    # A row with NaN is NaN, as in softmax; without it, one number at least is above tau.
    support = np.maximum(support, 1)
    tau = (np.take_along_axis(sums, support - 1, axis=-1) - 1) / support
    tau[np.isnan(rows).any(axis=-1)] = np.nan
    return last.back(np.maximum(rows - tau, 0).astype(np.float32))


def sparsemax_backward(dy: Any, y: Any, axis: int = -1) -> Float32:
    """Return dx of y = `sparsemax(x, axis)`: dy less its mean over the support, float32."""
    dy = checks.as_float32("sparsemax_backward", "dy", dy)
    y = checks.as_float32("sparsemax_backward", "y", y)
    last = AxesLast(y.ndim, [checks.as_axis("sparsemax_backward", axis, y.ndim)])
    support = last.move(y) > 0
    inside = np.where(support, last.move(dy), 0).astype(np.float64)
    mean = inside.sum(-1, keepdims=True) / np.maximum(support.sum(-1, keepdims=True), 1)
    return last.back(np.where(support, inside - mean, 0).astype(np.float32))
