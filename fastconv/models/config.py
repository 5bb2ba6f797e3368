"""Models to JSON and back: their architecture and the arguments of compile()."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .. import progress, serialization

if TYPE_CHECKING:
    from .sequential import Sequential
    from .training import Model


def serialized(value: Any) -> Any:
    """Return what compile() was given, also in lists, in the form it has in a config."""
    if isinstance(value, (list, tuple)):
        return [serialized(item) for item in value]
    if isinstance(value, Mapping):
        return {key: serialized(item) for key, item in value.items()}
    return serialization.serialize(value)


def to_json(model: Model, **kwargs: Any) -> str:
    """Return a model as JSON; see `Model.to_json`."""
    import json

    config = serialization.serialize(model)
    if model.built:
        config["build_config"] = {"input_shape": model.input_shape}
    try:
        config["compile_config"] = model.get_compile_config()
    except TypeError as error:
        progress.warn(f"to_json: left out the arguments of compile(): {error}")
    return json.dumps(config, **kwargs)


def model_from_json(
    json_string: str, custom_objects: Mapping[str, Any] | None = None
) -> Sequential:
    """Return a new model, with new weights, from what `model.to_json()`, here or in Keras, gave.

    Parameters
    ----------
    json_string : str
    custom_objects : dict of str to class, optional
        Your own layer classes.

    Raises
    ------
    ValueError
        It is no JSON, or not that of a Sequential.
    """
    import json

    from .sequential import Sequential

    try:
        config = json.loads(json_string)
    except ValueError as error:
        raise ValueError(f"model_from_json: this is no JSON: {error}") from None
    name = config.get("class_name") if isinstance(config, dict) else None
    if name != "Sequential" or not isinstance(config.get("config"), dict):
        raise ValueError(f"model_from_json: only Sequential models can be read, got {name!r}.")
    model = Sequential.from_config(config["config"], custom_objects)
    model.compile_from_config(config.get("compile_config") or {})
    return model


def clone_model(model: Sequential) -> Sequential:
    """Return a model of the same architecture with weights of its own, newly initialised."""
    return type(model).from_config(model.get_config())
