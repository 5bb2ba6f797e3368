"""Loss: one value per sample, their reduction to one number, and that number's gradient.

A value belongs to one row of `y_pred` (its last axis): values (N, ...) for y_pred (N, ..., C).
Targets are checked once by `prepare`; `step` trusts them, so a training loop pays for the check
once per data set and not once per batch.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import ops
from ..naming import auto_name
from ..ops import checks
from ..serialization import Configurable

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


class Loss(Configurable):
    """Base of all losses.

    A loss of your own is a function that returns the values and their gradient::

        def squared_error(y_true, y_pred):
            error = y_pred - y_true
            return np.square(error).mean(axis=-1), 2 * error / error.shape[-1]

    or, with options and a config, a class that defines `call` and `gradient`::

        class SquaredError(Loss):
            def call(self, y_true, y_pred):
                return np.square(y_pred - y_true).mean(axis=-1)

            def gradient(self, y_true, y_pred):
                return 2 * (y_pred - y_true) / y_pred.shape[-1]

    Parameters
    ----------
    name : str, optional
        Name in messages; made from the class name by default.
    reduction : "sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none" or None
        "sum_over_batch_size" and "mean" divide the weighted sum by the number of values,
        "mean_with_sample_weight" by the sum of the weights. None keeps one value per sample, which
        cannot be trained on.
    dtype : "float32" or None

    Raises
    ------
    ValueError
        `reduction` or `dtype` is not one of these.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("name", "reduction")
    #: Name of objects that are given none; None makes one from the class name.
    default_name: ClassVar[str | None] = None
    #: The last activation of a model that `step_logits` can take over, or None.
    fused_activation: str | None = None

    def __init__(
        self,
        name: str | None = None,
        reduction: str | None = "sum_over_batch_size",
        dtype: Any = None,
    ) -> None:
        self.name = name or self.default_name or auto_name(type(self).__name__)
        if reduction not in REDUCTIONS:
            checks.one_of(self.name, "reduction", reduction, [r for r in REDUCTIONS if r])
        if dtype not in (None, "float32"):
            raise ValueError(f"{self.name}: dtype must be None or 'float32', got {dtype!r}.")
        self.reduction = reduction
        self.dtype = "float32"

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the value of each sample, (N, ...) for prepared targets and y_pred (N, ..., C)."""
        raise checks.must_define(self, "call(y_true, y_pred)")

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its row of `y_pred`, shaped like `y_pred`."""
        raise checks.must_define(self, "gradient(y_true, y_pred), the derivative of call()")

    def prepare(self, where: str, y_true: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Return `y_true` as an array that fits `output_shape`; sizes of None fit anything.

        Raises
        ------
        TypeError
            `y_true` does not hold numbers.
        ValueError
            The shapes differ; only (N,) and (N, 1) meet.
        """
        y = as_targets(where, y_true)
        shape = output_shape
        if y.ndim == len(shape) - 1 and shape[-1] == 1:
            y = y[..., None]
        elif y.ndim == len(shape) + 1 and y.shape[-1] == 1:
            y = y[..., 0]
        if not fits(y.shape, shape):
            raise ValueError(
                f"{where}: y must have the shape of the output, {show_shape(shape)}, got "
                f"{show_shape(y.shape)}."
            )
        return y

    def labels(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return the class of each prepared target, None if targets are not classes."""
        return None

    def valid(self, y_true: np.ndarray) -> np.ndarray | None:
        """Return which samples count (bool, shaped like the values), or None for all."""
        return None

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss, a float (an array for reduction None)."""
        y_true, y_pred = self._checked(y_true, y_pred)
        if self.reduction in ("none", None):
            values: Any = self.call(y_true, y_pred)
            weights, _ = self._weights(values.shape, y_true, sample_weight)
            return values if weights is None else values * weights
        return self.step(y_true, y_pred, sample_weight, gradient=False)[0]

    def value_and_grad(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> tuple[float, np.ndarray]:
        """Return the reduced loss and its gradient by `y_pred` (float32, same shape)."""
        y_true, y_pred = self._checked(y_true, y_pred)
        value, dy = self.step(y_true, y_pred, sample_weight)
        assert dy is not None
        return value, dy

    def step(
        self,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: Any = None,
        *,
        gradient: bool = True,
    ) -> tuple[float, np.ndarray | None]:
        """Return the loss of prepared targets and, if asked, its gradient by `y_pred`."""
        values = self.call(y_true, y_pred)
        weights, divisor = self._weights(values.shape, y_true, sample_weight)
        value = weighted_sum(values, weights) / divisor
        if not gradient:
            return value, None
        scale = self._spread(self._scale(weights, divisor), y_pred.ndim)
        dy = self.gradient(y_true, y_pred) * scale
        return value, np.ascontiguousarray(dy, np.float32)

    def _spread(self, scale: Any, ndim: int) -> Any:
        """Return `scale`, one number or one per value, with the axes of y_pred."""
        shape = np.shape(scale)
        return scale.reshape(shape + (1,) * (ndim - len(shape))) if shape else scale

    def _checked(self, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
        y_pred = checks.as_float32(self.name, "y_pred", y_pred)
        y_true = self.prepare(self.name, y_true, y_pred.shape)
        if len(y_true) != len(y_pred):
            raise ValueError(
                f"{self.name}: y_true has {len(y_true)} samples, y_pred has {len(y_pred)}."
            )
        return y_true, y_pred

    def _weights(
        self, shape: tuple[int, ...], y_true: np.ndarray, sample_weight: Any
    ) -> tuple[np.ndarray | None, float]:
        """Return weights of the values (None: all 1) and what their weighted sum is divided by."""
        weights = None
        if shape == ():  # one value for the whole batch
            return _batch_weight(self.name, sample_weight, self.reduction), 1.0
        if sample_weight is not None:
            # A value of a whole region: training gives one weight per pixel, all the same.
            whole = np.asarray(sample_weight)
            while whole.ndim > len(shape) and (whole == whole[..., :1]).all():
                whole = whole[..., 0]
            weights = align_weights(self.name, whole, shape)
        valid = self.valid(y_true)
        count = math.prod(shape)
        if valid is not None:
            count = int(np.count_nonzero(valid))
            weights = valid.astype(np.float32) if weights is None else weights * valid
        if self.reduction == "sum":
            divisor = 1.0
        elif self.reduction == "mean_with_sample_weight" and weights is not None:
            divisor = float(weights.sum(dtype=np.float64))
        else:
            divisor = float(count)
        return weights, divisor or 1.0  # nothing to average: the sum is 0 too

    def _scale(self, weights: np.ndarray | None, divisor: float) -> Any:
        """Return what each value's gradient is multiplied by: a scalar, or an array of weights."""
        if self.reduction in ("none", None):
            raise ValueError(
                f"{self.name}: reduction=None gives one value per sample, which has no single "
                f'gradient; use reduction="sum_over_batch_size".'
            )
        return np.float32(1 / divisor) if weights is None else weights * np.float32(1 / divisor)


def as_targets(where: str, y: Any) -> np.ndarray:
    """Return `y` as an array of real numbers of at least one axis."""
    targets = np.asarray(y)
    if targets.dtype.kind in "US":
        raise TypeError(
            f"{where}: y has strings; encode them, e.g. np.unique(y, return_inverse=True)[1]."
        )
    if targets.dtype.kind not in "fiub":
        raise TypeError(f"{where}: y must hold real numbers, got dtype {targets.dtype}.")
    if targets.ndim == 0:
        raise ValueError(f"{where}: y must have one entry per sample, got a single number.")
    return targets


def align_weights(where: str, sample_weight: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return float32 weights of the given shape; fewer axes weigh whole samples.

    Raises
    ------
    ValueError
        The weights fit neither the leading axes of `shape` nor `shape` with a last axis of 1.
    """
    weights = checks.as_float32(where, "sample_weight", sample_weight)
    if weights.shape == shape:
        return weights
    if weights.ndim == len(shape) + 1 and weights.shape[-1] == 1:
        weights = weights[..., 0]
    if weights.shape[:1] != shape[:1] or not fits(
        weights.shape, shape[: weights.ndim], broadcast=True
    ):
        raise ValueError(
            f"{where}: sample_weight must have the shape of the values, {shape}, or of their "
            f"leading axes, got {weights.shape}."
        )
    weights = weights.reshape(weights.shape + (1,) * (len(shape) - weights.ndim))
    return np.broadcast_to(weights, shape)


def _batch_weight(where: str, sample_weight: Any, reduction: str | None) -> np.ndarray | None:
    """Return what the value of a whole batch is multiplied by, as if each sample had it."""
    if sample_weight is None or reduction == "mean_with_sample_weight":
        return None
    weights = checks.as_float32(where, "sample_weight", sample_weight)
    total = weights.sum() if reduction == "sum" else weights.mean()
    return np.asarray(total, np.float32)


def fits(
    shape: tuple[int, ...], wanted: tuple[int | None, ...], *, broadcast: bool = False
) -> bool:
    """Return whether `shape` is `wanted` behind the batch axis; None, and 1 if asked, fit all."""
    return len(shape) == len(wanted) and all(
        want in (None, size) or (broadcast and size == 1)
        for size, want in zip(shape[1:], wanted[1:], strict=True)
    )


def show_shape(shape: tuple[int | None, ...]) -> str:
    """Return a shape with its batch axis as N: (N, 28, 28, 1)."""
    return f"(N{', ' if len(shape) > 1 else ','}{', '.join(map(str, shape[1:]))})"


def weighted_sum(values: np.ndarray, weights: np.ndarray | None) -> float:
    """Return the sum of values * weights in double precision."""
    terms = values if weights is None else values * weights
    return ops.total(terms) if terms.dtype == np.float32 else float(terms.sum(dtype=np.float64))
