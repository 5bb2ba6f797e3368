"""Batch normalisation over all axes but the last, and its gradients.

Ioffe & Szegedy, "Batch normalization: accelerating deep network training by reducing internal
covariate shift", ICML 2015.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import normalization
from . import checks

Float32 = NDArray[np.float32]


def batch_norm(
    x: Any,
    gamma: Any,
    beta: Any,
    mean: Any,
    variance: Any,
    epsilon: float = 1e-3,
) -> Float32:
    """Normalise each channel with given statistics.

    Parameters
    ----------
    x : float32 array (..., C)
    gamma, beta : float32 array (C,) or None
        None stands for 1 and 0.
    mean, variance : float32 array (C,)
    epsilon : float

    Returns
    -------
    y : float32 array, shaped like x
        (x - mean) / sqrt(variance + epsilon) * gamma + beta

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    x = _as_input("batch_norm", "x", x)
    gamma, beta, mean, variance = _by_channel(
        "batch_norm", x, gamma=gamma, beta=beta, mean=mean, variance=variance
    )
    y = np.empty(x.shape, np.float32)
    normalization.batch_norm(x.reshape(-1), gamma, beta, mean, variance, epsilon, y.reshape(-1))
    return y


def batch_norm_train(
    x: Any,
    gamma: Any,
    beta: Any,
    epsilon: float = 1e-3,
) -> tuple[Float32, Float32, Float32]:
    """Normalise each channel with the statistics of the batch.

    Parameters
    ----------
    x : float32 array (..., C), at least one row
    gamma, beta : float32 array (C,) or None
    epsilon : float

    Returns
    -------
    y : float32 array, shaped like x
        The same bits as `batch_norm(x, gamma, beta, mean, variance, epsilon)`.
    mean : float32 array (C,)
    variance : float32 array (C,)
        Biased: the mean of (x - mean)^2.

    Raises
    ------
    ValueError
        The shapes do not fit together, or x is empty.
    """
    x = _as_input("batch_norm_train", "x", x)
    gamma, beta = _by_channel("batch_norm_train", x, gamma=gamma, beta=beta)
    if x.size == 0:
        raise ValueError(f"batch_norm_train: x has no rows to average, got shape {x.shape}.")
    y = np.empty(x.shape, np.float32)
    mean = np.empty(x.shape[-1], np.float32)
    variance = np.empty(x.shape[-1], np.float32)
    normalization.batch_norm_train(
        x.reshape(-1), gamma, beta, epsilon, y.reshape(-1), mean, variance
    )
    return y, mean, variance


def batch_norm_backward(
    dy: Any,
    x: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    epsilon: float = 1e-3,
) -> tuple[Float32, Float32, Float32]:
    """Gradients of `batch_norm_train`, through the statistics too.

    Parameters
    ----------
    dy, x : float32 array (..., C)
    gamma : float32 array (C,) or None
    mean, variance : float32 array (C,)
        What `batch_norm_train` returned.
    epsilon : float

    Returns
    -------
    dx : float32 array, shaped like x
    dgamma, dbeta : float32 array (C,)

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    return _backward("batch_norm_backward", dy, x, gamma, mean, variance, epsilon, False)


def batch_norm_inference_backward(
    dy: Any,
    x: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    epsilon: float = 1e-3,
) -> tuple[Float32, Float32, Float32]:
    """Gradients of `batch_norm`, whose statistics are constants; as `batch_norm_backward`."""
    return _backward("batch_norm_inference_backward", dy, x, gamma, mean, variance, epsilon, True)


def _backward(
    where: str,
    dy: Any,
    x: Any,
    gamma: Any,
    mean: Any,
    variance: Any,
    epsilon: float,
    fixed_statistics: bool,
) -> tuple[Float32, Float32, Float32]:
    x = _as_input(where, "x", x)
    dy = _as_input(where, "dy", dy)
    if dy.shape != x.shape:
        raise ValueError(f"{where}: dy must have the shape of x, {x.shape}, got {dy.shape}.")
    gamma, mean, variance = _by_channel(where, x, gamma=gamma, mean=mean, variance=variance)
    dx = np.empty(x.shape, np.float32)
    dgamma = np.empty(x.shape[-1], np.float32)
    dbeta = np.empty(x.shape[-1], np.float32)
    normalization.batch_norm_backward(
        dy.reshape(-1),
        x.reshape(-1),
        gamma,
        mean,
        variance,
        epsilon,
        fixed_statistics,
        dx.reshape(-1),
        dgamma,
        dbeta,
    )
    return dx, dgamma, dbeta


def _as_input(where: str, name: str, value: Any) -> Float32:
    x: Float32 = checks.as_float32(where, name, value)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"{where}: {name} must have shape (..., C), C >= 1, got {x.shape}.")
    return x


def _by_channel(where: str, x: Float32, **named: Any) -> list[Any]:
    """Return arrays of one number per channel, checked; gamma and beta may be None."""
    arrays: list[Any] = []
    for name, value in named.items():
        if value is None and name in ("gamma", "beta"):
            arrays.append(None)
            continue
        array = checks.as_float32(where, name, value)
        if array.shape != x.shape[-1:]:
            raise ValueError(
                f"{where}: {name} must have shape {x.shape[-1:]} for x {x.shape}, "
                f"got {array.shape}."
            )
        arrays.append(array)
    return arrays
