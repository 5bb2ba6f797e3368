"""Metrics that are means of a loss: errors and cross-entropies of probabilities."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import losses
from ..losses.loss import align_weights
from .metric import Mean, MeanMetricWrapper


class MeanSquaredError(MeanMetricWrapper):
    """Mean of (y_pred - y_true)**2."""

    direction = "down"

    def __init__(self, name: str = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.MeanSquaredError(reduction=None), name, dtype)


class RootMeanSquaredError(MeanMetricWrapper):
    """Square root of the mean of (y_pred - y_true)**2."""

    direction = "down"

    def __init__(self, name: str = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(losses.MeanSquaredError(reduction=None), name, dtype)

    def result(self) -> float:
        """Return the root of the mean, 0.0 before the first value."""
        return float(super().result() ** 0.5)


class MeanAbsoluteError(MeanMetricWrapper):
    """Mean of abs(y_pred - y_true)."""

    direction = "down"

    def __init__(self, name: str = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(losses.MeanAbsoluteError(reduction=None), name, dtype)


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
