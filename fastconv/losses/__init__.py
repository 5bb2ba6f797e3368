"""Losses, and functions that give one value per sample. They use ops and know no model.

    y_true, y_pred -> values (one per sample) -> weighted, reduced -> loss, gradient by y_pred

A loss is an object with a gradient; a function only computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import serialization
from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from .loss import Loss
from .regression import Huber, MeanAbsoluteError, MeanSquaredError

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "Huber",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "binary_crossentropy",
    "categorical_crossentropy",
    "deserialize",
    "get",
    "huber",
    "mean_absolute_error",
    "mean_squared_error",
    "serialize",
    "sparse_categorical_crossentropy",
]


def binary_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """Return the value of `BinaryCrossentropy` for each sample, y_pred.shape[:-1]."""
    loss = BinaryCrossentropy(from_logits, label_smoothing, axis, reduction=None)
    return _values(loss, y_true, y_pred)


def categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> np.ndarray:
    """Return the value of `CategoricalCrossentropy` for each sample, y_pred.shape[:-1]."""
    loss = CategoricalCrossentropy(from_logits, label_smoothing, axis, reduction=None)
    return _values(loss, y_true, y_pred)


def sparse_categorical_crossentropy(
    y_true: Any,
    y_pred: Any,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> np.ndarray:
    """Return the value of `SparseCategoricalCrossentropy` for each sample, y_pred.shape[:-1]."""
    loss = SparseCategoricalCrossentropy(from_logits, ignore_class, axis, reduction=None)
    return _values(loss, y_true, y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the value of `MeanSquaredError` for each sample, y_pred.shape[:-1]."""
    loss = MeanSquaredError(reduction=None)
    return _values(loss, y_true, y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> np.ndarray:
    """Return the value of `MeanAbsoluteError` for each sample, y_pred.shape[:-1]."""
    loss = MeanAbsoluteError(reduction=None)
    return _values(loss, y_true, y_pred)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> np.ndarray:
    """Return the value of `Huber` for each sample, y_pred.shape[:-1]."""
    loss = Huber(delta, reduction=None)
    return _values(loss, y_true, y_pred)


def _values(loss: Loss, y_true: Any, y_pred: Any) -> np.ndarray:
    values: np.ndarray = loss(y_true, y_pred)
    return values


# A model is given losses by function too: loss=losses.mean_squared_error.
_CLASS_OF_FUNCTION: dict[Any, type[Loss]] = {
    binary_crossentropy: BinaryCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    huber: Huber,
}
_ALIASES = {
    "bce": BinaryCrossentropy,
    "BCE": BinaryCrossentropy,
    "mse": MeanSquaredError,
    "MSE": MeanSquaredError,
    "mae": MeanAbsoluteError,
    "MAE": MeanAbsoluteError,
}
_TABLE = serialization.name_table(_CLASS_OF_FUNCTION.values(), _ALIASES)


def get(identifier: Any) -> Any:
    """Return the loss that `identifier` stands for; None stays None.

    Parameters
    ----------
    identifier : str, dict, Loss, Loss class, function of this module, or None

    Raises
    ------
    TypeError
        It is a function of your own, which has no gradient.
    ValueError
        It is unknown.
    """
    if callable(identifier) and not isinstance(identifier, (type, Loss)):
        if identifier not in _CLASS_OF_FUNCTION:
            raise TypeError(
                f"loss: the function {getattr(identifier, '__name__', '?')} has no gradient; write "
                f"a subclass of fastconv.losses.Loss with call() and gradient()."
            )
        identifier = _CLASS_OF_FUNCTION[identifier]
    return serialization.get(identifier, _TABLE, "loss", lambda made: isinstance(made, Loss))


def serialize(loss: Loss) -> Any:
    """Return the config dictionary of a loss."""
    return serialization.serialize(loss)


def deserialize(config: Any) -> Any:
    """Return the loss of a name or config dictionary."""
    return serialization.deserialize(config, _TABLE, "loss")
