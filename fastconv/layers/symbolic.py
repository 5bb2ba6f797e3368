"""Symbolic tensors: what a layer returns when it is called without values.

    Input(...) -> KerasTensor --layer--> KerasTensor --layer--> ...

Each call leaves a Node: the layer, what it was given, and the tensors it returned. A tensor knows
its node, so the nodes behind some outputs can be found by walking back from them (`Graph`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import naming, tree
from . import arguments
from .arguments import Shape

if TYPE_CHECKING:
    from .layer import Layer


class KerasTensor:
    """A shape without values: an input of a model, or what a layer makes of one.

    `+ - * /` and unary minus work, with other symbolic tensors, numbers and arrays.

    Parameters
    ----------
    shape : tuple of int or None
        With the batch axis.
    dtype : str
    name : str, optional

    Attributes
    ----------
    node : Node or None
        The call that returned the tensor.
    index : int
        Its place among what that call returned.
    """

    def __init__(
        self,
        shape: Shape,
        dtype: str = "float32",
        name: str | None = None,
        node: Node | None = None,
        index: int = 0,
    ) -> None:
        self.shape = arguments.as_shape("KerasTensor", "shape", shape)
        self.dtype = dtype
        self.name = name or naming.auto_name(type(self).__name__)
        self.node = node
        self.index = index

    @property
    def ndim(self) -> int:
        """Number of axes with the batch."""
        return len(self.shape)

    # Arithmetic

    def __add__(self, other: Any) -> Any:
        return _operate("Add", self, other)

    def __radd__(self, other: Any) -> Any:
        return _operate("Add", other, self)

    def __sub__(self, other: Any) -> Any:
        return _operate("Subtract", self, other)

    def __rsub__(self, other: Any) -> Any:
        return _operate("Subtract", other, self)

    def __mul__(self, other: Any) -> Any:
        return _operate("Multiply", self, other)

    def __rmul__(self, other: Any) -> Any:
        return _operate("Multiply", other, self)

    def __truediv__(self, other: Any) -> Any:
        return _operate("TrueDivide", self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _operate("TrueDivide", other, self)

    def __neg__(self) -> Any:
        return _operate("Negative", self)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """Take `array + tensor`; refuse all other NumPy functions."""
        name = _UFUNCS.get(ufunc)
        if name is None or method != "__call__" or kwargs:
            raise TypeError(self._no_values(f"numpy.{ufunc.__name__}"))
        return _operate(name, *inputs)

    # What needs values

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        raise ValueError(self._no_values("NumPy and fastconv.ops"))

    def __bool__(self) -> bool:
        raise TypeError("It has no truth value. " + self._no_values("if, and, or, not"))

    def __iter__(self) -> Any:
        raise TypeError(self._no_values("a loop"))

    def __getitem__(self, key: Any) -> Any:
        raise TypeError(
            self._no_values("indexing").replace(
                "Use layers", "Use Cropping, Permute, Reshape or other layers"
            )
        )

    def __pow__(self, other: Any) -> Any:
        raise TypeError(self._no_values("**").replace("Use layers", "Use x * x, layers"))

    def __matmul__(self, other: Any) -> Any:
        raise TypeError(self._no_values("@").replace("Use layers", "Use Dot, other layers"))

    def _no_values(self, what: str) -> str:
        return (
            f"KerasTensor {self.name!r} is symbolic: it has a shape but no values, which {what} "
            f"would need. Use layers and + - * / on it, make a Model of it and call "
            f"that with arrays, or write a layer of your own with forward(x, training)."
        )

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, name={self.name}>"


_UFUNCS = {
    np.add: "Add",
    np.subtract: "Subtract",
    np.multiply: "Multiply",
    np.true_divide: "TrueDivide",
    np.negative: "Negative",
}


def _operate(name: str, *operands: Any) -> Any:
    """Return what an operator gives, as a small layer."""
    from . import operators  # which needs Layer, which needs this file

    return operators.CLASSES[name]()(*operands)


class Node:
    """One call of a layer with symbolic tensors.

    Parameters
    ----------
    layer : Layer
    args, kwargs
        What it was called with.
    output : structure of Shape
        What it returns.

    Attributes
    ----------
    inputs : list of KerasTensor
        Those among `args` and `kwargs`.
    output : structure of KerasTensor
    outputs : list of KerasTensor
    """

    __slots__ = ("args", "inputs", "kwargs", "layer", "output", "outputs")

    def __init__(
        self, layer: Layer, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:
        self.layer = layer
        self.args = args
        self.kwargs = kwargs
        self.inputs = tensors_in((args, kwargs))
        self.output = output
        self.outputs: list[KerasTensor] = tree.flatten(output)
        for i, tensor in enumerate(self.outputs):
            tensor.node, tensor.index = self, i

    @property
    def is_input(self) -> bool:
        """Whether the node begins a graph."""
        return not self.inputs


def tensors_in(structure: Any) -> list[KerasTensor]:
    """Return the symbolic tensors in nested lists, tuples and dictionaries."""
    return [leaf for leaf in tree.flatten(structure) if isinstance(leaf, KerasTensor)]


def producer(tensor: KerasTensor) -> str:
    """Return how messages name the layer that made a tensor."""
    return f'Input "{tensor.name}"' if tensor.node is None else tensor.node.layer.where


class Graph:
    """The calls that lead from some symbolic tensors to others.

    Parameters
    ----------
    where : str
        For messages.
    input, output : KerasTensor, or nested lists, tuples, dictionaries of them

    Attributes
    ----------
    inputs, outputs : list of KerasTensor
    nodes : list of Node
        In an order in which they can run; those of InputLayers come where they are first used.
    layers : list of Layer
        In Keras's order: by the longest way to an output, then as found walking back from the
        outputs. Operators are among them.

    Raises
    ------
    ValueError
        Something is no symbolic tensor, an output does not depend on the inputs alone, or two
        layers have the same name.
    """

    def __init__(self, where: str, input: Any, output: Any) -> None:
        _check_tensors(where, "inputs", input)
        _check_tensors(where, "outputs", output)
        self.input, self.output = _from_inputs(where, input, output)
        self.inputs: list[KerasTensor] = tree.flatten(self.input)
        self.outputs: list[KerasTensor] = tree.flatten(self.output)
        self.nodes, found = _walk(where, self.inputs, self.outputs)
        self.layers = _in_order(self.nodes, found, self.inputs)
        names: dict[str, Layer] = {}
        for layer in self.layers:
            if layer.name in names:
                raise ValueError(
                    f'{where}: layer names must be unique, "{layer.name}" is the name of a '
                    f"{type(names[layer.name]).__name__} and of a {type(layer).__name__}; pass "
                    f"another name."
                )
            names[layer.name] = layer

    def calls(self, layer: Layer) -> list[Node]:
        """Return the calls of a layer within the graph, in the order in which they were made."""
        own = set(map(id, self.nodes))
        return [node for node in layer._inbound_nodes if id(node) in own]


def _check_tensors(where: str, name: str, structure: Any) -> None:
    leaves = tree.flatten(structure)
    if not leaves:
        raise ValueError(f"{where}: {name} must not be empty.")
    for leaf in leaves:
        if not isinstance(leaf, KerasTensor):
            hint = "; call the layer first" if hasattr(leaf, "compute_output_shape") else ""
            raise ValueError(
                f"{where}: {name} must be what Input() or calls of layers returned, got "
                f"{type(leaf).__name__}{hint}."
            )


def _walk(
    where: str, inputs: list[KerasTensor], outputs: list[KerasTensor]
) -> tuple[list[Node], dict[int, int]]:
    """Return all nodes between inputs and outputs, each after those it needs.

    The second result tells when each layer was first met, by its id.
    """
    given = set(map(id, inputs))
    nodes: list[Node] = []
    found: dict[int, int] = {}
    done: set[int] = set()
    for output in outputs:
        # Depth first, without recursion: networks may be deep.
        stack: list[tuple[KerasTensor, int]] = [(output, 0)]
        while stack:
            tensor, position = stack.pop()
            node = tensor.node
            if node is None:
                raise ValueError(f"{where}: {tensor!r} was not made by Input() or a layer.")
            if id(node) in done or (id(tensor) in given and not node.is_input):
                continue
            if position == 0:
                if node.is_input and id(tensor) not in given:
                    raise ValueError(
                        f"{where}: the output of {producer(output)} is not connected to the "
                        f"inputs: it needs {node.layer.where}, which is not among them; inputs "
                        f"are {', '.join(producer(x) for x in inputs)}."
                    )
                found.setdefault(id(node.layer), len(found))
            if position < len(node.inputs):
                stack.append((tensor, position + 1))
                stack.append((node.inputs[position], 0))
            else:
                done.add(id(node))
                nodes.append(node)
    for tensor in inputs:  # inputs that nothing uses
        if tensor.node is not None and tensor.node.is_input and id(tensor.node) not in done:
            done.add(id(tensor.node))
            nodes.append(tensor.node)
            found.setdefault(id(tensor.node.layer), -1)
    return nodes, found


def _in_order(nodes: list[Node], found: dict[int, int], inputs: list[KerasTensor]) -> list[Layer]:
    """Return the layers, those farthest from the outputs first, then as they were found."""
    node_depth: dict[int, int] = {}
    layer_depth: dict[int, int] = {}
    layers: dict[int, Layer] = {}
    for node in reversed(nodes):
        key = id(node.layer)
        depth = max(node_depth.get(id(node), 0), layer_depth.get(key, 0))
        node_depth[id(node)] = layer_depth[key] = depth
        layers[key] = node.layer
        for tensor in node.inputs:
            before = id(tensor.node)
            node_depth[before] = max(depth + 1, node_depth.get(before, 0))
    return sorted(layers.values(), key=lambda layer: (-layer_depth[id(layer)], found[id(layer)]))


def _from_inputs(where: str, input: Any, output: Any) -> tuple[Any, Any]:
    """Return inputs and outputs such that all inputs come from `Input`.

    If some are results of layers, the layers behind them are called again, on new inputs.
    """
    inputs: list[KerasTensor] = tree.flatten(input)
    if all(tensor.node is not None and tensor.node.is_input for tensor in inputs):
        return input, output
    from .input import Input  # which needs Layer, which needs this file

    nodes, _ = _walk(where, inputs, tree.flatten(output))
    new: dict[int, KerasTensor] = {}
    for tensor in inputs:
        is_input = tensor.node is not None and tensor.node.is_input
        new[id(tensor)] = (
            tensor
            if is_input
            else Input(batch_shape=tensor.shape, dtype=tensor.dtype, name=f"{tensor.name}_clone")
        )

    def swap(leaf: Any) -> Any:
        return new.get(id(leaf), leaf)

    for node in nodes:
        if node.is_input:
            continue
        again = node.layer(*tree.map_leaves(swap, node.args), **tree.map_leaves(swap, node.kwargs))
        for old, tensor in zip(node.outputs, tree.flatten(again), strict=True):
            new.setdefault(id(old), tensor)
    return tree.map_leaves(swap, input), tree.map_leaves(swap, output)
