"""Pooling and zero padding. Windows are clipped to the image: padding is never read nor counted."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import pooling as kernels
from . import checks, memory
from .windows import Windows, windows

Float32 = NDArray[np.float32]
Positions = NDArray[np.int8] | NDArray[np.int32]


def _geometry(w: Windows) -> tuple[int, int, int, int, int, int]:
    """Return (KH, KW, SH, SW, PT, PL), as the drivers want it."""
    return (*w.size, *w.strides, *w.before)


def _position_dtype(w: Windows) -> np.dtype[Any]:
    return np.dtype(np.int8 if w.size[0] * w.size[1] <= 128 else np.int32)


def _as_bytes(positions: NDArray[Any]) -> NDArray[Any]:
    """Return a view (N, OH, OW, bytes of C positions), which the drivers take for both dtypes."""
    return positions if positions.dtype == np.int8 else positions.view(np.int8)


def _as_input_shape(where: str, value: Any) -> tuple[int, int, int, int]:
    shape = checks.as_tuple(where, "input_shape", value, 4, minimum=0)
    return shape[0], shape[1], shape[2], shape[3]


def _check_shape(where: str, name: str, array: NDArray[Any], expected: tuple[int, ...]) -> None:
    if array.shape != expected:
        raise ValueError(f"{where}: {name} must have shape {expected}, got {array.shape}.")


def max_pool2d(
    x: Any,
    pool_size: Any = (2, 2),
    *,
    strides: Any = None,
    padding: Any = "valid",
    return_argmax: bool = False,
) -> Any:
    """Maximum of each window of each channel.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    pool_size : int or (KH, KW)
    strides : int or (SH, SW), optional
        Default: `pool_size`.
    padding : "valid", "same" or ((top, bottom), (left, right))
        Padding counts as -inf. A NaN in a window makes the result NaN.
    return_argmax : bool
        Also return what `max_pool2d_backward` needs.

    Returns
    -------
    y : float32 array (N, OH, OW, C)
    argmax : int8 (int32 for windows of more than 128 pixels) array (N, OH, OW, C)
        Only with `return_argmax`: kh * KW + kw of the first maximum (or first NaN) of the window
        in row-major order, -1 where the window holds nothing but padding.

    Raises
    ------
    ValueError
        `x` has not four dimensions, an argument is out of range, or the output would be empty.
    """
    where = "max_pool2d"
    x = checks.as_float32(where, "x", x, 4)
    w = windows(where, x.shape, pool_size, strides, padding)
    y = memory.empty((x.shape[0], *w.output, x.shape[3]))
    if not return_argmax:
        kernels.max_pool2d(x, y, None, _geometry(w))
        return y
    argmax = np.empty(y.shape, _position_dtype(w))
    kernels.max_pool2d(x, y, _as_bytes(argmax), _geometry(w))
    return y, argmax


def max_pool2d_backward(
    dy: Any,
    argmax: Any,
    input_shape: Any,
    pool_size: Any = (2, 2),
    *,
    strides: Any = None,
    padding: Any = "valid",
) -> Float32:
    """Gradient of `max_pool2d` for its input: all of dy goes to the first maximum of its window.

    Parameters
    ----------
    dy : float32 array (N, OH, OW, C)
    argmax : integer array (N, OH, OW, C)
        As `max_pool2d` returned it.
    input_shape : (N, H, W, C)
        Shape of the x that was pooled.
    pool_size, strides, padding
        As `max_pool2d` got them.

    Returns
    -------
    dx : float32 array (N, H, W, C)

    Raises
    ------
    ValueError
        Shapes do not fit together.
    """
    where = "max_pool2d_backward"
    shape = _as_input_shape(where, input_shape)
    w = windows(where, shape, pool_size, strides, padding)
    expected = (shape[0], *w.output, shape[3])
    dy = checks.as_float32(where, "dy", dy, 4)
    _check_shape(where, "dy", dy, expected)
    argmax = np.ascontiguousarray(argmax, _position_dtype(w))
    _check_shape(where, "argmax", argmax, expected)
    dx = memory.empty(shape)
    kernels.max_pool2d_backward(dy, _as_bytes(argmax), dx, _geometry(w))
    return dx


def average_pool2d(
    x: Any, pool_size: Any = (2, 2), *, strides: Any = None, padding: Any = "valid"
) -> Float32:
    """Mean of the pixels of each window of each channel; padding is not counted.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    pool_size : int or (KH, KW)
    strides : int or (SH, SW), optional
        Default: `pool_size`.
    padding : "valid", "same" or ((top, bottom), (left, right))

    Returns
    -------
    y : float32 array (N, OH, OW, C)
        NaN where a window holds nothing but padding.

    Raises
    ------
    ValueError
        `x` has not four dimensions, an argument is out of range, or the output would be empty.
    """
    where = "average_pool2d"
    x = checks.as_float32(where, "x", x, 4)
    w = windows(where, x.shape, pool_size, strides, padding)
    y = memory.empty((x.shape[0], *w.output, x.shape[3]))
    kernels.average_pool2d(x, y, _geometry(w))
    return y


def average_pool2d_backward(
    dy: Any,
    input_shape: Any,
    pool_size: Any = (2, 2),
    *,
    strides: Any = None,
    padding: Any = "valid",
) -> Float32:
    """Gradient of `average_pool2d` for its input.

    Parameters
    ----------
    dy : float32 array (N, OH, OW, C)
    input_shape : (N, H, W, C)
        Shape of the x that was pooled.
    pool_size, strides, padding
        As `average_pool2d` got them.

    Returns
    -------
    dx : float32 array (N, H, W, C)

    Raises
    ------
    ValueError
        Shapes do not fit together.
    """
    where = "average_pool2d_backward"
    shape = _as_input_shape(where, input_shape)
    w = windows(where, shape, pool_size, strides, padding)
    dy = checks.as_float32(where, "dy", dy, 4)
    _check_shape(where, "dy", dy, (shape[0], *w.output, shape[3]))
    dx = memory.empty(shape)
    kernels.average_pool2d_backward(dy, dx, _geometry(w))
    return dx


def global_average_pool2d(x: Any) -> Float32:
    """Mean over the pixels of each image: (N, H, W, C) to (N, C).

    Rows are added up one by one, then their sums: neither the batch nor threads change a bit.

    Raises
    ------
    ValueError
        `x` has not four dimensions, or no pixels.
    """
    x = checks.as_float32("global_average_pool2d", "x", x, 4)
    return average_pool2d(x, x.shape[1:3]).reshape(x.shape[0], x.shape[3])


def global_average_pool2d_backward(dy: Any, input_shape: Any) -> Float32:
    """Gradient of `global_average_pool2d`: dy (N, C) / (H * W) in every pixel of `input_shape`.

    Raises
    ------
    ValueError
        Shapes do not fit together.
    """
    where = "global_average_pool2d_backward"
    dy = checks.as_float32(where, "dy", dy, 2)
    shape = _as_input_shape(where, input_shape)
    return average_pool2d_backward(dy[:, None, None], shape, shape[1:3])


def global_max_pool2d(x: Any, *, return_argmax: bool = False) -> Any:
    """Maximum over the pixels of each image: (N, H, W, C) to (N, C).

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    return_argmax : bool
        Also return what `global_max_pool2d_backward` needs.

    Returns
    -------
    y : float32 array (N, C)
    argmax : int8 (int32 for images of more than 128 pixels) array (N, C)
        Only with `return_argmax`: h * W + w of the first maximum (or first NaN).

    Raises
    ------
    ValueError
        `x` has not four dimensions, or no pixels.
    """
    x = checks.as_float32("global_max_pool2d", "x", x, 4)
    shape = x.shape[0], x.shape[3]
    if not return_argmax:
        return max_pool2d(x, x.shape[1:3]).reshape(shape)
    y, argmax = max_pool2d(x, x.shape[1:3], return_argmax=True)
    return y.reshape(shape), argmax.reshape(shape)


def global_max_pool2d_backward(dy: Any, argmax: Any, input_shape: Any) -> Float32:
    """Gradient of `global_max_pool2d`: dy (N, C) at `argmax`, zeros elsewhere.

    Raises
    ------
    ValueError
        Shapes do not fit together.
    """
    where = "global_max_pool2d_backward"
    dy = checks.as_float32(where, "dy", dy, 2)
    shape = _as_input_shape(where, input_shape)
    argmax = np.asarray(argmax)
    _check_shape(where, "argmax", argmax, dy.shape)
    return max_pool2d_backward(dy[:, None, None], argmax[:, None, None], shape, shape[1:3])


def zero_pad2d(x: Any, padding: Any) -> Float32:
    """Images with rows and columns of zeros around them.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    padding : ((top, bottom), (left, right))

    Returns
    -------
    y : float32 array (N, top + H + bottom, left + W + right, C)

    Raises
    ------
    ValueError
        `x` has not four dimensions, or `padding` is not two pairs of integers >= 0.
    """
    where = "zero_pad2d"
    x = checks.as_float32(where, "x", x, 4)
    N, H, W, C = x.shape
    try:
        rows, cols = padding
        top, bottom = checks.as_pair(where, "padding", rows, 0)
        left, right = checks.as_pair(where, "padding", cols, 0)
    except (TypeError, ValueError):
        raise ValueError(
            f"{where}: padding must be ((top, bottom), (left, right)) of integers >= 0, "
            f"got {padding!r}."
        ) from None
    y = np.empty((N, top + H + bottom, left + W + right, C), np.float32)
    kernels.zero_pad2d(x, y, top, left)
    return y
