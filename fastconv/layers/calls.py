"""What happens when a layer is called: with arrays it computes, with symbolic tensors it records.

A layer that defines `call` instead of `forward`, as in Keras, is made of other layers. `call` may
only call layers and use `+ - * /`; it is run once with symbolic tensors, and what it did is kept
as the layer's graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tree
from ..ops import checks
from . import symbolic
from .symbolic import Graph, KerasTensor, Node

if TYPE_CHECKING:
    from .layer import Layer


def is_composite(layer: Layer) -> bool:
    """Return whether a layer is made of others: it defines `call`, and no `forward`."""
    from .layer import Layer

    cls = type(layer)
    return cls.forward is Layer.forward and hasattr(cls, "call")


def assigned_layers(layer: Layer) -> list[Layer]:
    """Return the layers among the attributes, also in lists and dictionaries, each once."""
    return list({id(found): found for found in _layers_in(list(vars(layer).values()))}.values())


def _layers_in(value: Any) -> Iterator[Layer]:
    from .layer import Layer

    if isinstance(value, Layer):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _layers_in(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _layers_in(item)


# With arrays


def compute(layer: Layer, inputs: tuple[Any, ...], kwargs: dict[str, Any], training: Any) -> Any:
    """Return a layer's output for arrays, building it if need be."""
    if is_composite(layer):
        arrays = tree.map_leaves(lambda x: _as_float32(layer, x), list(inputs))
        _build_composite(layer, tree.map_leaves(lambda x: x.shape, arrays[:1]))
        return layer.call(*arrays, **_training(layer, bool(training)), **kwargs)  # type: ignore[attr-defined]
    x = _single(layer, inputs, kwargs)
    if layer.takes_list:
        if not isinstance(x, (list, tuple)):
            raise ValueError(f"{layer.where}: takes a list of inputs, got {type(x).__name__}.")
        x = [_as_float32(layer, item) for item in x]
        layer.build([item.shape for item in x])
    else:
        x = _as_float32(layer, x)
        if layer.built:
            layer.compute_output_shape(x.shape)
        else:
            layer.build(x.shape)
    y, _ = layer.forward(x, training=bool(training))
    shared = any(np.may_share_memory(item, y) for item in tree.flatten(x))
    return y.copy() if shared else y


def _as_float32(layer: Layer, x: Any) -> np.ndarray:
    return checks.as_float32(layer.where, "input", x)


def _single(layer: Layer, inputs: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Return the one argument that most layers are called with."""
    if len(inputs) != 1 or kwargs:
        got = f"{len(inputs)} and {', '.join(kwargs)}" if kwargs else str(len(inputs))
        raise TypeError(
            f"{layer.where}: a call takes one input, or one list of inputs, and training=; got "
            f"{got}."
        )
    return inputs[0]


# With symbolic tensors


def record(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Note a call of a layer, and return the symbolic tensors that it gives."""
    if is_composite(layer):
        shape = _trace(layer, args, kwargs)
        return note(layer, args, kwargs, shape)
    rest = {key: value for key, value in kwargs.items() if key not in ("training", "mask")}
    x = _single(layer, args, rest)
    tensors = isinstance(x, (list, tuple)) and all(isinstance(t, KerasTensor) for t in x)
    if not (tensors if layer.takes_list else isinstance(x, KerasTensor)):
        takes = "a list of symbolic tensors" if layer.takes_list else "one symbolic tensor"
        hint = "" if layer.takes_list else " To join several, use Concatenate() or Add()."
        raise ValueError(f"{layer.where}: takes {takes}, got {type(x).__name__}.{hint}")
    shapes = tree.map_leaves(lambda t: t.shape, x)
    try:
        layer.build(shapes)
        shape = layer.compute_output_shape(shapes)
    except ValueError as error:
        raise ValueError(_with_names(layer, error, symbolic.tensors_in(x))) from error
    return note(layer, args, kwargs, shape)


def note(
    layer: Layer,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    shapes: Any,
    inputs: list[KerasTensor] | None = None,
) -> Any:
    """Add a node for a call that gives outputs of some shapes, and return them."""
    output = map_shapes(KerasTensor, shapes)
    node = Node(layer, args, kwargs, output)
    if inputs is not None:
        node.inputs = inputs
    layer._inbound_nodes.append(node)
    return output


def _with_names(layer: Layer, error: ValueError, tensors: list[KerasTensor]) -> str:
    """Return a message that names the layer and, if there are several inputs, who made them."""
    text = str(error)
    if layer.name not in text:
        text = f"{layer.where}: {text}"
    if len(tensors) > 1:
        made = ", ".join(f"{t.shape} by {symbolic.producer(t)}" for t in tensors)
        text += f" The inputs were made so: {made}."
    return text


def map_shapes(function: Any, shapes: Any) -> Any:
    """Return a structure of shapes with `function` of each; a tuple of sizes is a shape."""
    if isinstance(shapes, Mapping):
        done = {key: map_shapes(function, shapes[key]) for key in sorted(shapes, key=str)}
        return {key: done[key] for key in shapes}
    if isinstance(shapes, (list, tuple)) and not all(n is None or _is_int(n) for n in shapes):
        return type(shapes)(map_shapes(function, item) for item in shapes)
    return function(tuple(shapes))


def _is_int(value: Any) -> bool:
    return isinstance(value, (int, np.integer))


# Layers made of layers


def _training(layer: Layer, training: bool | None) -> dict[str, Any]:
    """Return the argument `training` if the layer's `call` takes it."""
    import inspect  # slow to load

    names = inspect.signature(type(layer).call).parameters  # type: ignore[attr-defined]
    return {"training": training} if "training" in names else {}


def _build_composite(layer: Layer, shapes: list[Any]) -> None:
    """Call a `build` that the user's class may define, once."""
    if not layer.built:
        layer.build(shapes[0] if shapes else None)
        layer.built = True


def _trace(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make sure that a composite layer has its graph, and return its output shapes for a call."""
    given = symbolic.tensors_in((args, kwargs))
    if layer.graph is None:
        trace(layer, args, kwargs)
    assert layer.graph is not None
    if len(given) != len(layer.graph.inputs):
        raise ValueError(
            f"{layer.where}: was first called with {len(layer.graph.inputs)} tensors, now with "
            f"{len(given)}."
        )
    return output_shapes(layer.graph, [tensor.shape for tensor in given])


def trace(layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Run a layer's `call` with symbolic tensors shaped like those in `args` and `kwargs`.

    Where `call` takes `training`, it is run once for each value: the graphs may differ.
    """
    from .input import Input

    if is_composite(layer):
        _build_composite(layer, [tree.map_leaves(lambda t: t.shape, arg) for arg in args[:1]])

    def graph(training: bool) -> Graph:
        new: list[KerasTensor] = []

        def fresh(leaf: Any) -> Any:
            if not isinstance(leaf, KerasTensor):
                return leaf
            name = f"{layer.name}_input" + (f"_{len(new)}" if new else "")
            new.append(Input(batch_shape=leaf.shape, dtype=leaf.dtype, name=name))
            return new[-1]

        # In the order of `tensors_in`.
        named = {key: kwargs[key] for key in sorted(kwargs) if key != "training"}
        inner_args, inner_kwargs = tree.map_leaves(fresh, args), tree.map_leaves(fresh, named)
        told = kwargs.get("training")
        told = _training(layer, training if told is None else told)
        output = layer.call(*inner_args, **inner_kwargs, **told)  # type: ignore[attr-defined]
        if not symbolic.tensors_in(output):
            raise TypeError(
                f"{layer.where}: call must return what layers made of its inputs, got "
                f"{type(output).__name__}."
            )
        alone = len(inner_args) == 1 and not symbolic.tensors_in(inner_kwargs)
        return Graph(f"{layer.where}: call", inner_args[0] if alone else new, output)

    inference = graph(False)
    layer.training_graph = graph(True) if _training(layer, None) else inference
    layer.graph = inference


def composite_shape(layer: Layer, input_shape: Any) -> Any:
    """Return the output shape of a composite layer for an input shape."""
    if layer.graph is None:
        trace(layer, (map_shapes(KerasTensor, input_shape),), {})
    assert layer.graph is not None
    shapes: list[Any] = []
    map_shapes(shapes.append, input_shape)
    return output_shapes(layer.graph, shapes)


def output_shapes(graph: Graph, shapes: list[Any]) -> Any:
    """Return the shapes of a graph's outputs, in their structure, for shapes of its inputs."""
    if all(shape == tensor.shape for shape, tensor in zip(shapes, graph.inputs, strict=True)):
        return tree.map_leaves(lambda tensor: tensor.shape, graph.output)
    known = {id(tensor): shape for tensor, shape in zip(graph.inputs, shapes, strict=True)}
    for node in graph.nodes:
        if node.is_input:
            continue
        inputs = [known[id(tensor)] for tensor in node.inputs]
        if node.layer.graph is not None:
            outputs = output_shapes(node.layer.graph, inputs)
        else:
            takes_list = node.layer.takes_list
            outputs = node.layer.compute_output_shape(inputs if takes_list else inputs[0])
        found: list[Any] = []
        map_shapes(found.append, outputs)
        known.update((id(t), shape) for t, shape in zip(node.outputs, found, strict=True))
    return tree.map_leaves(lambda tensor: known[id(tensor)], graph.output)
