"""Losses of whole rows: distributions, one-hot targets, directions.

Targets and predictions have the same shape (N, ..., C).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend
from ..ops import checks
from .loss import Loss

#: What Keras divides by at least when it makes a vector one of length 1.
SMALLEST_NORM = np.float32(1e-12)


class RowLoss(Loss):
    """Base of losses of rows; parameters as in `Loss`."""

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)

    def prepare(self, where: str, y_true: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Return float32 targets, see `Loss.prepare`."""
        return checks.as_float32(where, "y", super().prepare(where, y_true, output_shape))


class CategoricalHinge(RowLoss):
    """max(largest wrong score - right score + 1, 0), y being one-hot; parameters as in `Loss`."""

    default_name = "categorical_hinge"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the value of each row."""
        right = (y_true * y_pred).sum(axis=-1)
        wrong = ((1 - y_true) * y_pred).max(axis=-1)
        values: np.ndarray = np.maximum(wrong - right + 1, 0)
        return values

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its row of `y_pred`."""
        wrong = (1 - y_true) * y_pred
        largest = wrong == wrong.max(axis=-1, keepdims=True)
        slope = largest / largest.sum(axis=-1, keepdims=True) * (1 - y_true) - y_true
        active = self.call(y_true, y_pred)[..., None] > 0
        return np.where(active, slope, np.float32(0))


class KLDivergence(RowLoss):
    """Sum of y * log(y / p), both at least epsilon and at most 1; parameters as in `Loss`."""

    default_name = "kl_divergence"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the value of each row."""
        y, p = self._clip(y_true), self._clip(y_pred)
        values: np.ndarray = (y * np.log(y / p)).sum(axis=-1)
        return values

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its row of `y_pred`."""
        p = self._clip(y_pred)
        slope: np.ndarray = np.where(p == y_pred, -self._clip(y_true) / p, np.float32(0))
        return slope

    def _clip(self, x: np.ndarray) -> np.ndarray:
        clipped: np.ndarray = np.clip(x, np.float32(backend.epsilon()), np.float32(1))
        return clipped


class CosineSimilarity(RowLoss):
    """Minus the cosine of the angle between target and prediction: -1 is best.

    Parameters
    ----------
    axis : int
        Axis that vectors lie along.
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "axis")
    default_name = "cosine_similarity"

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.axis = checks.as_int(self.name, "axis", axis, -99)

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the value of each vector, y_pred.shape without `axis`."""
        y, p = self._unit(y_true)[0], self._unit(y_pred)[0]
        values: np.ndarray = -(y * p).sum(axis=self.axis)
        return values

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its vector of `y_pred`."""
        y, (p, length) = self._unit(y_true)[0], self._unit(y_pred)
        slope: np.ndarray = (p * (y * p).sum(axis=self.axis, keepdims=True) - y) / length
        return slope

    def _spread(self, scale: Any, ndim: int) -> Any:
        return np.expand_dims(scale, self.axis) if np.ndim(scale) else scale

    def _unit(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return vectors of length 1 (0 stays 0), and the lengths."""
        length = np.sqrt(np.square(x).sum(axis=self.axis, keepdims=True))
        length = np.maximum(length, SMALLEST_NORM)
        return x / length, length
