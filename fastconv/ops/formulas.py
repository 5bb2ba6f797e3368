"""Activations without a micro-kernel: NumPy in double precision, one piece of the array at a time.

A formula is a value and a slope. Both take and return float64, so that the float32 result is
rounded once, also where terms cancel.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

#: Floats of a piece: its float64 copies stay in the cache.
_PIECE = 1 << 15


class Formula(NamedTuple):
    """y = value(x), dy/dx = slope(v); v is x if `of_input`, else y."""

    value: Callable[[Any], Any]
    slope: Callable[[Any], Any]
    of_input: bool = True


def in_pieces(function: Callable[..., Any], *arrays: Float32) -> Float32:
    """Return an elementwise function of float32 arrays of one shape, computed in float64."""
    result = np.empty(arrays[0].shape, np.float32)
    flat = [array.reshape(-1) for array in (*arrays, result)]
    # Infinities are what the formulas give far out; they overflow float32 as they should.
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        for start in range(0, result.size, _PIECE):
            *inputs, out = (array[start : start + _PIECE] for array in flat)
            out[...] = function(*(array.astype(np.float64) for array in inputs))
    return result


def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^-x)."""
    return 1 / (1 + np.exp(-x))


def _elu(alpha: float) -> Formula:
    return Formula(
        lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1.0, alpha * np.exp(np.minimum(x, 0))),
    )


def _celu(alpha: float) -> Formula:
    # Barron, "Continuously differentiable exponential linear units", arXiv:1704.07483.
    return Formula(
        lambda x: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0) / alpha)),
        lambda x: np.where(x > 0, 1.0, np.exp(np.minimum(x, 0) / alpha)),
    )


def _gelu_tanh() -> Formula:
    # Hendrycks & Gimpel, arXiv:1606.08415: x (1 + tanh(u)) / 2, which is x sigmoid(2 u).
    a, b = 2 * math.sqrt(2 / math.pi), 2 * math.sqrt(2 / math.pi) * 0.044715

    def slope(x: Any) -> Any:
        u = x * (a + b * x * x)
        return sigmoid(u) * (1 + x * (a + 3 * b * x * x) * sigmoid(-u))

    return Formula(lambda x: x * sigmoid(x * (a + b * x * x)), slope)


def _squareplus(b: float) -> Formula:
    # Barron, "Squareplus", arXiv:2112.11687: (x + sqrt(x^2 + b)) / 2.
    def value(x: Any) -> Any:
        larger = np.abs(x) + np.sqrt(x * x + b)
        # The product of the two roots is -b / 4; below 0 the plain formula cancels.
        return np.where(x >= 0, larger / 2, b / (2 * np.maximum(larger, 1e-300)))

    return Formula(value, lambda x: value(x) / np.maximum(np.sqrt(x * x + b), 1e-300))


def _tanh_shrink() -> Formula:
    def value(x: Any) -> Any:
        s = np.square(x)
        series = x * s * (1 / 3 - s * (2 / 15 - s * (17 / 315 - s * (62 / 2835))))
        return np.where(s < 1e-4, series, x - np.tanh(x))

    return Formula(value, lambda x: np.square(np.tanh(x)))


def _soft_shrink(threshold: float) -> Formula:
    return Formula(
        lambda x: x - np.clip(x, -threshold, threshold), lambda y: y != 0, of_input=False
    )


def _hard_shrink(threshold: float) -> Formula:
    return Formula(
        lambda x: np.where(np.abs(x) <= threshold, 0.0, x), lambda y: y != 0, of_input=False
    )


def _threshold(threshold: float, default_value: float) -> Formula:
    return Formula(
        lambda x: np.where(x <= threshold, default_value, x), lambda x: ~(x <= threshold)
    )


def _hard_tanh() -> Formula:
    return Formula(lambda x: np.clip(x, -1, 1), lambda y: np.abs(y) < 1, of_input=False)


def _sparse_plus() -> Formula:
    return Formula(
        lambda x: np.where(x >= 1, x, np.square(np.maximum(x + 1, 0)) / 4),
        lambda x: np.clip((x + 1) / 2, 0, 1),
    )


def _sparse_sigmoid() -> Formula:
    # Blondel, Martins & Niculae, arXiv:1901.02324: the slope of sparse_plus.
    return Formula(lambda x: np.clip((x + 1) / 2, 0, 1), lambda x: 0.5 * (np.abs(x) < 1))


#: Name: function of the activation's arguments.
FORMULAS: dict[str, Callable[..., Formula]] = {
    "celu": _celu,
    "elu": _elu,
    "gelu": _gelu_tanh,
    "hard_shrink": _hard_shrink,
    "hard_tanh": _hard_tanh,
    "soft_shrink": _soft_shrink,
    "sparse_plus": _sparse_plus,
    "sparse_sigmoid": _sparse_sigmoid,
    "squareplus": _squareplus,
    "tanh_shrink": _tanh_shrink,
    "threshold": _threshold,
}
