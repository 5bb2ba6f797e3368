"""Cross-entropies with one-hot targets, with labels, and of independent yes-or-no targets."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import ops, progress
from ..ops import bound
from .entropy import CrossEntropy, clip_probabilities, normalise
from .labels import as_labels
from .loss import Loss, as_targets, fits, show_shape


class CategoricalCrossentropy(CrossEntropy):
    """Cross-entropy of one-hot (or soft) targets with class probabilities.

    Targets and predictions are (N, ..., C); `axis` tells another place of C. A target row of zeros
    has loss 0.

    Parameters
    ----------
    from_logits : bool
        The predictions are logits: softmax is part of the loss.
    label_smoothing : float in [0, 1]
        Targets become y * (1 - a) + a / C.
    axis : int
        The classes: 1 for outputs (N, C, ...).
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*CrossEntropy.config_keys, "label_smoothing")

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, axis, reduction, name, dtype, label_smoothing)

    def prepare(self, where: str, y_true: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Check one-hot targets, see `Loss.prepare`."""
        y = as_targets(where, y_true)
        shape, classes = self._without_classes(where, output_shape)
        self._check_classes(where, classes)
        if fits(y.shape, shape) or fits(y.shape, (*shape, 1)):
            raise ValueError(
                f"{where}: {self.name} needs one-hot targets, got labels of shape "
                f'{show_shape(y.shape)}; use loss="sparse_categorical_crossentropy" or '
                f"to_categorical(y, {classes})."
            )
        if not fits(y.shape, output_shape):
            if self.axis == -1 and fits(y.shape[:-1], shape):
                raise ValueError(
                    f"{where}: y has {y.shape[-1]} classes, the last layer has {classes} units."
                )
            return super().prepare(where, y, output_shape)  # raises
        empty = int(np.count_nonzero(~y.any(axis=self.axis)))
        if empty:
            progress.warn(f"{where}: {empty} rows of y are all zero (no class); their loss is 0.")
        return y

    def labels(self, y_true: np.ndarray) -> np.ndarray:
        """Return the class of each target row."""
        return np.asarray(y_true.argmax(axis=self.axis))

    def _slopes(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p, total, unclipped = normalise(y_pred)
        y_true = self._targets(y_true, y_pred.shape)
        slope: np.ndarray = np.where(unclipped, -y_true / p, np.float32(0))
        slope -= (slope * p).sum(axis=-1, keepdims=True)
        slope /= total
        return slope

    def _from_probabilities(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        log_p = np.log(normalise(y_pred)[0])
        values: np.ndarray = -(self._targets(y_true, y_pred.shape) * log_p).sum(axis=-1)
        return values

    def _smooth(self, y_true: np.ndarray) -> np.ndarray:
        if not self.label_smoothing:
            return y_true
        a = self.label_smoothing
        return y_true * np.float32(1 - a) + np.float32(a / y_true.shape[-1])


class SparseCategoricalCrossentropy(CrossEntropy):
    """Cross-entropy of integer labels (N, ...) or (N, ..., 1) with class probabilities (N, ..., C).

    Parameters
    ----------
    from_logits : bool
        The predictions are logits: softmax is part of the loss.
    ignore_class : int, optional
        A label whose samples do not count, often -1 or 255 in segmentation.
    axis : int
        The classes: 1 for outputs (N, C, ...).
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "from_logits", "ignore_class")

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, axis, reduction, name, dtype)
        self.ignore_class = ignore_class

    def prepare(self, where: str, y_true: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Check integer labels, see `Loss.prepare`."""
        shape, classes = self._without_classes(where, output_shape)
        self._check_classes(where, classes)
        return as_labels(where, y_true, (*shape, classes), self.ignore_class)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments; those of Keras forget `axis`."""
        return super().get_config() | ({} if self.axis == -1 else {"axis": self.axis})

    def labels(self, y_true: np.ndarray) -> np.ndarray:
        """Return the targets, which are labels."""
        return y_true

    @property
    def _counts_all(self) -> bool:
        return self.ignore_class is None

    def valid(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return which labels are not `ignore_class`."""
        return None if self.ignore_class is None else np.asarray(y_true != self.ignore_class)

    def _slopes(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p, total, unclipped = normalise(y_pred)
        labels = self._indices(y_true)[..., None]
        hit = np.take_along_axis(unclipped, labels, -1)
        dy: np.ndarray = hit / np.broadcast_to(total, y_pred.shape)
        at_label = np.take_along_axis(dy, labels, -1)
        at_label -= hit / (total * np.take_along_axis(p, labels, -1))
        np.put_along_axis(dy, labels, at_label, -1)
        return dy

    def _from_probabilities(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p = normalise(y_pred)[0]
        at_label = np.take_along_axis(p, self._indices(y_true)[..., None], -1)
        values: np.ndarray = -np.log(at_label[..., 0])
        return values

    def _indices(self, y_true: np.ndarray) -> np.ndarray:
        """Return labels that index: 0 for those that do not count."""
        valid = self.valid(y_true)
        labels = y_true if valid is None else np.where(valid, y_true, 0)
        return np.ascontiguousarray(labels, np.int64)

    def _targets(self, y_true: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        if self.ignore_class is not None:
            y_true = self._indices(y_true)
        return ops.as_classes(y_true)


class BinaryCrossentropy(CrossEntropy):
    """Mean over the last axis of the cross-entropy of 0/1 targets with probabilities.

    Targets and predictions are (N, ..., C); (N,) targets meet (N, 1) predictions.

    Parameters
    ----------
    from_logits : bool
        The predictions are logits: sigmoid is part of the loss.
    label_smoothing : float in [0, 1]
        Targets become y * (1 - a) + a / 2.
    axis : int
        What the mean is taken over.
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*CrossEntropy.config_keys, "label_smoothing")
    activation = "sigmoid"
    _bind_logits_op = staticmethod(bound.sigmoid_cross_entropy)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(from_logits, axis, reduction, name, dtype, label_smoothing)

    def prepare(self, where: str, y_true: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Check targets in [0, 1], see `Loss.prepare`."""
        self._without_classes(where, output_shape)  # the axis
        y = super().prepare(where, y_true, output_shape)
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise ValueError(
                f"{where}: {self.name} needs targets from 0 to 1, got {y.min()} to {y.max()}."
            )
        return y

    def labels(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return 0 or 1 for each target, None if a sample has several."""
        alone = y_true.shape[self.axis] == 1
        return np.rint(y_true.take(0, self.axis)).astype(np.int64) if alone else None

    def _slopes(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p, unclipped = clip_probabilities(y_pred)
        y_true = self._targets(y_true, y_pred.shape)
        slope = (p - y_true) / (p * (1 - p) * np.float32(y_pred.shape[-1]))
        return np.where(unclipped, slope, np.float32(0))

    def _from_probabilities(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        p, _ = clip_probabilities(y_pred)
        y_true = self._targets(y_true, y_pred.shape)
        values: np.ndarray = -(y_true * np.log(p) + (1 - y_true) * np.log(1 - p)).mean(axis=-1)
        return values

    def _logits_op(
        self, y_true: np.ndarray, logits: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        rows = logits.reshape(-1, logits.shape[-1])
        return ops.sigmoid_cross_entropy(rows, self._targets(y_true, rows.shape), weights)

    def _smooth(self, y_true: np.ndarray) -> np.ndarray:
        a = self.label_smoothing
        return y_true * np.float32(1 - a) + np.float32(a / 2) if a else y_true
