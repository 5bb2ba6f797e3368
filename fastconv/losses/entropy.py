"""Cross-entropies: of probabilities (Keras's formulas) and of logits (one fused op, stable).

Probabilities are normalised and clipped to [epsilon, 1 - epsilon], so a sample that is wrong with
certainty has a finite loss and no gradient. A model that ends in softmax or sigmoid is therefore
trained on its logits: the loss is the true one and the gradient is (p - y) / N.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import backend, ops
from ..ops import bound, checks
from .loss import Loss, weighted_sum


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
        raise checks.must_define(self, "_slopes(y_true, y_pred)")

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
