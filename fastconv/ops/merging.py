"""Arithmetic on several arrays, with NumPy's broadcasting, and its gradients.

All of it is bound by memory, not by arithmetic. Products of `dot` are summed without BLAS, whose
order of summation depends on the number of threads.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernels import elementwise

Float32 = NDArray[np.float32]

#: Added to nothing: the smallest square of a length that vectors are divided by.
NORM_EPSILON = np.float32(1e-12)


def unbroadcast(dy: Float32, shape: tuple[int, ...]) -> Float32:
    """Return the gradient of an array of `shape` that was broadcast to the shape of `dy`."""
    if dy.shape == shape:
        return dy
    lead = dy.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(
        lead + i for i, n in enumerate(shape) if n == 1 and dy.shape[lead + i] != 1
    )
    return np.ascontiguousarray(dy.sum(axis=axes, keepdims=True).reshape(shape), np.float32)


def add_all(xs: Sequence[Float32]) -> Float32:
    """Return x0 + x1 + ..., added in this order."""
    return functools.reduce(_add, xs)


def _add(a: Float32, b: Float32) -> Float32:
    if a.shape != b.shape or not a.dtype == b.dtype == np.float32:
        return a + b
    y = np.empty(a.shape, np.float32)
    elementwise.add(a.reshape(-1), b.reshape(-1), y.reshape(-1))
    return y


def multiply_all(xs: Sequence[Float32]) -> Float32:
    """Return x0 * x1 * ..., multiplied in this order."""
    return functools.reduce(np.multiply, xs)


def multiply_backward(dy: Float32, xs: Sequence[Float32]) -> list[Float32]:
    """Return dy times the product of all the others, for each x; zeros are no special case."""
    before = [dy]
    for x in xs[:-1]:
        before.append(before[-1] * x)
    gradients: list[Float32] = []
    after: Float32 | None = None
    for left, x in zip(reversed(before), reversed(xs), strict=True):
        gradient = left if after is None else left * after
        gradients.append(unbroadcast(gradient, x.shape))
        after = x if after is None else after * x
    return gradients[::-1]


def extreme(xs: Sequence[Float32], largest: bool) -> Float32:
    """Return the largest or smallest of each element; NaN wins."""
    return functools.reduce(np.maximum if largest else np.minimum, xs)


def extreme_backward(dy: Float32, xs: Sequence[Float32], largest: bool) -> list[Float32]:
    """Return dy for the x that is chosen, pair by pair; equal ones share it half and half."""
    best = [xs[0]]
    for x in xs[1:]:
        best.append(extreme([best[-1], x], largest))
    gradients: list[Float32] = []
    for x, other in zip(reversed(xs[1:]), reversed(best[:-1]), strict=True):
        won = (x > other) if largest else (x < other)
        share = np.where(x == other, np.float32(0.5), won.astype(np.float32))
        gradients.append(unbroadcast(dy * share, x.shape))
        dy = unbroadcast(dy * (1 - share), other.shape)
    gradients.append(unbroadcast(dy, xs[0].shape))
    return gradients[::-1]


def dot(a: Float32, b: Float32, axes: tuple[int, int]) -> Float32:
    """Sum products over one axis of each, sample by sample.

    Parameters
    ----------
    a, b : float32 arrays (N, ...)
    axes : pair of int
        The summed axis of each, counted with the batch; not 0.

    Returns
    -------
    float32 array (N, rest of a, rest of b)
    """
    left, right, out = _dot_axes(a.ndim, b.ndim, axes)
    return _sum_of_products(f"{left},{right}->{out}", a, b)


def dot_backward(
    dy: Float32, a: Float32, b: Float32, axes: tuple[int, int]
) -> tuple[Float32, Float32]:
    """Return the gradients of `dot` by its two arrays."""
    left, right, out = _dot_axes(a.ndim, b.ndim, axes)
    da = _sum_of_products(f"{out},{right}->{left}", dy, b)
    return da, _sum_of_products(f"{out},{left}->{right}", dy, a)


def _sum_of_products(subscripts: str, a: Float32, b: Float32) -> Float32:
    """Return what einsum gives, summed without BLAS."""
    return np.ascontiguousarray(np.einsum(subscripts, a, b, optimize=False), np.float32)


def _dot_axes(a_ndim: int, b_ndim: int, axes: tuple[int, int]) -> tuple[str, str, str]:
    """Return the axes of both arrays and of the result as letters, for einsum."""
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    left = letters[:a_ndim]
    right = [left[0], *letters[a_ndim : a_ndim + b_ndim - 1]]
    summed = right[axes[1]] = left[axes[0]]
    out = [c for c in (*left, *right[1:]) if c != summed]
    return left, "".join(right), "".join(out)


def unit_length(x: Float32, axis: int) -> tuple[Float32, Float32]:
    """Return vectors along an axis divided by their length, and one by that length."""
    squares = np.square(x).sum(axis=axis, keepdims=True)
    inverse = 1 / np.sqrt(np.maximum(squares, NORM_EPSILON))
    return x * inverse, inverse


def unit_length_backward(dy: Float32, y: Float32, inverse: Float32, axis: int) -> Float32:
    """Return the gradient of `unit_length`, given its results."""
    along = (dy * y).sum(axis=axis, keepdims=True)
    # A vector shorter than the smallest length is only scaled.
    along = np.where(inverse >= 1 / np.sqrt(NORM_EPSILON), np.float32(0), along)
    return (dy - y * along) * inverse
