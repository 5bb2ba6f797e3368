"""Metrics that are means of a loss."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import losses
from ..losses.loss import align_weights
from .metric import Mean, MeanMetricWrapper


class LossMetric(MeanMetricWrapper):
    """Base of the means of losses without options."""

    direction = "down"
    _loss: ClassVar[type[losses.Loss]]
    _name: ClassVar[str | None] = None

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        loss = self._loss(reduction=None)
        super().__init__(loss, name or self._name or loss.name, dtype)


class MeanSquaredError(LossMetric):
    """Mean of (y_pred - y_true)**2."""

    _loss = losses.MeanSquaredError


class RootMeanSquaredError(LossMetric):
    """Square root of the mean of (y_pred - y_true)**2."""

    _loss = losses.MeanSquaredError
    _name = "root_mean_squared_error"

    def result(self) -> float:
        """Return the root of the mean, 0.0 before the first value."""
        return float(super().result() ** 0.5)


class MeanAbsoluteError(LossMetric):
    """Mean of abs(y_pred - y_true)."""

    _loss = losses.MeanAbsoluteError


class MeanAbsolutePercentageError(LossMetric):
    """Mean of `losses.MeanAbsolutePercentageError`."""

    _loss = losses.MeanAbsolutePercentageError


class MeanSquaredLogarithmicError(LossMetric):
    """Mean of `losses.MeanSquaredLogarithmicError`."""

    _loss = losses.MeanSquaredLogarithmicError


class LogCoshError(LossMetric):
    """Mean of log(cosh(y_pred - y_true))."""

    _loss = losses.LogCosh
    _name = "logcosh"


class Hinge(LossMetric):
    """Mean of `losses.Hinge`."""

    _loss = losses.Hinge


class SquaredHinge(LossMetric):
    """Mean of `losses.SquaredHinge`."""

    _loss = losses.SquaredHinge


class CategoricalHinge(LossMetric):
    """Mean of `losses.CategoricalHinge`."""

    _loss = losses.CategoricalHinge


class KLDivergence(LossMetric):
    """Mean of `losses.KLDivergence`."""

    _loss = losses.KLDivergence


class Poisson(LossMetric):
    """Mean of `losses.Poisson`."""

    _loss = losses.Poisson


class CosineSimilarity(MeanMetricWrapper):
    """Mean cosine of the angle between targets and predictions: 1 is best, unlike the loss."""

    config_keys: ClassVar[tuple[str, ...]] = (*Mean.config_keys, "axis")
    direction = "up"

    def __init__(self, name: str = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        self.axis = axis
        loss = losses.CosineSimilarity(axis, reduction=None)
        super().__init__(lambda y_true, y_pred: -loss(y_true, y_pred), name, dtype)


class BinaryCrossentropy(MeanMetricWrapper):
    """Mean of `losses.BinaryCrossentropy`."""

    config_keys: ClassVar[tuple[str, ...]] = (*Mean.config_keys, "from_logits", "label_smoothing")
    direction = "down"

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        loss = losses.BinaryCrossentropy(from_logits, label_smoothing, reduction=None)
        super().__init__(loss, name, dtype)


class CategoricalCrossentropy(MeanMetricWrapper):
    """Mean of `losses.CategoricalCrossentropy`."""

    config_keys: ClassVar[tuple[str, ...]] = (
        *Mean.config_keys,
        "from_logits",
        "label_smoothing",
        "axis",
    )
    direction = "down"

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.axis = axis
        loss = losses.CategoricalCrossentropy(from_logits, label_smoothing, axis, reduction=None)
        super().__init__(loss, name, dtype)


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """Mean of `losses.SparseCategoricalCrossentropy` over the labels that count."""

    config_keys: ClassVar[tuple[str, ...]] = (
        *Mean.config_keys,
        "from_logits",
        "ignore_class",
        "axis",
    )
    direction = "down"

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        self.from_logits = from_logits
        self.ignore_class = ignore_class
        self.axis = axis
        loss = losses.SparseCategoricalCrossentropy(from_logits, ignore_class, None, axis)
        super().__init__(loss, name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add the values of a batch; labels of `ignore_class` have weight 0."""
        if self.ignore_class is not None:
            y_pred = np.asarray(y_pred)
            valid = (np.asarray(y_true) != self.ignore_class).reshape(y_pred.shape[:-1])
            if sample_weight is None:
                sample_weight = valid
            else:
                sample_weight = valid * align_weights(self.name, sample_weight, valid.shape)
        super().update_state(y_true, y_pred, sample_weight)
