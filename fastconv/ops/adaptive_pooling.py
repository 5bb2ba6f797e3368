"""Adaptive pooling: as many outputs as asked for, over one to three axes, from windows that differ.

Output i of o along an axis of size n pools floor(i * n / o) up to ceil((i + 1) * n / o). Axes are
pooled one after the other, the last first, so that the first maximum in row-major order counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import checks, pooling

Float32 = NDArray[np.float32]
Shape = tuple[int, ...]


class _Part(NamedTuple):
    """Outputs along an axis that have a window of one size, side by side, and their inputs."""

    inputs: slice
    outputs: slice
    window: tuple[int, int]


class _Axis(NamedTuple):
    """One axis to pool: the images that x is seen as, the axis first, and those of the result."""

    image: Shape
    result: Shape

    def parts(self) -> list[_Part]:
        """Return the windows, as many at a time as have one size and do not overlap."""
        n, o = self.image[1], self.result[1]
        if n % o == 0:
            return [_Part(slice(0, n), slice(0, o), (n // o, 1))]
        bounds = [(i * n // o, -(-(i + 1) * n // o)) for i in range(o)]
        return [
            _Part(slice(start, stop), slice(i, i + 1), (stop - start, 1))
            for i, (start, stop) in enumerate(bounds)
        ]


def adaptive_max_pool(x: Any, output_size: Any, *, return_argmax: bool = False) -> Any:
    """Maximum of each of `output_size` windows.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
        One to three spatial axes.
    output_size : int or one int for each spatial axis
    return_argmax : bool
        Also return what `adaptive_max_pool_backward` needs.

    Returns
    -------
    y : float32 array (N, *output_size, C)
    argmax : tuple of integer arrays
        Only with `return_argmax`.

    Raises
    ------
    ValueError
        An axis of x is empty, or an argument is out of range.
    """
    where = "adaptive_max_pool"
    x = checks.as_float32(where, "x", x)
    axes = _axes(where, x.shape, output_size)
    if not return_argmax:
        return _pool(axes, x, pooling.max_pool2d)
    positions: list[NDArray[Any]] = []

    def pool(part: Float32, window: tuple[int, int]) -> Any:
        y, argmax = pooling.max_pool2d(part, window, return_argmax=True)
        positions.append(argmax)
        return y

    return _pool(axes, x, pool), tuple(positions)


def adaptive_max_pool_backward(
    dy: Any, argmax: Sequence[NDArray[Any]], input_shape: Any, output_size: Any
) -> Float32:
    """Gradient of `adaptive_max_pool` for its input: dy goes to the first maximum of its window."""
    where = "adaptive_max_pool_backward"
    positions = list(argmax)
    return _backward(
        where, dy, input_shape, output_size,
        lambda dy, shape, window: pooling.max_pool2d_backward(dy, positions.pop(), shape, window),
    )  # fmt: skip


def adaptive_average_pool(x: Any, output_size: Any) -> Float32:
    """Mean of each of `output_size` windows.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
        One to three spatial axes.
    output_size : int or one int for each spatial axis

    Returns
    -------
    y : float32 array (N, *output_size, C)

    Raises
    ------
    ValueError
        An axis of x is empty, or an argument is out of range.
    """
    where = "adaptive_average_pool"
    x = checks.as_float32(where, "x", x)
    return _pool(_axes(where, x.shape, output_size), x, pooling.average_pool2d)


def adaptive_average_pool_backward(dy: Any, input_shape: Any, output_size: Any) -> Float32:
    """Gradient of `adaptive_average_pool` for its input."""
    where = "adaptive_average_pool_backward"
    return _backward(where, dy, input_shape, output_size, pooling.average_pool2d_backward)


def _axes(where: str, shape: Shape, output_size: Any) -> list[_Axis]:
    """Return the axes in the order in which they are pooled, the last spatial axis first."""
    rank = len(shape) - 2
    if not 1 <= rank <= 3:
        raise ValueError(f"{where}: x must have one to three spatial axes, got shape {shape}.")
    if 0 in shape[1:-1]:
        raise ValueError(f"{where}: spatial axes must not be empty, got shape {shape}.")
    outputs = checks.as_tuple(where, "output_size", output_size, rank)
    axes = []
    for a in reversed(range(rank)):
        before, behind = prod(shape[: a + 1]), prod(outputs[a + 1 :])
        image = (before, shape[a + 1], behind, shape[-1])
        axes.append(_Axis(image, (before, outputs[a], behind, shape[-1])))
    return axes


def _pool(axes: list[_Axis], x: Float32, pool: Callable[..., Any]) -> Float32:
    """Return x pooled along all axes; `pool(part, window)` does it for a part of one axis."""
    n = x.shape[0]
    for axis in axes:
        y = np.empty(axis.result, np.float32)
        for part in axis.parts():
            y[:, part.outputs] = pool(x.reshape(axis.image)[:, part.inputs], part.window)
        x = y
    outputs = (axis.result[1] for axis in reversed(axes))
    return x.reshape(n, *outputs, x.shape[-1])


def _backward(
    where: str, dy: Any, input_shape: Any, output_size: Any, unpool: Callable[..., Float32]
) -> Float32:
    """Return the gradient of `_pool`, everything in reverse."""
    shape = checks.as_tuple(where, "input_shape", input_shape, len(input_shape), minimum=0)
    axes = _axes(where, shape, output_size)
    expected = (shape[0], *(axis.result[1] for axis in reversed(axes)), shape[-1])
    gradient = checks.as_float32(where, "dy", dy)
    if gradient.shape != expected:
        raise ValueError(f"{where}: dy must have shape {expected}, got {gradient.shape}.")
    for axis in reversed(axes):
        gradient = gradient.reshape(axis.result)
        dx = np.zeros(axis.image, np.float32)
        for part in reversed(axis.parts()):
            size = (axis.image[0], part.inputs.stop - part.inputs.start, *axis.image[2:])
            dx[:, part.inputs] += unpool(gradient[:, part.outputs], size, part.window)
        gradient = dx
    return gradient.reshape(shape)
