"""Pooling over one to three axes, by the drivers for two.

One axis is the width of images of one row. Of three, height and width are pooled within each slice
of the depth, then the depth: a maximum of maxima, a mean of means over equally many. The first
slice with the maximum, and the first place in it, is the first maximum in row-major order, so
gradients go where they would if all axes were pooled at once.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import checks, pooling
from .windows import windows

Float32 = NDArray[np.float32]
Shape = tuple[int, ...]


class _Pass(NamedTuple):
    """Images (N, H, W, C), the windows on them, and the images of the results."""

    image: Shape
    window: tuple[int, int]
    strides: tuple[int, int]
    result: Shape


def _passes(
    where: str, shape: Shape, pool_size: Any, strides: Any, padding: Any
) -> tuple[list[_Pass], Shape]:
    """Return the passes over an x of `shape`, and the shape of the result of the last."""
    rank = len(shape) - 2
    if not 1 <= rank <= 3:
        raise ValueError(f"{where}: x must have one to three spatial axes, got shape {shape}.")
    size = checks.as_tuple(where, "pool_size", pool_size, rank)
    steps = size if strides is None else checks.as_tuple(where, "strides", strides, rank)
    n, c = shape[0], shape[-1]
    image = (n, 1, shape[1], c) if rank == 1 else (prod(shape[: rank - 1]), *shape[rank - 1 :])
    # What is missing in front of the sizes of one axis belongs to the one row.
    passes = [_make_pass(where, image, (1, *size)[-2:], (1, *steps)[-2:], padding)]
    spatial = passes[0].result[1:3][-rank:]
    if rank == 3:
        image = (n, shape[1], prod(spatial), c)
        passes.append(_make_pass(where, image, (size[0], 1), (steps[0], 1), padding))
        spatial = (passes[1].result[1], *spatial)
    return passes, (n, *spatial, c)


def _make_pass(where: str, image: Shape, size: Shape, strides: Shape, padding: Any) -> _Pass:
    w = windows(where, image, size, strides, padding)
    return _Pass(image, w.size, w.strides, (image[0], *w.output, image[3]))


def max_pool(
    x: Any,
    pool_size: Any = 2,
    *,
    strides: Any = None,
    padding: str = "valid",
    return_argmax: bool = False,
) -> Any:
    """Maximum of each window of each channel.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
        One to three spatial axes.
    pool_size : int or one int for each spatial axis
    strides : int or one int for each spatial axis, optional
        Default: `pool_size`.
    padding : "valid" or "same"
        Padding never wins. A NaN in a window makes the result NaN.
    return_argmax : bool
        Also return what `max_pool_backward` needs.

    Returns
    -------
    y : float32 array (N, *outputs, C)
    argmax : tuple of integer arrays
        Only with `return_argmax`.

    Raises
    ------
    ValueError
        An argument is out of range, or the output would be empty.
    """
    where = "max_pool"
    x = checks.as_float32(where, "x", x)
    passes, result = _passes(where, x.shape, pool_size, strides, padding)
    positions = []
    for p in passes:
        x = x.reshape(p.image)
        x = pooling.max_pool2d(
            x, p.window, strides=p.strides, padding=padding, return_argmax=return_argmax
        )
        if return_argmax:
            x, argmax = x
            positions.append(argmax)
    y = x.reshape(result)
    return (y, tuple(positions)) if return_argmax else y


def max_pool_backward(
    dy: Any,
    argmax: tuple[NDArray[Any], ...],
    input_shape: Any,
    pool_size: Any = 2,
    *,
    strides: Any = None,
    padding: str = "valid",
) -> Float32:
    """Gradient of `max_pool` for its input: all of dy goes to the first maximum of its window.

    Parameters
    ----------
    dy : float32 array (N, *outputs, C)
    argmax : tuple of integer arrays
        As `max_pool` returned it.
    input_shape : (N, *spatial, C)
        Shape of the x that was pooled.
    pool_size, strides, padding
        As `max_pool` got them.

    Returns
    -------
    dx : float32 array (N, *spatial, C)

    Raises
    ------
    ValueError
        Shapes do not fit together.
    """
    where = "max_pool_backward"
    shape, dy, passes = _check_backward(where, dy, input_shape, pool_size, strides, padding)
    for p, positions in zip(reversed(passes), reversed(argmax), strict=True):
        dy = pooling.max_pool2d_backward(
            dy.reshape(p.result), positions, p.image, p.window, strides=p.strides, padding=padding
        )
    dx: Float32 = dy.reshape(shape)
    return dx


def average_pool(x: Any, pool_size: Any, *, strides: Any = None, padding: str = "valid") -> Float32:
    """Mean of each window of each channel; padding is not counted.

    Parameters
    ----------
    x : float32 array (N, *spatial, C)
        One to three spatial axes.
    pool_size : int or one int for each spatial axis
    strides : int or one int for each spatial axis, optional
        Default: `pool_size`.
    padding : "valid" or "same"

    Returns
    -------
    y : float32 array (N, *outputs, C)

    Raises
    ------
    ValueError
        An argument is out of range, or the output would be empty.
    """
    where = "average_pool"
    x = checks.as_float32(where, "x", x)
    passes, result = _passes(where, x.shape, pool_size, strides, padding)
    for p in passes:
        x = pooling.average_pool2d(x.reshape(p.image), p.window, strides=p.strides, padding=padding)
    y: Float32 = x.reshape(result)
    return y


def average_pool_backward(
    dy: Any, input_shape: Any, pool_size: Any, *, strides: Any = None, padding: str = "valid"
) -> Float32:
    """Gradient of `average_pool` for its input.

    Parameters
    ----------
    dy : float32 array (N, *outputs, C)
    input_shape : (N, *spatial, C)
        Shape of the x that was pooled.
    pool_size, strides, padding
        As `average_pool` got them.

    Returns
    -------
    dx : float32 array (N, *spatial, C)

    Raises
    ------
    ValueError
        Shapes do not fit together.
    """
    where = "average_pool_backward"
    shape, dy, passes = _check_backward(where, dy, input_shape, pool_size, strides, padding)
    for p in reversed(passes):
        dy = pooling.average_pool2d_backward(
            dy.reshape(p.result), p.image, p.window, strides=p.strides, padding=padding
        )
    dx: Float32 = dy.reshape(shape)
    return dx


def _check_backward(
    where: str, dy: Any, input_shape: Any, pool_size: Any, strides: Any, padding: Any
) -> tuple[Shape, Float32, list[_Pass]]:
    """Return the checked input shape and dy, and the passes of the forward direction."""
    shape = checks.as_tuple(where, "input_shape", input_shape, len(input_shape), minimum=0)
    passes, result = _passes(where, shape, pool_size, strides, padding)
    dy = checks.as_float32(where, "dy", dy)
    if dy.shape != result:
        raise ValueError(f"{where}: dy must have shape {result}, got {dy.shape}.")
    return shape, dy, passes
