"""AUC: the area under a curve of decisions at all thresholds."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend, ops
from ..losses.loss import align_weights
from ..ops import checks
from .confusion import ConfusionMetric, checked_thresholds, divide
from .metric import Metric


class AUC(ConfusionMetric):
    """Area under a curve of two ratios over the thresholds.

    Parameters
    ----------
    num_thresholds : int of at least 2
    curve : "ROC", "PR" or "PRGAIN"
        True over false positive rate, precision over recall, or their gains.
    summation_method : "interpolation", "minoring" or "majoring"
        How heights between thresholds are taken. "interpolation" of "PR" follows J. Davis,
        M. Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006.
    name, dtype
        See `Metric`.
    thresholds : list of float in [0, 1], optional
        Instead of `num_thresholds`.
    multi_label : bool
        Scores are (N, labels): the area of each label, then their mean.
    num_labels : int, optional
        Only with `multi_label`.
    label_weights : list of float, optional
        Weights of the labels.
    from_logits : bool
        Scores are logits.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        *Metric.config_keys,
        "num_thresholds",
        "curve",
        "summation_method",
        "multi_label",
        "num_labels",
        "label_weights",
        "from_logits",
    )

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Any = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        where = name or "AUC"
        self._given = None if thresholds is None else sorted(thresholds)
        inner = checked_thresholds(where, self._given, 0)
        if self._given is None:
            num_thresholds = checks.as_int(where, "num_thresholds", num_thresholds, 2)
            inner = np.linspace(0, 1, num_thresholds)[1:-1]
        if num_labels and not multi_label:
            raise ValueError(f"{where}: num_labels is for multi_label=True only, got {num_labels}.")
        epsilon = backend.epsilon()
        super().__init__([-epsilon, *inner, 1 + epsilon], name, dtype)
        self.num_thresholds = len(self._limits)
        self.curve = checks.one_of(where, "curve", str(curve).upper(), ("ROC", "PR", "PRGAIN"))
        self.summation_method = checks.one_of(
            where,
            "summation_method",
            str(summation_method).lower(),
            ("interpolation", "minoring", "majoring"),
        )
        self.multi_label = bool(multi_label)
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else [float(w) for w in label_weights]
        self.from_logits = bool(from_logits)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, the first below 0 and the last above 1."""
        return [float(limit) for limit in self._limits]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments."""
        own = {} if self._given is None else {"thresholds": self._given}
        return super().get_config() | own

    def reset_state(self) -> None:
        """Forget all batches."""
        self.counts = np.zeros(())

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the decisions of a batch, see `ConfusionMetric`."""
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        if self.label_weights is not None and not self.multi_label:
            weights = np.ones(np.shape(y_pred), np.float32)
            if sample_weight is not None:
                weights = weights * align_weights(self.name, sample_weight, weights.shape)
            sample_weight = weights * np.asarray(self.label_weights, np.float32)
        super().update_state(y_true, np.clip(y_pred, 0, 1), sample_weight)

    def _count(self, positive: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> np.ndarray:
        if not self.multi_label:
            return super()._count(positive, scores, weights)
        if scores.ndim != 2:
            raise ValueError(f"{self.name}: multi_label needs (N, labels), got {scores.shape}.")
        columns = zip(positive.T, scores.T, weights.T, strict=True)
        return np.stack([super(AUC, self)._count(*column) for column in columns], axis=-1)

    def result(self) -> float:
        """Return the area."""
        if not self.counts.ndim:
            return 0.0
        if self.curve == "PR" and self.summation_method == "interpolation":
            parts = self._interpolated()
        else:
            x, y = self._points()
            heights = {
                "interpolation": (y[:-1] + y[1:]) / 2,
                "minoring": np.minimum(y[:-1], y[1:]),
                "majoring": np.maximum(y[:-1], y[1:]),
            }[self.summation_method]
            parts = (x[:-1] - x[1:]) * heights
        area = parts.sum(axis=0)
        return float(np.average(area, weights=self.label_weights) if self.multi_label else area)

    def _points(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the curve's points, from the lowest threshold to the highest."""
        tp, fp, tn, fn = self.counts
        if self.curve == "ROC":
            return divide(fp, fp + tn), divide(tp, tp + fn)
        if self.curve == "PR":
            return divide(tp, tp + fn), divide(tp, tp + fp)
        # P. Flach, M. Kull, "Precision-recall-gain curves", NIPS 2015
        odds = divide(tp + fn, tn + fp)
        recall = np.where(tp == 0, 0, 1 - odds * divide(fn, tp))
        precision = np.where(tp == 0, 1, 1 - odds * divide(fp, tp))
        return np.maximum(recall, 0), precision

    def _interpolated(self) -> np.ndarray:
        """Return areas between neighbouring thresholds of the precision-recall curve."""
        tp, fp, _, fn = self.counts
        p = tp + fp
        dtp = tp[:-1] - tp[1:]
        slope = divide(dtp, np.maximum(p[:-1] - p[1:], 0))
        both = (p[:-1] > 0) & (p[1:] > 0)
        ratio = np.where(both, divide(p[:-1], np.maximum(p[1:], 0)), 1)
        area = slope * (dtp + (tp[1:] - slope * p[1:]) * np.log(ratio))
        return divide(area, np.maximum(tp[1:] + fn[1:], 0))
