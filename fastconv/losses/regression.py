"""Losses of real-valued targets: the mean over the last axis of a function of the elements.

Targets and predictions have the same shape (N, ..., C); (N,) targets meet (N, 1) predictions.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend
from ..ops import checks
from .loss import Loss


class ElementLoss(Loss):
    """A mean over the last axis of a function of single elements; parameters as in `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the mean over the last axis."""
        y_true = checks.as_float32(self.name, "y_true", y_true)
        values: np.ndarray = np.asarray(self._function(y_true, y_pred)).mean(axis=-1)
        return values

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its row of `y_pred`."""
        y_true = checks.as_float32(self.name, "y_true", y_true)
        slope: np.ndarray = self._derivative(y_true, y_pred)
        return slope / np.float32(y_pred.shape[-1])

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        raise checks.must_define(self, "_function(y, p)")

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        raise checks.must_define(self, "_derivative(y, p)")


class MeanSquaredError(ElementLoss):
    """Mean of (p - y)**2; parameters as in `Loss`."""

    default_name = "mean_squared_error"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.square(p - y)

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        return 2 * (p - y)


class MeanAbsoluteError(ElementLoss):
    """Mean of abs(p - y); parameters as in `Loss`."""

    default_name = "mean_absolute_error"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.abs(p - y)

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.sign(p - y)


class MeanAbsolutePercentageError(ElementLoss):
    """100 times the mean of abs((p - y) / y); parameters as in `Loss`."""

    default_name = "mean_absolute_percentage_error"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        return 100 * np.abs((p - y) / self._size(y))

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        return 100 * np.sign(p - y) / self._size(y)

    def _size(self, y: np.ndarray) -> Any:
        return np.maximum(np.abs(y), np.float32(backend.epsilon()))


class MeanSquaredLogarithmicError(ElementLoss):
    """Mean of (log(1 + p) - log(1 + y))**2, negative numbers being 0; parameters as in `Loss`."""

    default_name = "mean_squared_logarithmic_error"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.square(self._log(p) - self._log(y))

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.where(p > backend.epsilon(), 2 * (self._log(p) - self._log(y)) / (p + 1), 0)

    def _log(self, x: np.ndarray) -> Any:
        # log(x + 1) and not log1p: what Keras computes, to the last bit of a small x.
        return np.log(np.maximum(x, np.float32(backend.epsilon())) + 1)


class Huber(ElementLoss):
    """Mean of e**2 / 2 where abs(e) <= delta, else of delta * abs(e) - delta**2 / 2; e = p - y.

    Parameters
    ----------
    delta : float
        Where the function turns from quadratic to linear.
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "delta")
    default_name = "huber_loss"

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.delta = delta

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        e = p - y
        size = np.abs(e)
        delta = np.float32(self.delta)
        return np.where(size <= delta, e * e / 2, delta * size - delta * delta / 2)

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.clip(p - y, -self.delta, self.delta)


class LogCosh(ElementLoss):
    """Mean of log(cosh(p - y)); parameters as in `Loss`."""

    default_name = "log_cosh"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        e = p - y
        return e + np.logaddexp(np.float32(0), -2 * e) - np.float32(np.log(2))

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.tanh(p - y)


class Poisson(ElementLoss):
    """Mean of p - y * log(p); parameters as in `Loss`."""

    default_name = "poisson"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        return p - y * np.log(p + np.float32(backend.epsilon()))

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        return 1 - y / (p + np.float32(backend.epsilon()))


class Hinge(ElementLoss):
    """Mean of max(1 - y * p, 0) for targets of -1 and 1; parameters as in `Loss`.

    Batches of targets that are all 0 or 1 are taken for -1 and 1.
    """

    default_name = "hinge"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.maximum(1 - _signs(y) * p, 0)

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        y = _signs(y)
        return np.where(y * p < 1, -y, np.float32(0))


class SquaredHinge(ElementLoss):
    """Mean of max(1 - y * p, 0)**2; otherwise like `Hinge`."""

    default_name = "squared_hinge"

    def _function(self, y: np.ndarray, p: np.ndarray) -> Any:
        return np.square(np.maximum(1 - _signs(y) * p, 0))

    def _derivative(self, y: np.ndarray, p: np.ndarray) -> Any:
        y = _signs(y)
        return -2 * y * np.maximum(1 - y * p, 0)


def _signs(y: np.ndarray) -> np.ndarray:
    """Return targets of 0 and 1 as -1 and 1, others as they are."""
    return 2 * y - 1 if ((y == 0) | (y == 1)).all() else y
