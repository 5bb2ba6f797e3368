"""Optimizers: they turn gradients into updates of the weights, by way of `ops`.

They touch a weight only through its `Variable`: value, edit(), shape, name and path.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import serialization
from . import legacy, schedules
from .adagrad import Adadelta, Adagrad
from .adam import Adam, AdamW
from .ftrl import Ftrl
from .lion import Lion
from .moments import Adamax, Lamb, Nadam
from .optimizer import Optimizer
from .rmsprop import RMSprop
from .sgd import SGD

__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "legacy",
    "schedules",
    "serialize",
]

# Names are looked up in lower case: "adam", "Adam" and "ADAM" are the same.
_CLASSES = (SGD, Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, Nadam, RMSprop)
_TABLE = {cls.__name__.lower(): cls for cls in _CLASSES}


def get(identifier: Any) -> Optimizer | None:
    """Return the optimizer that `identifier` stands for; None stays None.

    Parameters
    ----------
    identifier : str, dict, Optimizer, Optimizer class or None
        The case of a name does not matter.

    Raises
    ------
    ValueError
        It is none of these, or unknown.
    """
    found: Optimizer | None = serialization.get(
        _lower_case(identifier), _TABLE, "optimizer", lambda made: isinstance(made, Optimizer)
    )
    return found


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return the description of an optimizer that `deserialize` understands, in Keras's format."""
    config: dict[str, Any] = serialization.serialize(optimizer)
    return config


def deserialize(
    config: str | Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> Optimizer:
    """Make an optimizer from its name or description.

    Parameters
    ----------
    config : str or dict
    custom_objects : dict of str to class, optional
        Optimizers of your own, by name.

    Raises
    ------
    ValueError
        The class is unknown.
    """
    own = {name.lower(): cls for name, cls in (custom_objects or {}).items()}
    found: Optimizer = serialization.deserialize(_lower_case(config), _TABLE, "optimizer", own)
    return found


def _lower_case(identifier: Any) -> Any:
    """Return a name, or the class name in a description, in lower case."""
    if isinstance(identifier, str):
        return identifier.lower()
    if isinstance(identifier, Mapping) and isinstance(identifier.get("class_name"), str):
        return {**identifier, "class_name": identifier["class_name"].lower()}
    return identifier
