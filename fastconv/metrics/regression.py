"""R2Score and the correlations."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend, progress
from ..losses.loss import align_weights
from ..ops import checks
from .metric import Mean, MeanMetricWrapper, Metric, same_shape


class R2Score(Metric):
    """Coefficient of determination: 1 - sum of squared errors / sum of squared deviations.

    Parameters
    ----------
    class_aggregation : "uniform_average", "variance_weighted_average" or None
        How the scores of several outputs become one; None returns them all.
    num_regressors : int
        Number of predictors, for the adjusted score.
    name, dtype
        See `Metric`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        *Metric.config_keys,
        "class_aggregation",
        "num_regressors",
    )
    direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation is not None:
            ways = ("uniform_average", "variance_weighted_average")
            checks.one_of(name, "class_aggregation", class_aggregation, ways)
        self.class_aggregation = class_aggregation
        self.num_regressors = checks.as_int(name, "num_regressors", num_regressors, 0)
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.sums = np.zeros((4, 1))  # weights, y, y**2, squared errors; of each output
        self.n = 0

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of targets and predictions (N, C) with weights (N,)."""
        y, p = (a.astype(np.float64) for a in same_shape(self.name, y_true, y_pred))
        y, p = (a[:, None] if a.ndim == 1 else a for a in (y, p))
        if y.ndim != 2:
            raise ValueError(f"{self.name}: y_true and y_pred must be (N, C), got {y.shape}.")
        w = np.ones(y.shape)
        if sample_weight is not None:
            w = w * align_weights(self.name, sample_weight, y.shape)
        self.sums = self.sums + np.stack([w, w * y, w * y * y, w * (y - p) ** 2]).sum(axis=1)
        self.n += y.size

    def result(self) -> Any:
        """Return the score, or an array of scores; 0 before the first batch."""
        if not self.n:
            return 0.0
        weight, total, squares, errors = self.sums
        deviations = squares - total * total / weight
        with np.errstate(divide="ignore", invalid="ignore"):
            scores = 1 - errors / deviations
        scores = np.where(np.isinf(scores), 0, scores)
        if self.class_aggregation == "uniform_average":
            scores = scores.mean()
        elif self.class_aggregation is not None:
            scores = (deviations * scores).sum() / deviations.sum()
        freedom = self.n - self.num_regressors - 1
        if self.num_regressors and freedom > 0:
            scores = 1 - (1 - scores) * (self.n - 1) / freedom
        elif self.num_regressors:
            progress.warn(
                f"{self.name}: num_regressors={self.num_regressors} is too many for {self.n} "
                f"values; the score is not adjusted."
            )
        return float(scores) if scores.ndim == 0 else scores.astype(np.float32)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> np.ndarray:
    """Return the correlation of each vector along `axis`."""
    y, p = same_shape("pearson_correlation", y_true, y_pred)
    y, p = (_centred(a, axis) for a in (y, p))
    y, p = (a / a.std(axis=axis, keepdims=True) for a in (y, p))
    return np.asarray((y * p).mean(axis=axis))


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> np.ndarray:
    """Return Lin's concordance of each vector along `axis`."""
    y, p = same_shape("concordance_correlation", y_true, y_pred)
    shift = y.mean(axis=axis, keepdims=True) - p.mean(axis=axis, keepdims=True)
    centred_y, centred_p = _centred(y, axis), _centred(p, axis)
    scale = y.var(axis=axis, keepdims=True) + p.var(axis=axis, keepdims=True) + shift**2
    covariance = (centred_y + shift) * centred_p  # the shift times a mean of 0 adds nothing
    return np.asarray((2 * covariance / (scale + backend.epsilon())).mean(axis=axis))


def _centred(x: np.ndarray, axis: int) -> Any:
    return x - x.mean(axis=axis, keepdims=True)


class CorrelationMetric(MeanMetricWrapper):
    """Base of both correlations; `axis` is what vectors lie along."""

    config_keys: ClassVar[tuple[str, ...]] = (*Mean.config_keys, "axis")
    direction = "up"
    _function: ClassVar[Any]

    def __init__(self, name: str | None = None, dtype: Any = None, axis: int = -1) -> None:
        function = type(self)._function
        super().__init__(function, name or function.__name__, dtype, axis=axis)
        self.axis = axis


class PearsonCorrelation(CorrelationMetric):
    """Mean of `pearson_correlation` of the samples."""

    _function = staticmethod(pearson_correlation)


class ConcordanceCorrelation(CorrelationMetric):
    """Mean of `concordance_correlation` of the samples."""

    _function = staticmethod(concordance_correlation)
