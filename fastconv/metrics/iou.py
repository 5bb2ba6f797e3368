"""Intersection over union of regions, counted in a confusion matrix of classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..losses.loss import align_weights
from ..ops import checks
from .confusion import divide
from .metric import Metric


class IoU(Metric):
    """Mean over some classes of true positives / (true and false positives + false negatives).

    Parameters
    ----------
    num_classes : int
    target_class_ids : list of int
    name : str, optional
    dtype : str, optional
        Accepted; counts are kept in double precision.
    ignore_class : int, optional
        Pixels with this label do not count.
    sparse_y_true, sparse_y_pred : bool
        Whether targets, predictions are classes, not one-hot rows or scores.
    axis : int
        Axis of the classes.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        *Metric.config_keys,
        "num_classes",
        "target_class_ids",
        "ignore_class",
        "sparse_y_true",
        "sparse_y_pred",
        "axis",
    )
    direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name)
        self.dtype = dtype or "int"
        self.num_classes = checks.as_int(self.name, "num_classes", num_classes)
        self.target_class_ids = list(target_class_ids)
        if not all(0 <= target < num_classes for target in self.target_class_ids):
            raise ValueError(
                f"{self.name}: target_class_ids must be in 0..{num_classes - 1}, got "
                f"{self.target_class_ids}."
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.reset_state()

    def reset_state(self) -> None:
        """Forget all batches."""
        self.confusion: np.ndarray = np.zeros((self.num_classes, self.num_classes))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch; labels and predictions that are no class do not count."""
        true = self._classes(y_true, self.sparse_y_true)
        pred = self._classes(y_pred, self.sparse_y_pred)
        if true.size != pred.size:
            raise ValueError(
                f"{self.name}: y_true and y_pred must hold as many classes, got shapes "
                f"{true.shape} and {pred.shape}."
            )
        weights: Any = 1.0
        if sample_weight is not None:
            weights = align_weights(self.name, sample_weight, true.shape)
        weights = np.broadcast_to(weights, true.shape).reshape(-1)
        true, pred = true.reshape(-1), pred.reshape(-1)
        n = self.num_classes
        known = (true >= 0) & (true < n) & (pred >= 0) & (pred < n)
        if self.ignore_class is not None:
            known &= true != self.ignore_class
        cells = np.bincount(true[known] * n + pred[known], weights[known], minlength=n * n)
        self.confusion += cells.reshape(n, n)

    def _classes(self, y: Any, sparse: bool) -> np.ndarray:
        array = np.asarray(y)
        return (array if sparse else array.argmax(axis=self.axis)).astype(np.int64)

    def result(self) -> float:
        """Return the mean over the target classes that occur, 0 if none does."""
        right = np.diag(self.confusion)
        union = self.confusion.sum(axis=0) + self.confusion.sum(axis=1) - right
        ids = [target for target in self.target_class_ids if union[target] > 0]
        return float(divide(right[ids], union[ids]).mean()) if ids else 0.0


class BinaryIoU(IoU):
    """`IoU` of the classes 0 and 1, scores of at least `threshold` being a 1.

    Parameters
    ----------
    target_class_ids : list of 0, 1
    threshold : float
    name, dtype
        See `IoU`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        *Metric.config_keys,
        "target_class_ids",
        "threshold",
    )

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        super().update_state(y_true, np.asarray(y_pred) >= self.threshold, sample_weight)


class MeanIoU(IoU):
    """`IoU` of all classes; parameters as there."""

    config_keys: ClassVar[tuple[str, ...]] = tuple(
        key for key in IoU.config_keys if key != "target_class_ids"
    )

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes,
            range(num_classes),
            name,
            dtype,
            ignore_class,
            sparse_y_true,
            sparse_y_pred,
            axis,
        )


class OneHotIoU(IoU):
    """`IoU` of one-hot targets and, by default, scores; parameters as there."""

    config_keys: ClassVar[tuple[str, ...]] = tuple(
        key for key in IoU.config_keys if key != "sparse_y_true"
    )

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """`IoU` of all classes, for one-hot targets and, by default, scores; parameters as there."""

    config_keys: ClassVar[tuple[str, ...]] = tuple(
        key for key in MeanIoU.config_keys if key != "sparse_y_true"
    )

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
