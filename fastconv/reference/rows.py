"""What has no windows: dense layers and activations."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .windows import Array, float64


def dense(x: npt.ArrayLike, kernel: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Array:
    """Fully connected layer: `y[..., f] = sum(x[..., k] * kernel[k, f] over k) + bias[f]`.

    Parameters
    ----------
    x : array (..., K)
    kernel : array (K, F)
    bias : array (F,), optional

    Returns
    -------
    y : float64 array (..., F)
    """
    x, kernel = float64(x), float64(kernel)
    y = np.zeros((*x.shape[:-1], kernel.shape[1]))
    for k in range(kernel.shape[0]):
        y += x[..., k, np.newaxis] * kernel[k]
    return y if bias is None else y + float64(bias)


def softmax(x: npt.ArrayLike, axis: int = -1) -> Array:
    """Exponentials that sum to one along `axis`.

    Subtracting the maximum first changes nothing in exact arithmetic and keeps `exp` from
    overflowing.
    """
    x = float64(x)
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=axis, keepdims=True))


def relu(x: npt.ArrayLike) -> Array:
    """Negative numbers become zero; NaN stays NaN."""
    return np.maximum(float64(x), 0.0)
