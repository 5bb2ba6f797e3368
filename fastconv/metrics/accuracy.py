"""How often predictions are right, by five meanings of "right".

Each function returns one bool per sample. Classes are compared by argmax, first of equals.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import ops
from ..ops import bound, checks
from .metric import Mean, MeanMetricWrapper, same_shape


def accuracy(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return where values are equal. For class probabilities see `categorical_accuracy`."""
    y_true, y_pred = same_shape("accuracy", y_true, y_pred)
    return np.asarray(y_true == y_pred)


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> np.ndarray:
    """Return where `y_pred > threshold` agrees with 0/1 targets of the same shape."""
    y_true, y_pred = same_shape("binary_accuracy", y_true, y_pred)
    return np.asarray((y_pred > threshold) == y_true)


def categorical_accuracy(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return where one-hot targets (N, ..., C) and predictions have the same argmax."""
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        raise ValueError(
            f"categorical_accuracy: y_true must be one-hot with the shape of y_pred, "
            f"{y_pred.shape}, got {y_true.shape}; for integer labels use "
            f'"sparse_categorical_accuracy".'
        )
    return np.asarray(y_true.argmax(axis=-1) == y_pred.argmax(axis=-1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return where labels (N, ...) or (N, ..., 1) are the argmax of predictions (N, ..., C)."""
    y_pred = np.asarray(y_pred)
    labels = _as_labels("sparse_categorical_accuracy", y_true, y_pred)
    return np.asarray(labels == y_pred.argmax(axis=-1))


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> np.ndarray:
    """Return where the class of one-hot targets is among the `k` best predictions."""
    y_true = np.asarray(y_true)
    return sparse_top_k_categorical_accuracy(y_true.argmax(axis=-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False
) -> np.ndarray:
    """Return where labels are among the `k` best predictions.

    A class ties with the k-th best: it counts. With `from_sorted_ids`, predictions are class ids,
    best first, not scores.
    """
    y_pred = np.asarray(y_pred)
    labels = _as_labels("sparse_top_k_categorical_accuracy", y_true, y_pred)[..., None]
    if from_sorted_ids:
        return np.asarray((y_pred[..., :k] == labels).any(axis=-1))
    labels = labels.astype(np.int64)
    known = (labels >= 0) & (labels < y_pred.shape[-1])
    score = np.take_along_axis(y_pred, np.where(known, labels, 0), axis=-1)
    better = np.count_nonzero(y_pred > score, axis=-1)
    return np.asarray(known[..., 0] & np.isfinite(score[..., 0]) & (better < k))


def _as_labels(where: str, y_true: Any, y_pred: np.ndarray) -> np.ndarray:
    """Return labels shaped like `y_pred` without its last axis."""
    labels = np.asarray(y_true)
    if labels.shape == (*y_pred.shape[:-1], 1):
        labels = labels[..., 0]
    if labels.shape != y_pred.shape[:-1]:
        raise ValueError(
            f"{where}: y_true must hold labels of shape {y_pred.shape[:-1]}, got {labels.shape}."
        )
    return labels


class Accuracy(MeanMetricWrapper):
    """How often values are equal. For class probabilities use "accuracy" or another class."""

    direction = "up"

    def __init__(self, name: str = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(MeanMetricWrapper):
    """How often `y_pred > threshold` agrees with 0/1 targets."""

    config_keys: ClassVar[tuple[str, ...]] = (*Mean.config_keys, "threshold")
    direction = "up"

    def __init__(
        self, name: str = "binary_accuracy", dtype: Any = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)
        self.threshold = threshold


class ClassAccuracy(MeanMetricWrapper):
    """Base of the accuracies of classes: how often they are the argmax of the predictions."""

    def bind(self, y_pred: np.ndarray) -> Callable[[np.ndarray], None]:
        """Return what adds batches of targets, whose predictions are in this array each time."""
        scores = y_pred.reshape(-1, y_pred.shape[-1])
        samples, share = len(y_pred), len(y_pred) / len(scores)
        count_hits = bound.count_hits(scores)

        def update(y_true: np.ndarray) -> None:
            labels = self._labels(y_true, y_pred)
            if labels is None:
                self.update_state(y_true, y_pred)
            else:
                self.total += count_hits(labels) * share
                self.count += samples

        return update

    def _labels(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray | None:
        """Return what `bound.count_hits` takes, None if the targets are something else."""
        raise checks.must_define(self, "_labels(y_true, y_pred)")


class CategoricalAccuracy(ClassAccuracy):
    """How often one-hot targets and predictions have the same argmax."""

    direction = "up"

    def __init__(self, name: str = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)

    def _labels(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray | None:
        fits = y_true.shape == y_pred.shape and y_true.dtype == np.float32
        return np.ascontiguousarray(y_true).reshape(-1, y_true.shape[-1]) if fits else None


class SparseCategoricalAccuracy(ClassAccuracy):
    """How often integer labels are the argmax of the predictions."""

    direction = "up"

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)

    def _labels(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray | None:
        fits = y_true.shape == y_pred.shape[:-1] and y_true.dtype.kind in "iu"
        return ops.as_classes(y_true) if fits else None


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """How often the class of one-hot targets is among the `k` best predictions."""

    config_keys: ClassVar[tuple[str, ...]] = (*Mean.config_keys, "k")
    direction = "up"

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: Any = None
    ) -> None:
        self.k = checks.as_int(name, "k", k)
        super().__init__(top_k_categorical_accuracy, name, dtype, k=self.k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """How often integer labels are among the `k` best predictions."""

    config_keys: ClassVar[tuple[str, ...]] = (*Mean.config_keys, "k", "from_sorted_ids")
    direction = "up"

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        self.k = checks.as_int(name, "k", k)
        self.from_sorted_ids = from_sorted_ids
        super().__init__(
            sparse_top_k_categorical_accuracy,
            name,
            dtype,
            k=self.k,
            from_sorted_ids=from_sorted_ids,
        )
