"""Metrics of yes/no decisions: counts of true and false, positive and negative, and their ratios.

scores > threshold  ->  tp, fp, tn, fn for each threshold  ->  result
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..arguments import as_real
from ..losses.loss import align_weights
from ..ops import checks
from .metric import Metric, same_shape

TP, FP, TN, FN = range(4)
#: What is divided by its sum with what.
RATIOS = {
    "precision": (TP, FP),
    "recall": (TP, FN),
    "sensitivity": (TP, FN),
    "specificity": (TN, FP),
}
#: Score of classes that are not among the best k: below every threshold.
NEVER = -1e10


class ConfusionMetric(Metric):
    """Base of metrics that count decisions.

    Attributes
    ----------
    counts : float64 array (4, thresholds) or (4, thresholds, labels)
        Weighted numbers of true positives, false positives, true negatives, false negatives.
    """

    direction: str | None = "up"
    top_k: int | None = None
    class_id: int | None = None

    def __init__(self, thresholds: Any, name: str | None, dtype: Any) -> None:
        super().__init__(name=name, dtype=dtype)
        self._limits = np.atleast_1d(np.asarray(thresholds, np.float32))
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.counts: np.ndarray = np.zeros((4, len(self._limits)))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the decisions of a batch.

        Parameters
        ----------
        y_true : array, 0 or 1
        y_pred : array of the same shape, scores; (N,) meets (N, 1)
        sample_weight : array, shaped like y_pred or its leading axes, optional
        """
        y_true, y_pred = same_shape(self.name, y_true, y_pred)
        weights = np.ones(y_pred.shape)
        if sample_weight is not None:
            weights = weights * align_weights(self.name, sample_weight, y_pred.shape)
        y_pred = y_pred.astype(np.float32)
        if self.top_k is not None:
            y_pred = _only_best(y_pred, self.top_k)
        if self.class_id is not None:
            y_true, y_pred, weights = (a[..., self.class_id] for a in (y_true, y_pred, weights))
        self.counts = self.counts + self._count(y_true != 0, y_pred, weights)

    def _count(self, positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Return the counts (4, thresholds) of some decisions."""
        n = len(self._limits)
        order = np.argsort(self._limits, kind="stable")
        scores = np.where(np.isnan(scores), -np.inf, scores).reshape(-1)
        passed = np.searchsorted(self._limits[order], scores, side="left")  # thresholds below
        counts = np.empty((4, n))
        for yes, no, mask in ((TP, FN, positive), (FP, TN, ~positive)):
            share = np.where(mask, weights, 0).reshape(-1)
            histogram = np.bincount(passed, share, minlength=n + 1)
            below = np.cumsum(histogram)[:n]
            counts[no, order] = below
            counts[yes, order] = np.cumsum(histogram[::-1])[::-1][1:]
        return counts

    def _ratio(self, name: str) -> np.ndarray:
        """Return one of RATIOS for each threshold, 0 where there is nothing to divide by."""
        part, rest = (self.counts[i] for i in RATIOS[name])
        return divide(part, part + rest)

    def _per_threshold(self, values: np.ndarray) -> Any:
        return float(values[0]) if len(values) == 1 else values.astype(np.float32)


def divide(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a / b, 0 where b is 0."""
    quotient: np.ndarray = np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b != 0)
    return quotient


def _only_best(scores: np.ndarray, k: int) -> np.ndarray:
    """Return scores with all but the `k` best of each row below every threshold."""
    best = np.argsort(-scores, axis=-1, kind="stable")[..., :k]
    kept = np.full_like(scores, NEVER)
    np.put_along_axis(kept, best, np.take_along_axis(scores, best, -1), -1)
    return kept


def checked_thresholds(where: str, thresholds: Any, default: float) -> Any:
    """Return thresholds that all lie in [0, 1], `default` for None."""
    for threshold in np.atleast_1d([] if thresholds is None else thresholds):
        as_real(where, "thresholds", threshold, 0, 1)
    return default if thresholds is None else thresholds


class CountMetric(ConfusionMetric):
    """Base of the four counts.

    Parameters
    ----------
    thresholds : float in [0, 1] or list of them, optional
        A score above it is a yes; 0.5 by default. Several give an array of results.
    name, dtype
        See `Metric`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Metric.config_keys, "thresholds")
    direction: str | None = None
    _which: ClassVar[int]

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        where = name or type(self).__name__
        super().__init__(checked_thresholds(where, thresholds, 0.5), name, dtype)
        self.thresholds = thresholds

    def result(self) -> Any:
        """Return the count."""
        return self._per_threshold(self.counts[self._which])


class TruePositives(CountMetric):
    """Number of scores above the threshold whose target is 1; see `CountMetric`."""

    _which = TP


class FalsePositives(CountMetric):
    """Number of scores above the threshold whose target is 0; see `CountMetric`."""

    _which = FP


class TrueNegatives(CountMetric):
    """Number of other scores whose target is 0; see `CountMetric`."""

    _which = TN


class FalseNegatives(CountMetric):
    """Number of other scores whose target is 1; see `CountMetric`."""

    _which = FN


class RatioMetric(ConfusionMetric):
    """Base of Precision and Recall.

    Parameters
    ----------
    thresholds : float in [0, 1] or list of them, optional
        A score above it is a yes; 0.5 by default, with `top_k` none. Several give an array.
    top_k : int, optional
        Only the best k of each row can be a yes.
    class_id : int, optional
        Look at this class only.
    name, dtype
        See `Metric`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        *Metric.config_keys,
        "thresholds",
        "top_k",
        "class_id",
    )
    _name: ClassVar[str]

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        where = name or type(self).__name__
        default = 0.5 if top_k is None else NEVER
        super().__init__(checked_thresholds(where, thresholds, default), name, dtype)
        self.thresholds = thresholds
        self.top_k = None if top_k is None else checks.as_int(where, "top_k", top_k)
        self.class_id = None if class_id is None else checks.as_int(where, "class_id", class_id, 0)

    def result(self) -> Any:
        """Return the ratio, 0 if nothing counts."""
        return self._per_threshold(self._ratio(self._name))


class Precision(RatioMetric):
    """Share of the scores above the threshold whose target is 1; see `RatioMetric`."""

    _name = "precision"


class Recall(RatioMetric):
    """Share of the targets of 1 whose score is above the threshold; see `RatioMetric`."""

    _name = "recall"


class BestAtMetric(ConfusionMetric):
    """Base: the best of one ratio among the thresholds at which another one is high enough.

    Parameters
    ----------
    value : float in [0, 1]
        What the other ratio must reach; called as it is: recall, precision ...
    num_thresholds : int
        Thresholds are spread evenly over [0, 1].
    class_id : int, optional
        Look at this class only.
    name, dtype
        See `Metric`.
    """

    _wanted: ClassVar[str]
    _given: ClassVar[str]

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        where = name or type(self).__name__
        self.value = as_real(where, self._given, value, 0, 1)
        self.num_thresholds = checks.as_int(where, "num_thresholds", num_thresholds)
        limits = np.linspace(0, 1, num_thresholds) if num_thresholds > 1 else [0.5]
        super().__init__(limits, name, dtype)
        self.class_id = None if class_id is None else checks.as_int(where, "class_id", class_id, 0)

    def result(self) -> float:
        """Return the best ratio, 0 if the other one is never high enough."""
        good = self._ratio(self._given) >= self.value
        return float(np.where(good, self._ratio(self._wanted), 0).max())

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        return super().get_config() | {
            "num_thresholds": self.num_thresholds,
            self._given: self.value,
            "class_id": self.class_id,
        }


class PrecisionAtRecall(BestAtMetric):
    """Best precision where the recall is at least `recall`; see `BestAtMetric`."""

    _wanted, _given = "precision", "recall"

    def __init__(self, recall: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(recall, *args, **kwargs)


class RecallAtPrecision(BestAtMetric):
    """Best recall where the precision is at least `precision`; see `BestAtMetric`."""

    _wanted, _given = "recall", "precision"

    def __init__(self, precision: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(precision, *args, **kwargs)


class SensitivityAtSpecificity(BestAtMetric):
    """Best sensitivity where the specificity is at least `specificity`; see `BestAtMetric`."""

    _wanted, _given = "sensitivity", "specificity"

    def __init__(self, specificity: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(specificity, *args, **kwargs)


class SpecificityAtSensitivity(BestAtMetric):
    """Best specificity where the sensitivity is at least `sensitivity`; see `BestAtMetric`."""

    _wanted, _given = "specificity", "sensitivity"

    def __init__(self, sensitivity: float, *args: Any, **kwargs: Any) -> None:
        super().__init__(sensitivity, *args, **kwargs)
