"""Losses of segmentation: how much predicted and true regions overlap."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend
from ..arguments import as_real
from ..ops import checks
from .loss import Loss
from .rows import RowLoss

Axes = int | tuple[int, ...] | list[int] | None


class OverlapLoss(RowLoss):
    """Base: 1 - t / d, with t and d sums over `axis` of products of y and p."""

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "axis")
    axis: Axes

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the value of each region, y_pred.shape without `axis`; one value for None."""
        top, bottom = self._fraction(y_true, y_pred)
        return np.asarray(1 - top / bottom).reshape(
            [n for i, n in enumerate(y_pred.shape) if i not in self._axes(y_pred.ndim)]
        )

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its region of `y_pred`."""
        top, bottom = self._fraction(y_true, y_pred)
        d_top, d_bottom = self._derivatives(y_true)
        return np.asarray((top / bottom * d_bottom - d_top) / bottom)

    def _spread(self, scale: Any, ndim: int) -> Any:
        return np.expand_dims(scale, self._axes(ndim)) if np.ndim(scale) else scale

    def _axes(self, ndim: int) -> tuple[int, ...]:
        axes = range(ndim) if self.axis is None else np.atleast_1d(self.axis)
        return tuple(sorted(int(axis) % ndim for axis in axes))

    def _sum(self, x: np.ndarray) -> np.ndarray:
        total: np.ndarray = x.sum(axis=self._axes(x.ndim), keepdims=True)
        return total

    def _fraction(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return t and d, with the axes of y."""
        raise checks.must_define(self, "_fraction(y, p)")

    def _derivatives(self, y: np.ndarray) -> tuple[Any, Any]:
        """Return the derivatives of t and d by p."""
        raise checks.must_define(self, "_derivatives(y)")


class Dice(OverlapLoss):
    """1 - 2 * sum(y * p) / (sum(y) + sum(p)).

    F. Milletari et al., "V-Net", arXiv:1606.04797.

    Parameters
    ----------
    reduction, name, dtype
        See `Loss`.
    axis : int, tuple of int or None
        Axes to sum over. None is all, so that a batch has one value; (1, 2, 3) gives one per image.
    """

    default_name = "dice"

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: Axes = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.axis = axis

    def _fraction(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return 2 * self._sum(y * p), self._sum(y) + self._sum(p) + np.float32(backend.epsilon())

    def _derivatives(self, y: np.ndarray) -> tuple[Any, Any]:
        return 2 * y, np.float32(1)


class Tversky(OverlapLoss):
    """1 - i / (i + alpha * sum((1 - p) * y) + beta * sum(p * (1 - y))), i = sum(y * p).

    S. S. M. Salehi et al., arXiv:1706.05721. As in Keras, `alpha` weighs what is missed and `beta`
    what is wrongly found: the reverse of the paper.

    Parameters
    ----------
    alpha, beta : float
    reduction, name, dtype
        See `Loss`.
    axis : int, tuple of int or None
        As in `Dice`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*OverlapLoss.config_keys, "alpha", "beta")
    default_name = "tversky"

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        axis: Axes = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.alpha = as_real(self.name, "alpha", alpha)
        self.beta = as_real(self.name, "beta", beta)
        self.axis = axis

    def _fraction(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        both = self._sum(y * p)
        missed, wrong = self._sum((1 - p) * y), self._sum(p * (1 - y))
        return both, both + self.alpha * missed + self.beta * wrong + backend.epsilon()

    def _derivatives(self, y: np.ndarray) -> tuple[Any, Any]:
        return y, y - self.alpha * y + self.beta * (1 - y)
