"""Sequential: a model whose layers form a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..layers import Input, InputLayer, KerasTensor, Layer, registry
from ..layers.arguments import as_shape
from ..layers.symbolic import Graph
from ..serialization import serialize
from .config import model_classes
from .data import as_array
from .model import Model
from .network import Network, Shape


class Sequential(Model):
    """A stack of layers.

    With an Input (or `input_shape` on the first layer) the weights exist as soon as a layer is
    added; otherwise `build`, or the first data, makes them.

    Parameters
    ----------
    layers : iterable of Layer, optional
    trainable : bool
        False freezes all weights.
    name : str, optional

    Raises
    ------
    ValueError
        Something is no layer, or a layer does not fit the one before.
    """

    def __init__(
        self, layers: Iterable[Layer] | None = None, trainable: bool = True, name: str | None = None
    ) -> None:
        self._layers: list[Layer] = []
        self._tensors: list[KerasTensor] = []  # the input and each layer's output, if known
        super().__init__(trainable=trainable, name=name)
        for layer in layers or ():
            self.add(layer)

    def add(self, layer: Layer | KerasTensor, rebuild: bool = True) -> None:
        """Put a layer on top.

        Parameters
        ----------
        layer : Layer, or what Input() returned
        rebuild : bool
            Accepted for Keras's sake: the layer is built whenever the input shape is known.

        Raises
        ------
        ValueError
            It is no layer, its name is taken, it is here already, or it does not fit.
        """
        del rebuild
        if isinstance(layer, KerasTensor):
            if layer.node is None or not isinstance(layer.node.layer, InputLayer):
                raise ValueError(f"{self.where}: add needs a layer or an Input, got {layer!r}.")
            layer = layer.node.layer
        self._check_new(layer)
        if isinstance(layer, InputLayer):
            self._tensors = [layer.output]
            return
        if not self._tensors and not self._layers:
            self._tensors = _declared_input(layer)
        if not self.trainable:
            layer.trainable = False
        if self._tensors:
            self._tensors.append(layer(self._tensors[-1]))
        self._layers.append(layer)
        self._make_graph()

    def pop(self, rebuild: bool = True) -> Layer:
        """Remove the last layer, and return it.

        Raises
        ------
        IndexError
            There is none.
        """
        del rebuild
        if not self._layers:
            raise IndexError(f"{self.where}: cannot pop from an empty Sequential.")
        if self._tensors:
            self._tensors.pop()
        layer = self._layers.pop()
        self._make_graph()
        return layer

    def _make_graph(self) -> None:
        """Take what the layers do now for what the model does."""
        self.built = len(self._tensors) > 1
        self.graph = None
        if self.built:
            self.graph = Graph(self.where, self._tensors[0], self._tensors[-1])

    def build(self, input_shape: Any = None) -> None:
        """Create the weights for inputs of `input_shape`.

        Parameters
        ----------
        input_shape : tuple of int or None
            With the batch axis: (None, 28, 28, 1).

        Raises
        ------
        ValueError
            There are no layers, they do not take such an input, or the model was built for another.
        """
        if not self._layers:
            raise ValueError(f"{self.where} has no layers. Call model.add(layer).")
        if self._tensors:  # then every layer is built
            if input_shape is not None:
                source: Any = self._tensors[0].node
                source.layer.compute_output_shape(input_shape)
            return
        if input_shape is None:
            raise ValueError(f"{self.where}: build needs the input shape.")
        self._build_on(Input(batch_shape=input_shape))

    def _build_on(self, source: KerasTensor) -> None:
        tensors = [source]
        for layer in self._layers:
            tensors.append(layer(tensors[-1]))
        for layer in self._layers:
            if self._layers.count(layer) > 1:
                self._check_shared(layer)
        self._tensors = tensors
        self._make_graph()

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape, both with the batch axis.

        Raises
        ------
        ValueError
            The layers cannot take such an input.
        """
        shape = as_shape(self.where, "input_shape", input_shape)
        for layer in self._layers:
            shape = layer.compute_output_shape(shape)
        return shape

    @property
    def layers(self) -> list[Layer]:
        """The layers, without InputLayer."""
        return list(self._layers)

    @property
    def input_layer(self) -> InputLayer | None:
        """What declares the shape of the input, None if nothing does yet."""
        if not self._tensors:
            return None
        node: Any = self._tensors[0].node
        source: InputLayer = node.layer
        return source

    def shapes_of(self, where: str, x: Any) -> Any:
        """Return the input shape that a model which is not built is given with some data."""
        return (None, *as_array(where, "x", x).shape[1:])

    def layer_shapes(self) -> list[tuple[Layer, Any]]:
        """Return each layer with the shape of its output, None while it is not built."""
        shapes: list[Any] = [tensor.shape for tensor in self._tensors[1:]]
        return list(zip(self._layers, shapes or [None] * len(self._layers), strict=True))

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        source: list[Any] = [tensor.node for tensor in self._tensors[:1]]
        layers = [*(node.layer for node in source), *self._layers]
        config = {**super().get_config(), "layers": [serialize(layer) for layer in layers]}
        if self.built:
            config["build_input_shape"] = self.input_shape
        return config

    @classmethod
    def from_config(
        cls, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
    ) -> Sequential:
        """Return a new model, with new weights, made from what `get_config` returned.

        Parameters
        ----------
        config : dict
        custom_objects : dict of str to class, optional
            Your own layer classes.

        Raises
        ------
        ValueError
            The config is not one of a Sequential, or has an unknown layer.
        """
        if "layers" not in config:
            raise ValueError(
                f'{cls.__name__}: a config needs the key "layers", got {sorted(config)}.'
            )
        known = {**model_classes(), **(custom_objects or {})}
        layers = [registry.deserialize(layer, known) for layer in config["layers"]]
        model = cls(layers, trainable=config.get("trainable", True), name=config.get("name"))
        shape = config.get("build_input_shape")
        if shape is not None and not model.built and layers:
            model.build(shape)
        return model

    def _check_new(self, layer: Any) -> None:
        where = f"{self.where}: add"
        if isinstance(layer, type):
            raise ValueError(
                f"{where} needs a layer, got a class; did you forget the parentheses: "
                f"{layer.__name__}(...)?"
            )
        if not isinstance(layer, Layer):
            module = type(layer).__module__.partition(".")[0]
            foreign = module in ("keras", "tensorflow", "torch")
            hint = (
                f"; it is one of {module}, take the layer from fastconv.layers" if foreign else ""
            )
            raise ValueError(f"{where} needs a layer, got {type(layer).__name__}{hint}.")
        if isinstance(layer, InputLayer):
            if self._tensors or self._layers:
                raise ValueError(f"{where}: an Input can only come first, and once.")
            return
        for other in self._layers:
            if other is layer:
                self._check_shared(layer)
            elif other.name == layer.name:
                raise ValueError(
                    f'{where}: layer names must be unique, "{layer.name}" is taken; pass another '
                    f"name."
                )

    def _check_shared(self, layer: Layer) -> None:
        """Raise ValueError if a layer that is used twice has weights."""
        if layer.weights:
            raise ValueError(
                f"{self.where}: {layer.where} is used twice; only layers without weights can be."
            )


def _declared_input(layer: Layer) -> list[KerasTensor]:
    """Return the input that a first layer asks for, [] if it does not."""
    if isinstance(layer, Network) and layer.graph is not None and len(layer.inputs) == 1:
        inner = layer.inputs[0]
        return [Input(batch_shape=inner.shape, dtype=inner.dtype, name=inner.name)]
    if layer.batch_input_shape is None:
        return []
    return [Input(batch_shape=layer.batch_input_shape)]
