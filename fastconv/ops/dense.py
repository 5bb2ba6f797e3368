"""Matrix products: Dense and its gradients, and matmul."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import matmul as driver
from . import checks, memory
from .activation import activation as apply_activation
from .fusion import split_activation

Float32 = NDArray[np.float32]


def dense(x: Any, kernel: Any, bias: Any = None, *, activation: str | None = None) -> Float32:
    """Matrix product on the last axis.

    Parameters
    ----------
    x : float32 array (..., K)
    kernel : float32 array (K, F)
    bias : float32 array (F,), optional
    activation : str, optional
        Applied to the result; "relu" and "relu6" while it is stored.

    Returns
    -------
    y : float32 array (..., F)
        Bit for bit the same for any number of threads, and for a row in any batch.

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "dense"
    x = checks.as_float32(where, "x", x)
    kernel = checks.as_float32(where, "kernel", kernel, 2)
    if x.ndim < 1 or x.shape[-1] != kernel.shape[0]:
        raise ValueError(f"{where}: x {x.shape} does not fit kernel {kernel.shape}.")
    if bias is not None:
        bias = checks.as_float32(where, "bias", bias)
        if bias.shape != kernel.shape[1:]:
            raise ValueError(f"{where}: bias must have shape {kernel.shape[1:]}, got {bias.shape}.")
    code, left = split_activation(activation)
    y = memory.empty((*x.shape[:-1], kernel.shape[1]))
    driver.matmul(_rows(x), kernel, _rows(y), bias, code)
    return y if left is None else apply_activation(y, left)


def dense_backward_input(dy: Any, kernel: Any) -> Float32:
    """Gradient of dense for its input.

    Parameters
    ----------
    dy : float32 array (..., F)
    kernel : float32 array (K, F)

    Returns
    -------
    dx : float32 array (..., K)
    """
    where = "dense_backward_input"
    dy = checks.as_float32(where, "dy", dy)
    kernel = checks.as_float32(where, "kernel", kernel, 2)
    if dy.ndim < 1 or dy.shape[-1] != kernel.shape[1]:
        raise ValueError(f"{where}: dy {dy.shape} does not fit kernel {kernel.shape}.")
    dx = memory.empty((*dy.shape[:-1], kernel.shape[0]))
    driver.matmul(_rows(dy), kernel.T, _rows(dx))
    return dx


def dense_backward_filter(x: Any, dy: Any) -> Float32:
    """Gradient of dense for its kernel.

    Parameters
    ----------
    x : float32 array (..., K)
    dy : float32 array (..., F)

    Returns
    -------
    dkernel : float32 array (K, F)
        Bit for bit the same for any number of threads.
    """
    where = "dense_backward_filter"
    x = checks.as_float32(where, "x", x)
    dy = checks.as_float32(where, "dy", dy)
    if x.ndim < 1 or x.shape[:-1] != dy.shape[:-1]:
        raise ValueError(
            f"{where}: x {x.shape} and dy {dy.shape} must agree but for the last axis."
        )
    dkernel = memory.empty((x.shape[-1], dy.shape[-1]))
    driver.matmul(_rows(x).T, _rows(dy), dkernel)
    return dkernel


def matmul(a: Any, b: Any) -> Float32:
    """Matrix product of two matrices.

    Parameters
    ----------
    a : float32 array (M, K)
        Any strides: a transposed view is read as it lies.
    b : float32 array (K, N)

    Returns
    -------
    c : float32 array (M, N)

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "matmul"
    a, b = _strided(where, "a", a), _strided(where, "b", b)
    if a.shape[1] != b.shape[0]:
        raise ValueError(f"{where}: a {a.shape} and b {b.shape} must agree on the summed axis.")
    if b.strides[0] != b.itemsize and b.strides[1] != b.itemsize:
        b = np.ascontiguousarray(b)
    c = memory.empty((a.shape[0], b.shape[1]))
    driver.matmul(a, b, c)
    return c


def _strided(where: str, name: str, x: Any) -> Float32:
    """Return a float32 matrix, as it lies when its strides are whole, forward elements."""
    plain = (
        isinstance(x, np.ndarray)
        and x.dtype == np.float32
        and x.dtype.isnative
        and x.flags.aligned
        and x.ndim == 2
        and all(stride % 4 == 0 for stride in x.strides)
    )
    return x if plain else checks.as_float32(where, name, x, 2)


def _rows(x: Float32) -> Float32:
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
