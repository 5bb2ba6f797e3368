"""Normalisation of each sample by itself, by the mean and variance of its groups, and gradients.

Arrays are seen as (N, G, S, K): each of the N * G groups of S * K numbers is brought to mean 0 and
variance 1, then scaled and shifted by one number for each of G * K channels. Layer normalisation
has S = G = 1: Ba, Kiros & Hinton, arXiv:1607.06450. Group normalisation has K channels in each of
G groups at S places: Wu & He, arXiv:1803.08494.

Computed in double precision and rounded once. A group is summed by itself, so that results do not
depend on the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

#: Floats of a block: its float64 copies stay in the cache.
_BLOCK = 1 << 15


def normalize_groups(
    x: Any, gamma: Any, beta: Any, epsilon: float, center: bool = True
) -> tuple[Float32, Float64, Float64]:
    """Normalise the last two axes of x.

    Parameters
    ----------
    x : float32 array (N, G, S, K)
    gamma, beta : float32 array (G, K) or None
        None stands for 1 and 0.
    epsilon : float
        Added to the variance.
    center : bool
        False leaves the mean in: numbers are divided by their root mean square.

    Returns
    -------
    y : float32 array, shaped like x
    mean, inverse : float64 array (N, G)
        What was taken away, and what the rest was multiplied by.

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "normalize_groups"
    x = checks.as_float32(where, "x", x, ndim=4)
    gamma, beta = _by_channel(where, x, gamma=gamma, beta=beta)
    y = np.empty(x.shape, np.float32)
    mean, inverse = np.zeros(x.shape[:2]), np.empty(x.shape[:2])
    for part in _parts(x):
        z, rows = _rows(x[part])
        if center:
            mean[part] = rows.mean(axis=1).reshape(-1, x.shape[1])
            rows -= mean[part].reshape(-1, 1)
        variance = np.square(rows).mean(axis=1)
        inverse[part] = (1 / np.sqrt(variance + epsilon)).reshape(-1, x.shape[1])
        rows *= inverse[part].reshape(-1, 1)
        if gamma is not None:
            z *= gamma[:, None]
        if beta is not None:
            z += beta[:, None]
        y[part] = z
    return y, mean, inverse


def normalize_groups_backward(
    dy: Any, x: Any, gamma: Any, mean: Any, inverse: Any, center: bool = True
) -> tuple[Float32, Float32, Float32]:
    """Gradients of `normalize_groups`.

    Parameters
    ----------
    dy, x : float32 array (N, G, S, K)
    gamma : float32 array (G, K) or None
    mean, inverse : float64 array (N, G)
        What `normalize_groups` returned.
    center : bool

    Returns
    -------
    dx : float32 array, shaped like x
    dgamma, dbeta : float32 array (G, K)

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "normalize_groups_backward"
    x = checks.as_float32(where, "x", x, ndim=4)
    dy = checks.as_float32(where, "dy", dy, ndim=4)
    if dy.shape != x.shape:
        raise ValueError(f"{where}: dy must have the shape of x, {x.shape}, got {dy.shape}.")
    (gamma,) = _by_channel(where, x, gamma=gamma)
    dx = np.empty(x.shape, np.float32)
    dgamma, dbeta = np.zeros((2, x.shape[1], x.shape[3]))
    for part in _parts(x):
        z, rows = _rows(x[part])
        rows -= mean[part].reshape(-1, 1)
        rows *= inverse[part].reshape(-1, 1)
        g, drows = _rows(dy[part])
        dgamma += (g * z).sum(axis=(0, 2))
        dbeta += g.sum(axis=(0, 2))
        if gamma is not None:
            g *= gamma[:, None]
        rows *= (drows * rows).mean(axis=1, keepdims=True)
        if center:
            rows += drows.mean(axis=1, keepdims=True)
        drows -= rows
        drows *= inverse[part].reshape(-1, 1)
        dx[part] = g
    return dx, dgamma.astype(np.float32), dbeta.astype(np.float32)


def _parts(x: Float32) -> Iterator[slice]:
    """Yield slices of samples, a block of floats each; none if there is nothing in x."""
    size = x[:1].size
    step = max(1, _BLOCK // max(size, 1))
    for start in range(0, len(x) if size else 0, step):
        yield slice(start, start + step)


def _rows(part: Float32) -> tuple[Float64, Float64]:
    """Return a float64 copy, and a view of it with one row for each group."""
    # Reductions that cast would do so in buffers, whose borders do not follow the rows.
    z = part.astype(np.float64)
    return z, z.reshape(part.shape[0] * part.shape[1], -1)


def _by_channel(where: str, x: Float32, **named: Any) -> list[Any]:
    """Return arrays (G, K), checked, or None."""
    arrays: list[Any] = []
    shape = (x.shape[1], x.shape[3])
    for name, value in named.items():
        array = None if value is None else checks.as_float32(where, name, value)
        if array is not None and array.shape != shape:
            raise ValueError(
                f"{where}: {name} must have shape {shape} for x {x.shape}, got {array.shape}."
            )
        arrays.append(array)
    return arrays
