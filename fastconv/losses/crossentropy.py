"""Cross-entropies: of probabilities (Keras's formulas) and of logits (one fused op, stable).

Probabilities are normalised and clipped to [epsilon, 1 - epsilon], so a sample that is wrong with
certainty has a finite loss and no gradient. A model that ends in softmax or sigmoid is therefore
trained on its logits: the loss is the true one and the gradient is (p - y) / N.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import backend, ops, progress
from ..ops import bound, checks
from .labels import as_labels
from .loss import Loss, as_targets, fits, show_shape, weighted_sum


class CrossEntropy(Loss):
    """What the three cross-entropies share; `_logits_op` is their fused op.

    Subclasses compute with the classes along the last axis, in `_values` and `_slopes`.
    """

    config_keys: ClassVar[tuple[str, ...]] = (*Loss.config_keys, "from_logits", "axis")
    activation = "softmax"
    #: `_logits_op` for rows that always lie in the same arrays.
    _bind_logits_op = staticmethod(bound.softmax_cross_entropy)

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
        if not 0 <= label_smoothing <= 1:
            raise ValueError(f"{name}: label_smoothing must be in [0, 1], got {label_smoothing!r}.")
        self.from_logits = bool(from_logits)
        self.label_smoothing = label_smoothing
        self.axis = checks.as_int(name, "axis", axis, -99)
        # Softmax of a model's last layer is taken over only where it goes along the last axis.
        self.fused_activation = None if from_logits or self.axis != -1 else self.activation

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the cross-entropy of each sample, y_pred.shape without `axis`."""
        return self._values(*self._classes_last(y_true, y_pred))

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by the predictions that it is made of."""
        return self._classes_back(self._slopes(*self._classes_last(y_true, y_pred)))

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
        y_true, logits = self._classes_last(y_true, logits)
        shape = logits.shape[:-1]
        weights, divisor = self._weights(shape, y_true, sample_weight)
        scale = np.empty(shape, np.float32)
        scale[...] = self._scale(weights, divisor)
        values, dlogits = self._logits_op(y_true, logits, scale.reshape(-1))
        value = weighted_sum(values.reshape(shape), weights) / divisor
        return value, self._classes_back(dlogits.reshape(logits.shape))

    def bind_logits(
        self, logits: np.ndarray, dlogits: np.ndarray
    ) -> Callable[[np.ndarray], float] | None:
        """Return `step_logits` of prepared targets for logits that always lie in this array.

        The gradient is written to `dlogits`. None if some targets do not count, or the classes are
        elsewhere than along the last axis.
        """
        if self.axis != -1 or not self._counts_all:
            return None
        shape, rows = logits.shape[:-1], logits.reshape(-1, logits.shape[-1])
        _, divisor = self._weights(shape, np.empty(0), None)
        scale = np.full(len(rows), self._scale(None, divisor), np.float32)
        values = np.empty(len(rows), np.float32)
        run = self._bind_logits_op(rows, scale, values, dlogits.reshape(rows.shape))
        return lambda y_true: run(self._targets(y_true, rows.shape)) / divisor

    @property
    def _counts_all(self) -> bool:
        """Whether `valid` returns None for any targets."""
        return True

    def _classes_last(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return targets and predictions with `axis` last; labels have no such axis."""
        if self.axis == -1:
            return arrays
        ndim = arrays[-1].ndim
        axis = checks.as_axis(self.name, self.axis, ndim)
        return tuple(
            np.ascontiguousarray(np.moveaxis(a, axis, -1)) if a.ndim == ndim else a for a in arrays
        )

    def _classes_back(self, slopes: np.ndarray) -> np.ndarray:
        """Return what `_classes_last` moved in its place."""
        return np.ascontiguousarray(
            slopes if self.axis == -1 else np.moveaxis(slopes, -1, self.axis)
        )

    def _spread(self, scale: Any, ndim: int) -> Any:
        return np.expand_dims(scale, self.axis) if np.ndim(scale) else scale

    def _without_classes(
        self, where: str, output_shape: tuple[int | None, ...]
    ) -> tuple[tuple[int | None, ...], int | None]:
        """Return the shape of the values, and the number of classes."""
        axis = checks.as_axis(where, self.axis, len(output_shape))
        if axis == 0:
            raise ValueError(f"{where}: {self.name}: axis must not be 0, which is the batch.")
        return output_shape[:axis] + output_shape[axis + 1 :], output_shape[axis]

    def _values(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        if self.from_logits:
            return self._logits_op(y_true, y_pred, None)[0].reshape(y_pred.shape[:-1])
        return self._from_probabilities(y_true, y_pred)

    def _slopes(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its row of `y_pred`."""
        raise NotImplementedError(f"{type(self).__name__} must define _slopes(y_true, y_pred).")

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

    def _check_classes(self, where: str, classes: int | None) -> None:
        if classes == 1:
            raise ValueError(
                f"{where}: {self.name} needs at least 2 outputs, got 1, whose loss is always 0; "
                f'use a sigmoid output with loss="binary_crossentropy".'
            )

    def _from_probabilities(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        raise checks.must_define(self, "_from_probabilities(y_true, y_pred)")


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
