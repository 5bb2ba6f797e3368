"""Configurations of Keras 2 in the form of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: The module that the operators of symbolic tensors are from.
OPERATORS = "keras.src.ops.numpy"
_WRAPPER = "MeanMetricWrapper"


def model(where: str, config: Any) -> dict[str, Any]:
    """Return the configuration of a model.

    Raises
    ------
    ValueError
        It is none.
    """
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), (Mapping, list)):
        raise ValueError(f"{where}: this is not the configuration of a model.")
    inner = config["config"]
    if isinstance(inner, list):  # a Sequential of the first versions
        inner = {"layers": inner}
    if "layers" not in inner:
        return {**config, "config": inner}
    if not isinstance(inner["layers"], list):
        raise ValueError(f"{where}: the layers must be a list.")
    return {**config, "config": {**inner, "layers": [_layer(where, l) for l in inner["layers"]]}}


def compile_arguments(where: str, config: Any) -> dict[str, Any]:
    """Return the arguments of compile() of a training_config.

    Raises
    ------
    ValueError
        It is none.
    """
    if not isinstance(config, Mapping):
        raise ValueError(f"{where}: training_config must be a dictionary.")
    arguments = {key: _objects(value) for key, value in config.items()}
    optimizer = arguments.pop("optimizer_config", None)
    if not isinstance(optimizer, Mapping) or not isinstance(optimizer.get("config"), Mapping):
        raise ValueError(f"{where}: training_config has no optimizer_config.")
    class_name = str(optimizer.get("class_name")).rpartition(">")[2]
    return {**arguments, "optimizer": {"class_name": class_name, "config": optimizer["config"]}}


def _layer(where: str, config: Any) -> Any:
    if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
        raise ValueError(f"{where}: a layer has no configuration.")
    if "layers" in config["config"]:
        config = model(where, config)
    options = dict(config["config"])
    axis = options.get("axis")
    if isinstance(axis, list) and len(axis) == 1:
        options["axis"] = axis[0]
    if config.get("class_name") == "InputLayer" and "batch_input_shape" in options:
        options["batch_shape"] = options.pop("batch_input_shape")
    if config.get("class_name") == "LeakyReLU" and "alpha" in options:
        options["negative_slope"] = options.pop("alpha")
    changed = {**config, "config": options}
    if "inbound_nodes" in config:
        nodes = config["inbound_nodes"]
        # `a + b` has two arguments, the layer Add() one list; Keras 3 calls both Add here.
        first = nodes[0] if isinstance(nodes, list) and nodes else None
        arguments = first.get("args") if isinstance(first, Mapping) else None
        if "module" not in config and isinstance(arguments, list) and len(arguments) == 2:
            changed["module"] = OPERATORS
    return changed


def _objects(value: Any) -> Any:
    """Return losses and metrics, also in lists and dictionaries, in the form of Keras 3."""
    if isinstance(value, list):
        return [_objects(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if "class_name" not in value or not isinstance(value.get("config"), Mapping):
        return {key: _objects(item) for key, item in value.items()}
    options = dict(value["config"])
    function = options.pop("fn", None)
    if value["class_name"] == _WRAPPER and isinstance(function, str):
        name = options.get("name")
        return name if name in ("accuracy", "acc", "crossentropy", "ce") else function
    if options.get("reduction") == "auto":
        options["reduction"] = "sum_over_batch_size"
    return {**value, "config": options}
