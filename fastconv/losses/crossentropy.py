"""Cross-entropies: of probabilities (Keras's formulas) and of logits (one fused op, stable).

Probabilities are normalised and clipped to [epsilon, 1 - epsilon], so a sample that is wrong with
certainty has a finite loss and no gradient. A model that ends in softmax or sigmoid is therefore
trained on its logits: the loss is the true one and the gradient is (p - y) / N.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend, ops, progress
from ..ops import checks
from .loss import Loss, as_targets, fits, show_shape, weighted_sum


class CrossEntropy(Loss):
    """What the three cross-entropies share; `_logits_op` is their fused op."""

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "from_logits", "axis")
    activation = "softmax"

    def __init__(
        self,
        from_logits: bool,
        axis: int,
        reduction: str | None,
        name: str,
        dtype: Any,
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        if isinstance(axis, bool) or axis != -1:
            raise ValueError(f"{name}: axis must be -1, the last axis, got {axis!r}.")
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"{name}: label_smoothing must be in [0, 1], got {label_smoothing!r}.")
        self.from_logits = bool(from_logits)
        self.label_smoothing = label_smoothing
        self.axis = axis
        self.fused_activation = None if from_logits else self.activation

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the cross-entropy of each sample, y_pred.shape[:-1]."""
        if self.from_logits:
            return self._logits_op(y_true, y_pred, None)[0].reshape(y_pred.shape[:-1])
        return self._from_probabilities(y_true, y_pred)

    def step(
        self,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: Any = None,
        *,
        gradient: bool = True,
    ) -> tuple[float, np.ndarray | None]:
        """Return the loss of prepared targets and, if asked, its gradient by `y_pred`."""
        if self.from_logits:
            return self.step_logits(y_true, y_pred, sample_weight)
        return super().step(y_true, y_pred, sample_weight, gradient=gradient)

    def value_and_grad_logits(
        self, y_true: Any, logits: Any, sample_weight: Any = None
    ) -> tuple[float, np.ndarray]:
        """Return the loss of softmax/sigmoid(logits), unclipped, and its gradient by the logits."""
        y_true, logits = self._checked(y_true, logits)
        return self.step_logits(y_true, logits, sample_weight)

    def step_logits(
        self, y_true: np.ndarray, logits: np.ndarray, sample_weight: Any = None
    ) -> tuple[float, np.ndarray]:
        """Return what `value_and_grad_logits` does, for prepared targets."""
        shape = logits.shape[:-1]
        weights, divisor = self._weights(shape, y_true, sample_weight)
        scale = np.empty(shape, np.float32)
        scale[...] = self._scale(weights, divisor)
        values, dlogits = self._logits_op(y_true, logits, scale.reshape(-1))
        value = weighted_sum(values.reshape(shape), weights) / divisor
        return value, dlogits.reshape(logits.shape)

    def _logits_op(
        self, y_true: np.ndarray, logits: np.ndarray, weights: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return values (M,) and weights * gradient (M, C) for the M rows of the logits."""
        rows = logits.reshape(-1, logits.shape[-1])
        return ops.softmax_cross_entropy(rows, self._targets(y_true, rows.shape), weights)

    def _targets(self, y_true: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Return smoothed float32 targets of the given shape."""
        return self._smooth(checks.as_float32(self.name, "y_true", y_true)).reshape(shape)

    def _smooth(self, y_true: np.ndarray) -> np.ndarray:
        return y_true

    def _check_classes(self, where: str, output_shape: tuple[int | None, ...]) -> None:
        if output_shape[-1] == 1:
            raise ValueError(
                f"{where}: {self.name} needs at least 2 outputs, got 1, whose loss is always 0; "
                f'use a sigmoid output with loss="binary_crossentropy".'
            )

    def _from_probabilities(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        raise NotImplementedError


class CategoricalCrossentropy(CrossEntropy):
    """Cross-entropy of one-hot (or soft) targets with class probabilities.

    Targets and predictions are (N, ..., C). A target row of zeros has loss 0.

    Parameters
    ----------
    from_logits : bool
        The predictions are logits: softmax is part of the loss.
    label_smoothing : float in [0, 1]
        Targets become y * (1 - a) + a / C.
    axis : -1
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
        self._check_classes(where, output_shape)
        if fits(y.shape, output_shape[:-1]) or fits(y.shape, (*output_shape[:-1], 1)):
            raise ValueError(
                f"{where}: {self.name} needs one-hot targets, got labels of shape "
                f'{show_shape(y.shape)}; use loss="sparse_categorical_crossentropy" or '
                f"to_categorical(y, {output_shape[-1]})."
            )
        if not fits(y.shape, output_shape):
            if fits(y.shape[:-1], output_shape[:-1]):
                raise ValueError(
                    f"{where}: y has {y.shape[-1]} classes, the last layer has "
                    f"{output_shape[-1]} units."
                )
            return super().prepare(where, y, output_shape)  # raises
        empty = int(np.count_nonzero(~y.any(axis=-1)))
        if empty:
            progress.warn(f"{where}: {empty} rows of y are all zero (no class); their loss is 0.")
        return y

    def labels(self, y_true: np.ndarray) -> np.ndarray:
        """Return the class of each target row."""
        return np.asarray(y_true.argmax(axis=-1))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by the probabilities."""
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
    axis : -1
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
        self._check_classes(where, output_shape)
        return as_labels(where, y_true, output_shape, self.ignore_class)

    def labels(self, y_true: np.ndarray) -> np.ndarray:
        """Return the targets, which are labels."""
        return y_true

    def valid(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return which labels are not `ignore_class`."""
        return None if self.ignore_class is None else np.asarray(y_true != self.ignore_class)

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by the probabilities."""
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
        return (y_true if valid is None else np.where(valid, y_true, 0)).astype(np.int64)

    def _targets(self, y_true: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        return self._indices(y_true).reshape(-1)


class BinaryCrossentropy(CrossEntropy):
    """Mean over the last axis of the cross-entropy of 0/1 targets with probabilities.

    Targets and predictions are (N, ..., C); (N,) targets meet (N, 1) predictions.

    Parameters
    ----------
    from_logits : bool
        The predictions are logits: sigmoid is part of the loss.
    label_smoothing : float in [0, 1]
        Targets become y * (1 - a) + a / 2.
    axis : -1
    reduction, name, dtype
        See `Loss`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*CrossEntropy.config_keys, "label_smoothing")
    activation = "sigmoid"

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
        y = super().prepare(where, y_true, output_shape)
        if y.size and not (y.min() >= 0 and y.max() <= 1):
            raise ValueError(
                f"{where}: {self.name} needs targets from 0 to 1, got {y.min()} to {y.max()}."
            )
        return y

    def labels(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return 0 or 1 for each target, None if a sample has several."""
        return np.rint(y_true[..., 0]).astype(np.int64) if y_true.shape[-1] == 1 else None

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by the probabilities."""
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


def as_labels(
    where: str, targets: Any, output_shape: tuple[int | None, ...], ignore_class: int | None = None
) -> np.ndarray:
    """Return integer labels shaped like the output without its class axis.

    Raises
    ------
    TypeError
        `targets` do not hold numbers.
    ValueError
        They have another shape, are not integral, or hold a label that is not a class.
    """
    y = as_targets(where, targets)
    classes = output_shape[-1]
    if y.ndim == len(output_shape) and y.shape[-1] == 1:
        y = y[..., 0]
    if not fits(y.shape, output_shape[:-1]):
        one_hot = fits(y.shape, output_shape)
        hint = '; it looks one-hot: use loss="categorical_crossentropy" or y.argmax(-1)'
        raise ValueError(
            f"{where}: y must hold integer labels of shape {show_shape(output_shape[:-1])}, got "
            f"{show_shape(y.shape)}{hint if one_hot else ''}."
        )
    if y.dtype.kind == "f":
        whole = np.floor(y) == y
        if not whole.all():
            raise ValueError(
                f"{where}: y must hold integer labels, got a fraction or NaN at index "
                f"{_first(~whole)}."
            )
        y = y.astype(np.int64)
    if classes is not None and y.size and not (y.min() >= 0 and y.max() < classes):
        wrong = (y < 0) | (y >= classes)
        if ignore_class is not None:
            wrong &= y != ignore_class
        if wrong.any():
            index = _first(wrong)
            bad = y[index]
            hint = " Labels starting at 1? Subtract 1." if y.min() == 1 and bad == classes else ""
            raise ValueError(
                f"{where}: y contains {bad} (at index {index if y.ndim > 1 else index[0]}) but "
                f"the model has {classes} outputs (valid labels 0..{classes - 1}).{hint}"
            )
    return y


def _first(mask: np.ndarray) -> tuple[int, ...]:
    """Return the index of the first true entry."""
    return tuple(int(i) for i in np.unravel_index(int(mask.argmax()), mask.shape))


def clip_probabilities(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities clipped as Keras does, and where clipping changed nothing."""
    epsilon = np.float32(backend.epsilon())
    clipped = np.clip(p, epsilon, 1 - epsilon)
    return clipped, clipped == p


def normalise(y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows that sum to 1 and are clipped, the rows' sums, and where nothing was clipped."""
    total = y_pred.sum(axis=-1, keepdims=True)
    p, unclipped = clip_probabilities(y_pred / total)
    return p, total, unclipped
