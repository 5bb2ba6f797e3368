"""im2col and its adjoint col2im as functions of their own: the whole matrix, to teach and test."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks
from .algorithms.problem import ConvProblem
from .algorithms.views import fold_driver
from .conv2d import make_problem

Float32 = NDArray[np.float32]


def im2col(
    x: Any,
    kernel_size: Any,
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
) -> Float32:
    """Unfold image patches into rows, so that a convolution becomes one matrix product.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    kernel_size : int or (KH, KW)
    strides, padding, dilation
        As in conv2d.

    Returns
    -------
    columns : float32 array (N * OH * OW, KH * KW * C)
        conv2d(x, kernel) == columns @ kernel.reshape(-1, F), up to the order of sums. The matrix is
        KH * KW times as large as x; conv2d itself never builds it.
    """
    x = checks.as_float32("im2col", "x", x)
    p = _patches("im2col", x.shape, kernel_size, strides, padding, dilation)
    columns = np.empty((p.N * p.OH * p.OW, p.KH * p.KW * p.C), np.float32)
    fold_driver(p).im2col(x.reshape(-1), columns.reshape(-1))
    return columns


def col2im(
    columns: Any,
    input_shape: tuple[int, int, int, int],
    kernel_size: Any,
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
) -> Float32:
    """Fold rows back into an image, adding where patches overlap: the adjoint of im2col.

    Parameters
    ----------
    columns : float32 array (N * OH * OW, KH * KW * C)
    input_shape : (N, H, W, C)
    kernel_size, strides, padding, dilation
        As in im2col.

    Returns
    -------
    x : float32 array (N, H, W, C)

    Raises
    ------
    ValueError
        `columns` does not have the shape that im2col gives.
    """
    where = "col2im"
    columns = checks.as_float32(where, "columns", columns)
    shape = checks.as_tuple(where, "input_shape", input_shape, 4, minimum=0)
    p = _patches(where, shape, kernel_size, strides, padding, dilation)
    expected = (p.N * p.OH * p.OW, p.KH * p.KW * p.C)
    if columns.shape != expected:
        raise ValueError(f"{where}: columns must have shape {expected}, got {columns.shape}.")
    x = np.empty(p.x_shape, np.float32)
    fold_driver(p).col2im(columns.reshape(-1), x.reshape(-1))
    return x


def _patches(
    where: str, shape: tuple[int, ...], kernel_size: Any, strides: Any, padding: Any, dilation: Any
) -> ConvProblem:
    if len(shape) != 4:
        raise ValueError(f"{where}: x must have shape (N, H, W, C), got {shape}.")
    window = checks.as_pair(where, "kernel_size", kernel_size)
    kernel_shape = (*window, max(shape[3], 1), 1)
    return make_problem(where, shape, kernel_shape, strides, padding, dilation, 1)
