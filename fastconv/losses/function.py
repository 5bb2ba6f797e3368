"""FunctionLoss: a loss made of one function of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import serialization
from ..ops import checks
from .loss import Loss, as_targets


class FunctionLoss(Loss):
    """A loss whose function returns values and their gradient.

    Parameters
    ----------
    fn : function of (y_true, y_pred)
        Returns one value per sample (or one for the batch), and the derivative of each by its part
        of y_pred, shaped like y_pred.
    name, reduction, dtype
        See `Loss`.
    **kwargs
        Passed on to `fn`.
    """

    config_keys = (*Loss.config_keys, "fn")

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(fn, Mapping):
            fn = serialization.deserialize(fn, {}, "loss function")
        super().__init__(
            name=name or getattr(fn, "__name__", None), reduction=reduction, dtype=dtype
        )
        self.fn = fn
        self._fn_kwargs = kwargs

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments; the function is described by its registered name."""
        arguments: dict[str, Any] = serialization.serialize(self._fn_kwargs)
        return super().get_config() | arguments

    def prepare(self, where: str, y_true: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Return targets as they are; only (N, ...) and (N, ..., 1) meet."""
        y = as_targets(where, y_true)
        if y.ndim == len(output_shape) - 1 and output_shape[-1] == 1:
            return y[..., None]
        return y

    def call(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the values."""
        return self._run(y_true, y_pred)[0]

    def gradient(self, y_true: np.ndarray, y_pred: np.ndarray) -> np.ndarray:
        """Return the derivative of each value by its part of `y_pred`."""
        return self._run(y_true, y_pred)[1]

    def _run(self, y_true: np.ndarray, y_pred: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pair = self.fn(y_true, y_pred, **self._fn_kwargs)
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(
                f"{self.name}: a loss function must return (values, gradient by y_pred), got "
                f"{type(pair).__name__}: functions are not differentiated here. Return both, or "
                f"write a subclass of fastconv.losses.Loss with call() and gradient()."
            )
        values = checks.as_float32(self.name, "values", pair[0])
        gradient = checks.as_float32(self.name, "gradient", pair[1])
        if gradient.shape != y_pred.shape or values.shape != y_pred.shape[: values.ndim]:
            raise ValueError(
                f"{self.name}: for y_pred of shape {y_pred.shape} the gradient must have that "
                f"shape and the values that of its leading axes, got {gradient.shape} and "
                f"{values.shape}."
            )
        return values, gradient
