"""Configurations of Keras 2 in the form of Keras 3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Arguments that Keras 3 has no more, with the values that mean nothing.
_IDLE: dict[str, tuple[Any, ...]] = {
    "decay": (0, 0.0, None),
    "is_legacy_optimizer": (True, False),
    "jit_compile": (True, False, "auto", None),
}
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
    options = {
        key: value
        for key, value in optimizer["config"].items()
        if key not in _IDLE or value not in _IDLE[key]
    }
    class_name = str(optimizer.get("class_name")).rpartition(">")[2]
    return {**arguments, "optimizer": {"class_name": class_name, "config": options}}


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
        nodes = changed["inbound_nodes"] = [_node(where, n) for n in config["inbound_nodes"]]
        # `a + b` has two arguments, the layer Add() one list; Keras 3 calls both Add here.
        arguments = nodes[0].get("args") if nodes else None
        if "module" not in config and isinstance(arguments, list) and len(arguments) == 2:
            changed["module"] = OPERATORS
    return changed


def _node(where: str, node: Any) -> Any:
    """Return a call of a layer; Keras 2 lists [layer, node, tensor, arguments] per tensor."""
    if isinstance(node, Mapping):
        return node
    tensors: list[Any] = []
    options: dict[str, Any] = {}
    if not isinstance(node, list):
        raise ValueError(f"{where}: an inbound node must be a list.")
    for item in node if node and isinstance(node[0], list) else [node]:
        if not isinstance(item, list) or len(item) not in (3, 4):
            raise ValueError(f"{where}: an inbound node must be [layer, node, tensor, arguments].")
        config = {"shape": None, "dtype": "float32", "keras_history": item[:3]}
        tensors.append({"class_name": "__keras_tensor__", "config": config})
        if len(item) == 4 and isinstance(item[3], Mapping):
            options.update({k: v for k, v in item[3].items() if v is not None})
    return {"args": tensors if len(tensors) == 1 else [tensors], "kwargs": options}


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
