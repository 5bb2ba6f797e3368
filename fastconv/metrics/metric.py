"""Metric, and the running means that almost all metrics are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from .. import serialization
from ..losses.loss import align_weights
from ..naming import auto_name
from ..ops import checks
from ..serialization import Configurable


class Metric(Configurable):
    """Base of all metrics: a number that is collected over batches.

    A metric of your own defines `update_state`, `result` and `reset_state`.

    Parameters
    ----------
    dtype : "float32" or None
    name : str, optional
        Name in logs and History; made from the class name by default.

    Attributes
    ----------
    direction : "up", "down" or None
        Whether a better model has a higher or a lower value; None if unknown.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("name", "dtype")
    direction: str | None = None

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        self.name = name or auto_name(type(self).__name__)
        if dtype not in (None, "float32"):
            raise ValueError(f"{self.name}: dtype must be None or 'float32', got {dtype!r}.")
        self.dtype = "float32"

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add a batch."""
        raise checks.must_define(self, "update_state()")

    def result(self) -> Any:
        """Return the value over all batches since `reset_state`: a number, array or dictionary."""
        raise checks.must_define(self, "result()")

    def reset_state(self) -> None:
        """Forget all batches."""
        raise checks.must_define(self, "reset_state()")

    def bind(self, y_pred: np.ndarray) -> Callable[[np.ndarray], None]:
        """Return what adds batches of targets, whose predictions are in this array each time."""
        return lambda y_true: self.update_state(y_true, y_pred)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Add a batch and return the result so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"


class Mean(Metric):
    """Weighted mean of all values; values of more than one axis are first averaged per sample."""

    def __init__(self, name: str | None = "mean", dtype: Any = None) -> None:
        super().__init__(dtype=dtype, name=name)
        self.reset_state()

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add values of shape (), (N,) or (N, ...) with weights for all or their leading axes."""
        values = np.asarray(values)
        if sample_weight is None:
            self._add(float(values.sum(dtype=np.float64)), values)
            return
        weights = align_weights(self.name, sample_weight, values.shape)
        per_sample = max(1, values.size // len(values)) if values.ndim else 1
        self.total += float((values * weights).sum(dtype=np.float64)) / per_sample
        self.count += float(weights.sum(dtype=np.float64)) / per_sample

    def add(self, mean: float, count: int) -> None:
        """Add so many values whose mean is known."""
        self.total += mean * count
        self.count += count

    def _add(self, total: float, values: np.ndarray) -> None:
        """Add values whose sum is known."""
        if values.ndim == 0:
            self.total += total
            self.count += 1
        elif values.size:
            self.total += total * (len(values) / values.size)
            self.count += len(values)

    def result(self) -> float:
        """Return the mean, 0.0 before the first value."""
        return self.total / self.count if self.count else 0.0

    def reset_state(self) -> None:
        """Forget all values."""
        self.total = 0.0
        self.count = 0.0


class Sum(Metric):
    """Weighted sum of all values."""

    def __init__(self, name: str | None = "sum", dtype: Any = None) -> None:
        super().__init__(dtype=dtype, name=name)
        self.reset_state()

    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Add values of any shape with weights for all or their leading axes."""
        values = np.asarray(values)
        if sample_weight is not None:
            values = values * align_weights(self.name, sample_weight, values.shape)
        self.total += float(values.sum(dtype=np.float64))

    def result(self) -> float:
        """Return the sum."""
        return self.total

    def reset_state(self) -> None:
        """Forget all values."""
        self.total = 0.0


class MeanMetricWrapper(Mean):
    """Mean of what `fn(y_true, y_pred, **kwargs)` gives for each sample.

    Parameters
    ----------
    fn : function of arrays y_true and y_pred
        That of a loss of your own, which returns a pair, will do: its gradient is left out.
    name : str, optional
        The function's name by default.
    dtype : "float32" or None
    **kwargs
        Passed on to `fn`.
    """

    def __init__(
        self, fn: Callable[..., Any], name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        if isinstance(fn, Mapping):
            fn = serialization.deserialize(fn, {}, "metric function")
        super().__init__(name=name or getattr(fn, "__name__", None), dtype=dtype)
        self._fn = fn
        self._fn_kwargs = kwargs

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add the values of a batch."""
        values = self._fn(np.asarray(y_true), np.asarray(y_pred), **self._fn_kwargs)
        values = np.asarray(values[0] if isinstance(values, tuple) else values)
        if sample_weight is None and values.dtype == bool:
            self._add(float(np.count_nonzero(values)), values)
        else:
            super().update_state(values, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments; subclasses know their function."""
        config = super().get_config()
        if type(self) is MeanMetricWrapper:
            config |= serialization.serialize({"fn": self._fn, **self._fn_kwargs})
        return config


def same_shape(where: str, y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return both as arrays of one shape; (N,) meets (N, 1).

    Raises
    ------
    ValueError
        The shapes differ otherwise; nothing is broadcast.
    """
    y_true, y_pred = np.asarray(y_true), np.asarray(y_pred)
    if y_true.shape != y_pred.shape:
        if y_true.shape == y_pred.shape[:-1] and y_pred.shape[-1] == 1:
            y_pred = y_pred[..., 0]
        elif y_pred.shape == y_true.shape[:-1] and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        else:
            raise ValueError(
                f"{where}: y_true and y_pred must have the same shape, got {y_true.shape} and "
                f"{y_pred.shape}."
            )
    return y_true, y_pred
