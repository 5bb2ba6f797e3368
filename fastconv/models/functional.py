"""Functional: a model made of symbolic inputs and outputs, `Model(inputs, outputs)`.

Its config is Keras's: the layers, each with the calls that were made of it, whose tensors are named
by [layer, number of the call, number of the output].
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import tree
from ..layers import KerasTensor, Layer, operators, registry
from ..layers.preprocessing.image_layer import RandomImageLayer
from ..layers.symbolic import Graph, Node
from ..serialization import serialize
from .config import model_classes
from .model import Model


class Functional(Model):
    """What `Model(inputs, outputs)` returns; parameters are those of `Model`."""

    keras_module = "keras.src.models.functional"

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        *,
        trainable: bool = True,
    ) -> None:
        super().__init__(inputs, outputs, trainable=trainable, name=name)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        graph = self._built_graph("config")
        base = super().get_config()
        config: dict[str, Any] = {key: base[key] for key in ("name", "trainable") if key in base}
        config["layers"] = [_layer_config(graph, layer) for layer in graph.layers]

        def place(tensor: KerasTensor) -> list[Any]:
            name, call, index = _history(graph, tensor)
            # Keras counts the calls of a functional model from 1 here, and only here.
            functional = isinstance(_node(tensor).layer, Functional)
            return [name, call + functional, index]

        config["input_layers"] = tree.map_leaves(place, graph.input)
        config["output_layers"] = tree.map_leaves(place, graph.output)
        return config

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Any:
        """Return a new model, with new weights, made from what `get_config` returned.

        Parameters
        ----------
        config : dict
        custom_objects : dict of str to class, optional
            Your own layer classes.

        Raises
        ------
        ValueError
            The config is not one of a functional model, or has an unknown layer.
        """
        missing = [k for k in ("layers", "input_layers", "output_layers") if k not in config]
        if missing:
            raise ValueError(
                f'{cls.__name__}: a config needs the key "{missing[0]}", got {sorted(config)}.'
            )
        calls = _Calls(cls.__name__, config["layers"], custom_objects)
        calls.replay()
        return cls(
            calls.tensors(config["input_layers"]),
            calls.tensors(config["output_layers"]),
            name=config.get("name"),
            trainable=config.get("trainable") is not False,
        )


# Writing


def _node(tensor: KerasTensor) -> Node:
    assert tensor.node is not None
    return tensor.node


def _history(graph: Graph, tensor: KerasTensor) -> list[Any]:
    """Return [name of the layer, number of its call within the graph, number of the output]."""
    node = _node(tensor)
    number = [id(call) for call in graph.calls(node.layer)].index(id(node))
    return [node.layer.name, number, tensor.index]


def _layer_config(graph: Graph, layer: Layer) -> dict[str, Any]:
    def written(value: Any) -> Any:
        if isinstance(value, KerasTensor):
            return {
                "class_name": "__keras_tensor__",
                "config": {
                    "shape": list(value.shape),
                    "dtype": value.dtype,
                    "keras_history": _history(graph, value),
                },
            }
        if isinstance(value, (np.ndarray, np.generic)):
            return {
                "class_name": "__numpy__",
                "config": {"value": value.tolist(), "dtype": value.dtype.name},
            }
        return value

    config = dict(serialize(layer))
    if isinstance(layer, (operators.Operator, Functional)):
        config["registered_name"] = type(layer).__name__
    config["name"] = layer.name
    config["inbound_nodes"] = [
        {
            "args": [tree.map_leaves(written, arg) for arg in node.args],
            "kwargs": {key: tree.map_leaves(written, arg) for key, arg in node.kwargs.items()},
        }
        for node in graph.calls(layer)
        if not node.is_input
    ]
    return config


# Reading


class _NotYet(Exception):
    """A call needs the output of one that was not made yet."""


class _Calls:
    """The layers of a config, and their calls as they are made again.

    Parameters
    ----------
    where : str
        For messages.
    configs : list of dict
    custom_objects : dict of str to class, optional
    """

    def __init__(self, where: str, configs: Any, custom_objects: Mapping[str, Any] | None) -> None:
        self._where = where
        self._layers: dict[str, Layer] = {}
        self._made: dict[str, list[Node]] = {}
        self._open: list[tuple[str, list[Any]]] = []
        #: Models whose calls are counted from 1 where they are named in a list.
        self._from_1: type[Model] = Functional
        known = {**model_classes(), **(custom_objects or {})}
        for config in configs:
            if not isinstance(config, Mapping) or not isinstance(config.get("config"), Mapping):
                raise ValueError(f"{where}: a layer's config must be a dictionary.")
            name = str(config.get("name") or config["config"].get("name"))
            self._layers[name] = layer = _read_layer(config, known)
            self._made[name] = list(layer._inbound_nodes) if _is_input(layer) else []
            self._open.append((name, list(config.get("inbound_nodes") or ())))

    def replay(self) -> None:
        """Make all calls, each when its inputs are there.

        Raises
        ------
        ValueError
            Some never are.
        """
        progressed = True
        while progressed:
            progressed = False
            waiting: list[tuple[str, list[Any]]] = []
            for name, calls in self._open:
                left = list(calls)
                while left:
                    try:
                        args, kwargs = self._arguments(left[0])
                    except _NotYet:
                        break
                    self._call(name, args, kwargs)
                    left.pop(0)
                    progressed = True
                if left:
                    waiting.append((name, left))
            self._open = waiting
        if self._open:
            names = ", ".join(name for name, _ in self._open)
            raise ValueError(
                f"{self._where}: the config has calls whose inputs nothing makes, of: {names}."
            )

    def _call(self, name: str, args: list[Any], kwargs: dict[str, Any]) -> None:
        layer = self._layers[name]
        if _is_input(layer):
            return
        if isinstance(layer, RandomImageLayer) and kwargs.get("training") is True:
            # Keras writes the default of a call like this, and goes by what the model is told.
            del kwargs["training"]
        layer(*args, **kwargs)
        self._made[name].append(layer._inbound_nodes[-1])

    def _arguments(self, call: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(call, Mapping):
            kwargs = {
                key: self._read(value)
                for key, value in (call.get("kwargs") or {}).items()
                if not (key == "mask" or value is None)
            }
            return [self._read(arg) for arg in call.get("args") or ()], kwargs
        # Keras 2: [[layer, call, output, kwargs], ...]
        self._from_1 = Model
        entries = [call] if isinstance(call, list) and call and isinstance(call[0], str) else call
        if not entries or not all(isinstance(e, list) and len(e) in (3, 4) for e in entries):
            raise ValueError(
                f"{self._where}: a call must be a list of [layer, call, output, arguments]."
            )
        tensors = [self._tensor(entry[:3], in_list=True) for entry in entries]
        given = [e[3] for e in entries if len(e) == 4 and isinstance(e[3], Mapping)]
        kwargs = {key: value for more in given for key, value in more.items() if value is not None}
        return [tensors[0] if len(tensors) == 1 else tensors], kwargs

    def _read(self, value: Any) -> Any:
        """Return an argument of a call."""
        if isinstance(value, Mapping) and "class_name" in value:
            kind, config = value["class_name"], value.get("config") or {}
            if kind == "__keras_tensor__":
                return self._tensor(config.get("keras_history"))
            if kind in ("__numpy__", "__tensor__"):  # constants of operators
                return np.asarray(config.get("value"), config.get("dtype"))
            if kind == "__tuple__":
                return tuple(self._read(item) for item in config.get("value") or ())
            raise ValueError(f"{self._where}: an argument of the class {kind!r} cannot be read.")
        if isinstance(value, Mapping):
            return {key: self._read(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._read(item) for item in value]
        return value

    def _tensor(self, history: Any, in_list: bool = False) -> KerasTensor:
        """Return the tensor [layer, call, output]; _NotYet if the call was not made yet."""
        if not isinstance(history, (list, tuple)) or len(history) != 3:
            raise ValueError(f"{self._where}: a tensor must be [layer, call, output].")
        name, call, index = history
        if name not in self._layers:
            raise ValueError(f"{self._where}: there is no layer {name!r}.")
        call, index = int(call), int(index)
        if in_list and isinstance(self._layers[name], self._from_1):
            call = max(call - 1, 0)
        nodes = self._made[name]
        if not 0 <= call < len(nodes):
            raise _NotYet
        if not 0 <= index < len(nodes[call].outputs):
            raise ValueError(f"{self._where}: {name!r} has no output {index}.")
        return nodes[call].outputs[index]

    def tensors(self, places: Any) -> Any:
        """Return the tensors that `input_layers` or `output_layers` name, in their structure."""
        if isinstance(places, Mapping):
            return {key: self.tensors(place) for key, place in places.items()}
        if isinstance(places, (list, tuple)) and places and isinstance(places[0], str):
            try:
                return self._tensor(places, in_list=True)
            except _NotYet:
                raise ValueError(
                    f"{self._where}: {places[0]!r} has no call {places[1]!r}."
                ) from None
        if isinstance(places, (list, tuple)):
            return [self.tensors(place) for place in places]
        raise ValueError(f"{self._where}: inputs and outputs must be lists [layer, call, output].")


def _is_input(layer: Layer) -> bool:
    return bool(layer._inbound_nodes) and layer._inbound_nodes[0].is_input


def _read_layer(config: Mapping[str, Any], known: Mapping[str, Any]) -> Layer:
    """Return the layer, or the operator, of a config."""
    if config.get("module") in operators.MODULES:
        name = str(config.get("class_name"))
        if name not in operators.CLASSES:
            raise ValueError(
                f"The operation {name} cannot be read; there are {sorted(operators.CLASSES)}."
            )
        return operators.CLASSES[name](name=config["config"].get("name"))
    return registry.deserialize(config, known)
