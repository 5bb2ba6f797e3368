"""Network: layers that form one. It runs them, and holds what they hold: weights and names.

It is a layer itself, so that a model can be a layer of another one. What it computes is its graph;
`plan` makes that ready to run.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..layers import Layer, calls
from ..layers.layer import Backward
from ..layers.operators import Operator
from ..layers.symbolic import Graph, KerasTensor, tensors_in
from ..ops import checks
from . import masks, structures
from .plan import Plan, Plans
from .program import lower

Shape = tuple["int | None", ...]

# Several threads may use a model that is not built yet; one of them builds it.
_building = threading.Lock()


class Network(Layer):
    """Base of models. A subclass sets `graph` when it is built."""

    keras_module = "keras"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._plans = Plans()

    # The graph

    @property
    def layers(self) -> list[Layer]:
        """The layers, in Keras's order; those of a subclass as they were assigned."""
        if self.graph is None or self.is_traced:
            return calls.assigned_layers(self)
        return [layer for layer in self.graph.layers if not isinstance(layer, Operator)]

    def sublayers(self) -> list[Layer]:
        """Return the layers."""
        return self.layers

    @property
    def is_traced(self) -> bool:
        """Whether the graph is what the `call` of a subclass does."""
        return hasattr(type(self), "call")

    def _built_graph(self, what: str) -> Graph:
        if self.graph is None:
            raise AttributeError(f"{self.where} has no {what} yet: build it first.")
        return self.graph

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs as a flat list."""
        return list(self._built_graph("inputs").inputs)

    @property
    def outputs(self) -> list[KerasTensor]:
        """The symbolic outputs as a flat list."""
        return list(self._built_graph("outputs").outputs)

    @property
    def input(self) -> Any:
        """The symbolic input, or the structure of inputs that the model was made with."""
        return self._built_graph("input").input

    @property
    def output(self) -> Any:
        """The symbolic output, or the structure of outputs that the model was made with."""
        return self._built_graph("output").output

    @property
    def input_shape(self) -> Any:
        """Shape of the input with its batch axis; a structure of them for several inputs."""
        return tree.map_leaves(lambda tensor: tensor.shape, self._built_graph("input shape").input)

    @property
    def output_shape(self) -> Any:
        """Shape of the output with its batch axis; a structure of them for several outputs."""
        graph = self._built_graph("output shape")
        return tree.unpacked(tree.map_leaves(lambda tensor: tensor.shape, graph.output))

    @property
    def input_names(self) -> list[str]:
        """Names of the inputs, in the order of `inputs`."""
        return [tensor.name for tensor in self._built_graph("input names").inputs]

    @property
    def output_names(self) -> list[str]:
        """Names of the outputs: keys of a dictionary of outputs, or of the layers they are from."""
        return structures.output_names(self._built_graph("output names").output)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the output shape, or structure of shapes, for that of the input.

        Raises
        ------
        ValueError
            The layers cannot take such an input.
        """
        if self.graph is None:
            self.build(input_shape)
        assert self.graph is not None
        shapes: list[Any] = []
        calls.map_shapes(shapes.append, input_shape)
        if len(shapes) != len(self.graph.inputs):
            raise ValueError(
                f"{self.where}: input_shape must have one shape for each of "
                f"{len(self.graph.inputs)} inputs, got {len(shapes)}."
            )
        return calls.output_shapes(self.graph, shapes)

    def layer_shapes(self) -> list[tuple[Layer, Any]]:
        """Return each layer with the shape of its output, None if it is not built."""
        if self.graph is None:
            return [(layer, None) for layer in self.layers]
        if self.is_traced:  # as they were assigned; some may not be called
            return [(layer, _first_shape(layer)) for layer in self.layers]
        entries: list[tuple[Layer, Any]] = []
        for layer in self.graph.layers:
            nodes = self.graph.calls(layer)
            shape = tree.map_leaves(lambda tensor: tensor.shape, nodes[0].output)
            entries.append((layer, shape))
        return entries

    # Running

    def flatten(self) -> list[Layer]:
        """Return the layers in the order they run, those of models within in their place."""
        if self.graph is not None:
            return [step.layer for step in lower(self.graph, training=False).steps]
        return [
            inner
            for layer in self.layers
            for inner in (layer.flatten() if isinstance(layer, Network) else [layer])
        ]

    def plan(
        self,
        activations: Sequence[str | None] | None = None,
        with_loss: Sequence[bool] | None = None,
        to_input: bool = False,
    ) -> Plan:
        """Return the layers ready to run, see `Plan`; for losses with what `masks` adds."""
        assert self.graph is not None
        variables = self.trainable_weights
        key = (*map(id, variables), str(activations), str(with_loss), to_input)
        return self._plans.find(
            (self.graph, self.training_graph),
            key,
            lambda: masks.new_plan(self, activations, with_loss, to_input, variables),
        )

    def inference_plan(self) -> Plan:
        """Return the layers ready to run without training; quicker to find than `plan`."""
        assert self.graph is not None
        graphs = self.graph, self.training_graph
        return self._plans.find(graphs, "inference", lambda: Plan(*graphs))

    def forward(self, x: Any, training: bool = False) -> tuple[Any, Backward | None]:
        """Return the output and, when training, the function that takes gradients back.

        Of several inputs or outputs, `x` and the output are lists.
        """
        single = not isinstance(x, (list, tuple))
        inputs = [x] if single else list(x)
        if not training:
            return _one(self.inference_plan().infer(inputs)[0]), None
        outputs, _, take_back = self.plan(to_input=True).train(inputs)

        def backward(dy: Any, need_dx: bool = True) -> Any:
            dx = take_back([dy] if len(outputs) == 1 else dy)
            return (dx[0] if single else dx) if need_dx else None

        return _one(outputs), backward

    def __call__(self, *inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Return the output for a batch, building the model if need be.

        Parameters
        ----------
        *inputs : array, or the structure of arrays that the model takes; KerasTensors as well
        training : bool, optional

        Raises
        ------
        TypeError
            An input does not hold real numbers.
        ValueError
            The structure or a shape of the input does not fit the model.
        """
        if (
            self.graph is not None
            and not kwargs
            and not training
            and len(inputs) == 1
            and structures.is_ready(inputs[0], self.graph.input)
        ):
            return self.structured(self.inference_plan().infer(inputs)[0])
        if tensors_in((inputs, kwargs)):
            return super().__call__(*inputs, training=training, **kwargs)
        x = inputs[0] if len(inputs) == 1 else list(inputs)
        if kwargs:
            raise TypeError(
                f"{self.where}: with arrays, a model takes its inputs as one argument, got also "
                f"{', '.join(kwargs)}."
            )
        arrays = [
            checks.as_float32(self.where, "input", array)
            for array in self.match_inputs(self.where, x)
        ]
        if not training:
            return self.structured(self.inference_plan().infer(arrays)[0])
        outputs = [
            y.copy() if any(np.may_share_memory(array, y) for array in arrays) else y
            for y in self.plan().train(arrays)[0]
        ]
        return self.structured(outputs)

    def structured(self, outputs: list[np.ndarray]) -> Any:
        """Return a flat list of outputs in the structure that the model was made with.

        A list or tuple of one output is that output, as in Keras.
        """
        assert self.graph is not None
        return structures.packed(self.graph.output, outputs)

    def call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note a call of the model within another one."""
        if self.graph is None:
            self.build_symbolic(args, kwargs)
        assert self.graph is not None
        given = args[0] if len(args) == 1 and not set(kwargs) - {"training", "mask"} else None
        if given is None:
            flat = tensors_in((args, kwargs))
        else:
            flat = structures.split(self.where, "the input", given, self.graph.input)
        for tensor, wanted in zip(flat, self.graph.inputs, strict=True):
            if not structures.fits(tensor.shape, wanted.shape):
                raise ValueError(
                    f"{self.where}: the input {wanted.name} must have shape {wanted.shape}, got "
                    f"{tensor.shape}."
                )
        shapes = tree.unpacked(calls.output_shapes(self.graph, [tensor.shape for tensor in flat]))
        return calls.note(self, args, kwargs, shapes, flat)

    def build_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Build the model for a call with symbolic tensors."""
        self.build(tree.map_leaves(lambda tensor: tensor.shape, args[0]))

    def shapes_of(self, where: str, x: Any) -> Any:
        """Return the input shapes that a model which is not built is given with some data."""
        return structures.batch_shapes(x)

    def match_inputs(self, where: str, x: Any) -> list[np.ndarray]:
        """Return the arrays that the model is given, flat and of its inputs' ranks.

        Builds the model if need be. A last axis of size 1 is optional.

        Raises
        ------
        TypeError
            Something is no array of real numbers.
        ValueError
            The structure, or a shape, does not fit the model.
        """
        if self.graph is None:
            with _building:
                if self.graph is None:
                    shapes = self.shapes_of(where, x)
                    self.build_symbolic((calls.map_shapes(KerasTensor, shapes),), {})
        assert self.graph is not None
        return structures.match(where, x, self.graph.input)

    # Description

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place.

        Raises
        ------
        ValueError
            There is none, or not exactly one of the two is given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"{self.where}: get_layer needs either a name or an index.")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"{self.where}: get_layer: index must be below {len(layers)}, got {index}."
                )
            return layers[index]
        names = [layer.name for layer in layers]
        if name not in names:
            raise ValueError(
                f"{self.where}: no such layer: {name}.{checks.did_you_mean(name, names)} Existing "
                f"layers are: {names}."
            )
        return layers[names.index(name)]

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters.

        Parameters
        ----------
        line_length : int, optional
            Width of the table; by default what fits the terminal.
        positions : list of float, optional
            Right edges of the columns, as parts of the width.
        print_fn : function of str, optional
            Gets the text instead of standard output.
        expand_nested : bool
            Show the layers of models within the model.
        show_trainable : bool
            Add a column that tells whether a layer learns.
        layer_range : pair of regular expressions, optional
            Names of the first and the last layer to show.
        """
        from . import summary

        summary.show(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )


def _first_shape(layer: Layer) -> Any:
    if not layer._inbound_nodes:
        return None
    return tree.map_leaves(lambda tensor: tensor.shape, layer.output)


def _one(outputs: list[np.ndarray]) -> Any:
    """Return the output, or the list of several."""
    return outputs[0] if len(outputs) == 1 else outputs
