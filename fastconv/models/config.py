"""Models to JSON and back: their architecture and the arguments of compile()."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .. import progress, serialization
from ..custom_objects import CustomObjectScope, LoadingScope
from ..layers import InputLayer, Layer

if TYPE_CHECKING:
    from .model import Model


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

    return json.dumps(to_config(model), **kwargs)


def to_config(model: Model, compiled: bool = True) -> dict[str, Any]:
    """Return all that makes a model, but for its weights, in the form Keras has it in files.

    Parameters
    ----------
    compiled : bool
        Whether to take in the arguments of compile().
    """
    with LoadingScope():
        config: dict[str, Any] = serialization.serialize(model)
    if model.built:
        config["build_config"] = {"input_shape": model.input_shape}
    if compiled:
        try:
            config["compile_config"] = model.get_compile_config()
        except TypeError as error:
            progress.warn(f"{model.where}: left out the arguments of compile(): {error}")
    return config


def from_config(
    where: str,
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,
    safe_mode: bool = False,
) -> Model:
    """Return a new model, with new weights, from what `to_config` returned, here or in Keras.

    Parameters
    ----------
    where : str
        For messages.
    custom_objects : dict of str to class or function, optional
        What the config may name beside fastconv's own and what is registered.
    compile : bool
        Whether to call compile() if the config has arguments for it.
    safe_mode : bool
        Refuse Lambda layers.

    Raises
    ------
    ValueError
        The config is not one of a model, or something in it is unknown.
    """
    from .model import Model

    if not isinstance(config, Mapping) or "class_name" not in config:
        raise ValueError(f"{where}: this is not the configuration of a model.")
    with CustomObjectScope(custom_objects), LoadingScope(safe_mode):
        model = serialization.deserialize(config, model_classes(), "model")
        if not isinstance(model, Model):
            raise ValueError(f"{where}: {config['class_name']} is no model.")
        built = config.get("build_config")
        shape = built.get("input_shape") if isinstance(built, Mapping) else None
        if shape is not None and not model.built and model.layers:
            model.build(shape)
        arguments = config.get("compile_config")
        if compile and isinstance(arguments, Mapping):
            try:
                model.compile_from_config(arguments)
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{where}: the arguments of compile() cannot be used: {error} "
                    f"compile=False leaves them out."
                ) from error
    return model


def model_classes() -> dict[str, type]:
    """Return the models that files may name; a model within a model is looked up here too."""
    from .functional import Functional
    from .sequential import Sequential

    return {"Sequential": Sequential, "Functional": Functional, "Model": Functional}


def model_from_json(json_string: str, custom_objects: Mapping[str, Any] | None = None) -> Model:
    """Return a new model, with new weights, from what `model.to_json()`, here or in Keras, gave.

    Parameters
    ----------
    json_string : str
    custom_objects : dict of str to class, optional
        Your own layer classes.

    Raises
    ------
    ValueError
        It is no JSON, or not that of a model.
    """
    from ..saving import limits

    where = "model_from_json"
    return from_config(where, limits.parse_json(where, json_string), custom_objects)


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
) -> Model:
    """Return a model of the same architecture with weights of its own, newly initialised.

    Parameters
    ----------
    model : Model
    input_tensors : optional
        Of a Sequential: what `Input()` returned, to take the place of its input.
    clone_function : function of a layer, optional
        Returns the layer to take its place; by default a new one of the same configuration.

    Raises
    ------
    TypeError
        `model` is no model.
    """
    from .model import Model
    from .sequential import Sequential

    if not isinstance(model, Model):
        raise TypeError(f"clone_model: a model is needed, got {type(model).__name__}.")
    if clone_function is None and input_tensors is None:
        with LoadingScope():
            config = model.get_config()
        with LoadingScope():
            return type(model).from_config(config)
    if not isinstance(model, Sequential):
        raise ValueError(
            f"clone_model: clone_function and input_tensors work with Sequential, got "
            f"{type(model).__name__}."
        )
    clone = clone_function or (lambda layer: type(layer).from_config(layer.get_config()))
    if isinstance(input_tensors, (list, tuple)) and len(input_tensors) == 1:
        input_tensors = input_tensors[0]
    first: list[Any] = [] if input_tensors is None else [input_tensors]
    if input_tensors is None and model.input_layer is not None:
        first = [InputLayer.from_config(model.input_layer.get_config())]
    return Sequential([*first, *map(clone, model.layers)], name=model.name)
