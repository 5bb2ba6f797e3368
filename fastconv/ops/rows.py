"""Rows of an array: gathering them, and summing them up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import normalization
from ..kernels import rows as kernels
from . import checks

Float32 = NDArray[np.float32]


def take_rows(x: Any, indices: Any) -> Float32:
    """Return x[indices] as float32: a batch of samples, in any order.

    Parameters
    ----------
    x : array (N, ...) of numbers
        Contiguous floats, integers and booleans are converted while they are copied.
    indices : integer array (M,)
        From 0 to N - 1.

    Returns
    -------
    y : float32 array (M, ...)

    Raises
    ------
    TypeError
        x does not hold real numbers, or indices are not integers.
    ValueError
        An index is out of range, or x has no axis.
    """
    x = np.asarray(x)
    indices = np.asarray(indices)
    if x.ndim == 0:
        raise ValueError("take_rows: x must have at least one dimension, got a number.")
    if indices.ndim != 1:
        raise ValueError(f"take_rows: indices must have shape (M,), got {indices.shape}.")
    if indices.dtype.kind not in "iu" and indices.size:
        raise TypeError(f"take_rows: indices must be integers, got dtype {indices.dtype}.")
    indices = np.ascontiguousarray(indices, np.int64)
    wrong = kernels.first_outside(indices, len(x))
    if wrong >= 0:
        raise ValueError(
            f"take_rows: indices must be in [0, {len(x)}), got {indices[wrong]} at position "
            f"{wrong}."
        )
    return Rows(RowSource(x), indices).array()


class RowSource:
    """An array that rows are taken from again and again: looked over once.

    Parameters
    ----------
    x : array (N, ...) of numbers

    Attributes
    ----------
    shape : tuple of int
        Of a row.
    code, bytes : int, uint8 array; or None
        What the kernel reads it by, if it can.
    """

    def __init__(self, x: np.ndarray) -> None:
        self.shape = x.shape[1:]
        self.x = x
        known = x.dtype.isnative and x.flags.c_contiguous and x.flags.aligned
        self.code = kernels.SOURCES.get(x.dtype.name) if known else None
        self.bytes = None if self.code is None else x.reshape(-1).view(np.uint8)


class Rows:
    """Rows of an array that are still to be gathered, wherever they are wanted.

    Parameters
    ----------
    source : RowSource
    indices : int64 array (M,)
        Trusted.

    Attributes
    ----------
    shape : tuple of int
        (M, ...)
    """

    __slots__ = ("_indices", "_source", "shape")

    def __init__(self, source: RowSource, indices: NDArray[np.int64]) -> None:
        self._source = source
        self._indices = indices
        self.shape = (len(indices), *source.shape)

    def into(self, y: Float32) -> None:
        """Write the rows to an array of their shape."""
        source = self._source
        if source.code is None or source.bytes is None:
            y[...] = checks.as_float32("take_rows", "x", source.x[self._indices])
        elif y.size:
            kernels.take_rows(source.bytes, source.code, self._indices, y.reshape(len(y), -1))

    def array(self) -> Float32:
        """Return the rows as a float32 array."""
        y = np.empty(self.shape, np.float32)
        self.into(y)
        return y


_INT64 = np.dtype(np.int64)


def as_classes(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Return labels of any integer type as a flat array that kernels read: itself, if it is one."""
    if labels.dtype is _INT64 and labels.strides == (8,):
        return labels
    return np.ascontiguousarray(labels, np.int64).reshape(-1)


def total(x: Any) -> float:
    """Return the sum of all elements, added up in double precision in a fixed order."""
    return kernels.total(checks.as_float32("total", "x", x).reshape(-1))


def bias_backward(dy: Any) -> Float32:
    """Return the sum of dy (..., F) over all but the last axis: dbias, float32 (F,).

    Raises
    ------
    ValueError
        dy is a number, without an axis.
    """
    dy = checks.as_float32("bias_backward", "dy", dy)
    if dy.ndim == 0:
        raise ValueError("bias_backward: dy must have at least one dimension, got a number.")
    dbias = np.empty(dy.shape[-1], np.float32)
    normalization.channel_sums(dy.reshape(-1), dbias)
    return dbias
