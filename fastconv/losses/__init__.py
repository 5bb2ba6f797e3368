"""Losses, and functions that give one value per sample. They use ops and know no model.

    y_true, y_pred -> values (one per sample) -> weighted, reduced -> loss, gradient by y_pred

A loss is an object with a gradient; a function only computes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import naming, serialization
from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
)
from .focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
)
from .function import FunctionLoss
from .loss import Loss
from .overlap import Dice, Tversky
from .regression import (
    Hinge,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SquaredHinge,
)
from .rows import CategoricalHinge, CosineSimilarity, KLDivergence

__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "FunctionLoss",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]

# A model is given losses by function too: loss=losses.mean_squared_error.
_CLASS_OF_FUNCTION: dict[Any, type[Loss]] = {}


def _function_of(cls: type[Loss], *options: str) -> Callable[..., np.ndarray]:
    """Return the function (y_true, y_pred, *options) of a loss: its value for each sample."""

    def function(y_true: Any, y_pred: Any, *args: Any, **kwargs: Any) -> np.ndarray:
        made: Any = cls
        given = dict(zip(options, args, strict=False)) | kwargs
        values: np.ndarray = made(**given, reduction=None)(y_true, y_pred)
        return values

    function.__name__ = function.__qualname__ = naming.to_snake_case(cls.__name__)
    arguments = ", ".join(("y_true", "y_pred", *options))
    function.registered_name = function.__name__  # type: ignore[attr-defined]
    function.__doc__ = (
        f"Return the value of `{cls.__name__}` for each sample, y_pred.shape[:-1].\n\n"
        f"{function.__name__}({arguments}): options as of the class."
    )
    _CLASS_OF_FUNCTION[function] = cls
    return function


_ENTROPY = ("from_logits", "label_smoothing", "axis")

binary_crossentropy = _function_of(BinaryCrossentropy, *_ENTROPY)
categorical_crossentropy = _function_of(CategoricalCrossentropy, *_ENTROPY)
sparse_categorical_crossentropy = _function_of(
    SparseCategoricalCrossentropy, "from_logits", "ignore_class", "axis"
)
binary_focal_crossentropy = _function_of(
    BinaryFocalCrossentropy, "apply_class_balancing", "alpha", "gamma", *_ENTROPY
)
categorical_focal_crossentropy = _function_of(
    CategoricalFocalCrossentropy, "alpha", "gamma", *_ENTROPY
)
categorical_generalized_cross_entropy = _function_of(CategoricalGeneralizedCrossEntropy, "q")
mean_squared_error = _function_of(MeanSquaredError)
mean_absolute_error = _function_of(MeanAbsoluteError)
mean_absolute_percentage_error = _function_of(MeanAbsolutePercentageError)
mean_squared_logarithmic_error = _function_of(MeanSquaredLogarithmicError)
huber = _function_of(Huber, "delta")
log_cosh = _function_of(LogCosh)
poisson = _function_of(Poisson)
hinge = _function_of(Hinge)
squared_hinge = _function_of(SquaredHinge)
categorical_hinge = _function_of(CategoricalHinge)
kl_divergence = _function_of(KLDivergence)
cosine_similarity = _function_of(CosineSimilarity, "axis")
dice = _function_of(Dice, "axis")
tversky = _function_of(Tversky, "alpha", "beta", "axis")

#: Short names, understood in lower and upper case.
SHORT_NAMES: dict[str, type[Loss]] = {
    "bce": BinaryCrossentropy,
    "kld": KLDivergence,
    "mae": MeanAbsoluteError,
    "mape": MeanAbsolutePercentageError,
    "mse": MeanSquaredError,
    "msle": MeanSquaredLogarithmicError,
}
_ALIASES = {
    **SHORT_NAMES,
    **{name.upper(): cls for name, cls in SHORT_NAMES.items()},
    "kullback_leibler_divergence": KLDivergence,
    "logcosh": LogCosh,
}
_TABLE = serialization.name_table(_CLASS_OF_FUNCTION.values(), _ALIASES)


def get(identifier: Any) -> Any:
    """Return the loss that `identifier` stands for; None stays None.

    Parameters
    ----------
    identifier : str, dict, Loss, Loss class, function, or None
        A function of your own returns (values, gradient by y_pred), see `Loss`.

    Raises
    ------
    ValueError
        It is unknown.
    """
    if callable(identifier) and not isinstance(identifier, (type, Loss)):
        if identifier not in _CLASS_OF_FUNCTION:
            return FunctionLoss(identifier)
        identifier = _CLASS_OF_FUNCTION[identifier]
    if isinstance(identifier, str) and identifier.lower() in ("ctc", "circle"):
        raise ValueError(f"loss: {identifier} is not part of fastconv; see fastconv.losses.Loss.")
    ready = serialization.get(identifier, _TABLE, "loss", lambda made: isinstance(made, Loss))
    return ready if ready is None or isinstance(ready, Loss) else FunctionLoss(ready)


def serialize(loss: Loss) -> Any:
    """Return the config dictionary of a loss."""
    return serialization.serialize(loss)


def deserialize(config: Any) -> Any:
    """Return the loss of a name or config dictionary."""
    return serialization.deserialize(config, _TABLE, "loss")
