"""Losses of real-valued targets: the mean over the last axis of a function of the error.

Targets and predictions have the same shape (N, ..., C); (N,) targets meet (N, 1) predictions.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..ops import checks
from .loss import Loss


class ErrorLoss(Loss):
    """A loss of the error e = y_pred - y_true alone."""

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the mean over the last axis of a function of the error."""
        values: np.ndarray = self._function(self._error(y_true, y_pred)).mean(axis=-1)
        return values

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its row of `y_pred`."""
        slope: np.ndarray = self._derivative(self._error(y_true, y_pred))
        return slope / np.float32(y_pred.shape[-1])

    def _error(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        error: np.ndarray = y_pred - checks.as_float32(self.name, "y_true", y_true)
        return error

    def _function(self, e: np.ndarray) -> Any:
        raise NotImplementedError

    def _derivative(self, e: np.ndarray) -> Any:
        raise NotImplementedError


class MeanSquaredError(ErrorLoss):
    """Mean of e**2; parameters as in `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def _function(self, e: np.ndarray) -> Any:
        return e * e

    def _derivative(self, e: np.ndarray) -> Any:
        return e + e


class MeanAbsoluteError(ErrorLoss):
    """Mean of abs(e); parameters as in `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def _function(self, e: np.ndarray) -> Any:
        return np.abs(e)

    def _derivative(self, e: np.ndarray) -> Any:
        return np.sign(e)


class Huber(ErrorLoss):
    """Mean of e**2 / 2 where abs(e) <= delta, else of delta * abs(e) - delta**2 / 2.

    Parameters
    ----------
    delta : float
        Where the function turns from quadratic to linear.
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "delta")

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.delta = delta

    def _function(self, e: np.ndarray) -> Any:
        size = np.abs(e)
        delta = np.float32(self.delta)
        return np.where(size <= delta, e * e / 2, delta * size - delta * delta / 2)

    def _derivative(self, e: np.ndarray) -> Any:
        return np.clip(e, -self.delta, self.delta)
