"""serialize_keras_object and deserialize_keras_object: any object, by the family it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import (
    activations,
    constraints,
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    serialization,
)
from ..custom_objects import CustomObjectScope, LoadingScope, get_registered_object


def _model(config: Mapping[str, Any]) -> Any:
    from ..models import config as models

    return models.from_config("deserialize_keras_object", config)


#: Part of a module's name: what reads the classes of such modules.
_FAMILIES: dict[str, Callable[[Any], Any]] = {
    "layers": layers.deserialize,
    "models": _model,
    "schedules": optimizers.schedules.deserialize,
    "optimizers": optimizers.deserialize,
    "losses": losses.deserialize,
    "metrics": metrics.deserialize,
    "initializers": initializers.deserialize,
    "regularizers": regularizers.deserialize,
    "constraints": constraints.deserialize,
    "activations": activations.deserialize,
}


def serialize_keras_object(obj: Any) -> Any:
    """Return `obj` in the form it has in a Keras config.

    Raises
    ------
    TypeError
        `obj`, or something in it, is a lambda or has no get_config().
    """
    with LoadingScope():
        return serialization.serialize(obj)


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True
) -> Any:
    """Return the object that `serialize_keras_object`, here or in Keras, described.

    Parameters
    ----------
    config : dict, or list or dict of them
        Numbers, texts and None are returned as they are.
    custom_objects : dict of str to class or function, optional
    safe_mode : bool
        Refuse Lambda layers.

    Raises
    ------
    TypeError, ValueError
        The class is unknown, or the config does not fit it.
    """
    with CustomObjectScope(custom_objects), LoadingScope(safe_mode):
        return _object(config)


def _object(config: Any) -> Any:
    if config is None or isinstance(config, (bool, int, float, str)):
        return config
    if isinstance(config, (list, tuple)):
        return [_object(item) for item in config]
    if not isinstance(config, Mapping):
        raise TypeError(
            f"deserialize_keras_object: needs a config dictionary, got {type(config).__name__}."
        )
    if "class_name" not in config or "config" not in config:
        return {key: _object(value) for key, value in config.items()}
    name, inner = config["class_name"], config["config"]
    if name == "__numpy__":
        return np.array(inner["value"], dtype=inner["dtype"])
    for key in (config.get("registered_name"), name):
        if isinstance(key, str) and get_registered_object(key) is not None:
            return serialization.deserialize(config, {}, "object")
    parts = str(config.get("module") or "").split(".")
    if parts[0] == "keras" and len(parts) == 1:
        parts = ["models"]
    for family in _FAMILIES:
        if family in parts:
            return _FAMILIES[family](config)
    raise ValueError(
        f"deserialize_keras_object: {name!r} of module {config.get('module')!r} is not part of "
        f"fastconv; register it with register_keras_serializable(), or pass custom_objects."
    )
