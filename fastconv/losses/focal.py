"""Focal cross-entropies: samples that are right already count less.

T.-Y. Lin et al., "Focal loss for dense object detection", arXiv:1708.02002.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import ops
from ..arguments import as_real
from ..ops import checks
from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from .entropy import CrossEntropy, clip_probabilities, normalise
from .loss import Loss


class FocalLoss(CrossEntropy):
    """What both share: logits are turned into probabilities, and gradients back."""

    def _values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        y_true = self._targets(y_true, y_pred.shape)
        return self._value_and_slope(y_true, self._probabilities(y_pred))[0]

    def _slopes(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        y_true = self._targets(y_true, y_pred.shape)
        p = self._probabilities(y_pred)
        slope = np.ascontiguousarray(self._value_and_slope(y_true, p)[1], np.float32)
        if not self.from_logits:
            return slope
        back: np.ndarray = ops.activation_backward(slope, None, p, self.activation)
        return back

    def step(
        self,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: Any = None,
        *,
        gradient: bool = True,
    ) -> tuple[float, np.ndarray | None]:
        """Return the loss of prepared targets and, if asked, its gradient by `y_pred`."""
        return Loss.step(self, y_true, y_pred, sample_weight, gradient=gradient)

    def _probabilities(self, y_pred: np.ndarray) -> np.ndarray:
        return ops.activation(y_pred, self.activation) if self.from_logits else y_pred

    def _value_and_slope(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise checks.must_define(self, "_value_and_slope(y, p)")


class BinaryFocalCrossentropy(FocalLoss, BinaryCrossentropy):
    """Mean over the last axis of (1 - p_t)**gamma * binary cross-entropy, p_t = p of the truth.

    Parameters
    ----------
    apply_class_balancing : bool
        Weigh targets of 1 by alpha and those of 0 by 1 - alpha.
    alpha, gamma : float
    from_logits : bool
        The predictions are logits.
    label_smoothing : float in [0, 1]
        Targets become y * (1 - a) + a / 2.
    axis : int
        See `CategoricalCrossentropy`.
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        *BinaryCrossentropy.config_keys,
        "apply_class_balancing",
        "alpha",
        "gamma",
    )

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.fused_activation = None
        self.apply_class_balancing = bool(apply_class_balancing)
        self.alpha = as_real(name, "alpha", alpha)
        self.gamma = as_real(name, "gamma", gamma, 0)

    def _value_and_slope(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        clipped, unclipped = clip_probabilities(p)
        entropy = -(y * np.log(clipped) + (1 - y) * np.log(1 - clipped))
        entropy_slope = np.where(unclipped, (clipped - y) / (clipped * (1 - clipped)), 0)
        factor, factor_slope = _focus(y * p + (1 - y) * (1 - p), self.gamma)
        values = factor * entropy
        slope = factor_slope * (2 * y - 1) * entropy + factor * entropy_slope
        if self.apply_class_balancing:
            weight = y * self.alpha + (1 - y) * (1 - self.alpha)
            values, slope = values * weight, slope * weight
        return values.mean(axis=-1), slope / p.shape[-1]


class CategoricalFocalCrossentropy(FocalLoss, CategoricalCrossentropy):
    """Sum of alpha * (1 - p)**gamma * -y * log(p) over the classes.

    Parameters
    ----------
    alpha : float or one per class
    gamma : float
    from_logits : bool
        The predictions are logits.
    label_smoothing : float in [0, 1]
        Targets become y * (1 - a) + a / C.
    axis : int
        See `CategoricalCrossentropy`.
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        *CategoricalCrossentropy.config_keys,
        "alpha",
        "gamma",
    )

    def __init__(
        self,
        alpha: Any = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, label_smoothing, axis, reduction, name, dtype)
        self.fused_activation = None
        self.alpha = [as_real(name, "alpha", a) for a in alpha] if np.ndim(alpha) else alpha
        self.gamma = as_real(name, "gamma", gamma, 0)

    def _value_and_slope(self, y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        q, total, unclipped = normalise(p)
        factor, factor_slope = _focus(q, self.gamma)
        weighted = np.asarray(self.alpha, np.float32) * y
        values = -(weighted * factor * np.log(q)).sum(axis=-1)
        slope = -weighted * (factor_slope * np.log(q) + factor / q)
        slope = np.where(unclipped, slope, 0)
        return values, (slope - (slope * q).sum(axis=-1, keepdims=True)) / total


class CategoricalGeneralizedCrossEntropy(Loss):
    """(1 - p**q) / q with p the probability of the true class, robust to wrong labels.

    Z. Zhang, M. R. Sabuncu, arXiv:1805.07836.

    Parameters
    ----------
    q : float in (0, 1)
        Near 0 it is the cross-entropy, near 1 the absolute error.
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "q")

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if not 0 < q < 1:
            raise ValueError(f"{name}: q must be between 0 and 1, got {q}.")
        self.q = q
        self._labels_of = SparseCategoricalCrossentropy(name=name)

    def prepare(self, where: str, y_true: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Check integer labels, see `Loss.prepare`."""
        return self._labels_of.prepare(where, y_true, output_shape)

    def labels(self, y_true: np.ndarray) -> np.ndarray:
        """Return the targets, which are labels."""
        return y_true

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the value of each sample."""
        p = np.take_along_axis(y_pred, y_true[..., None].astype(np.int64), -1)[..., 0]
        values: np.ndarray = (1 - p ** np.float32(self.q)) / np.float32(self.q)
        return values

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its row of `y_pred`."""
        labels = y_true[..., None].astype(np.int64)
        slope = np.zeros_like(y_pred)
        p = np.take_along_axis(y_pred, labels, -1)
        np.put_along_axis(slope, labels, -(p ** np.float32(self.q - 1)), -1)
        return slope


def _focus(p: np.ndarray, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (1 - p)**gamma and its derivative, which is 0 where p is 1."""
    rest = 1 - p
    if gamma == 0:
        return np.ones_like(p), np.zeros_like(p)
    safe = np.where(rest > 0, rest, 1)
    return rest ** np.float32(gamma), np.where(rest > 0, -gamma * safe ** np.float32(gamma - 1), 0)
