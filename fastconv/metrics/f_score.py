"""F1Score and FBetaScore: means of precision and recall, one per class."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend
from ..arguments import as_real
from ..ops import checks
from .metric import Metric

#: A score of 0 is no decision, even if it is the largest.
SMALLEST_SCORE = 1e-9


class FBetaScore(Metric):
    """(1 + beta**2) * precision * recall / (beta**2 * precision + recall).

    Parameters
    ----------
    average : None, "micro", "macro" or "weighted"
        None gives one score per class, "micro" counts all classes together, "macro" and "weighted"
        are means over the classes, the second one weighted by how often they occur.
    beta : number > 0
        How much recall counts more than precision.
    threshold : float in (0, 1], optional
        A score above it is a yes; by default the largest of each row is.
    name, dtype
        See `Metric`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Metric.config_keys, "average", "beta", "threshold")
    direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average is not None:
            checks.one_of(name, "average", average, ("micro", "macro", "weighted"))
        self.average = average
        self.beta = as_real(name, "beta", beta, 0)
        self.threshold = None if threshold is None else as_real(name, "threshold", threshold, 0, 1)
        if not self.beta or self.threshold == 0:
            raise ValueError(f"{name}: beta and threshold must be greater than 0, got 0.")
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.counts = np.zeros((3, 1))  # true positives, false positives, false negatives

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch of targets (N, C), 0 or 1, and scores (N, C) with weights (N,)."""
        y, p = np.asarray(y_true, np.float64), np.asarray(y_pred)
        if y.ndim != 2 or y.shape != p.shape:
            raise ValueError(
                f"{self.name}: y_true and y_pred must both be (N, classes), got {y.shape} and "
                f"{p.shape}."
            )
        if self.threshold is None:
            yes = (p >= p.max(axis=-1, keepdims=True)) & (np.abs(p) > SMALLEST_SCORE)
        else:
            yes = p > np.float32(self.threshold)
        weights = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight)
        parts = np.stack([yes * y, yes * (1 - y), ~yes * y]) * weights.reshape(-1, 1)
        axes = (1, 2) if self.average == "micro" else 1
        self.counts = self.counts + parts.sum(axis=axes).reshape(3, -1)

    def result(self) -> Any:
        """Return the score, or an array with that of each class."""
        tp, fp, fn = self.counts
        epsilon = backend.epsilon()
        precision, recall = tp / (tp + fp + epsilon), tp / (tp + fn + epsilon)
        square = self.beta**2
        scores = (1 + square) * precision * recall / (square * precision + recall + epsilon)
        if self.average is None:
            return scores.astype(np.float32)
        if self.average == "weighted":
            return float((scores * (tp + fn)).sum() / ((tp + fn).sum() + epsilon))
        return float(scores.mean())


class F1Score(FBetaScore):
    """`FBetaScore` with beta = 1; parameters as there."""

    config_keys: ClassVar[tuple[str, ...]] = (*Metric.config_keys, "average", "threshold")

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)
