"""Sequential: a model whose layers form a line."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ..layers import InputLayer, KerasTensor, Layer, registry
from ..layers.arguments import as_shape
from ..serialization import serialize
from .config import model_classes
from .network import Shape
from .training import Model


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
        self._shapes: list[Shape] = []  # of each layer's output, for those that are built
        self._input: InputLayer | None = None
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
            layer = InputLayer(input_tensor=layer)
        self._check_new(layer)
        if isinstance(layer, InputLayer):
            self._input = layer
            return
        source = self._input
        if source is None and not self._layers:
            source = _declared_input(layer)
        if not self.trainable:
            layer.trainable = False
        if source is not None:
            below = self._shapes[-1] if self._shapes else source.batch_shape
            self._shapes.append(self._build_layer(layer, below))
            self._input = source
        self._layers.append(layer)
        self.built = source is not None

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
        if self._shapes:
            self._shapes.pop()
        layer = self._layers.pop()
        self.built = bool(self._shapes)
        return layer

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
        if self._input is not None:  # then every layer is built
            if input_shape is not None:
                self._input.compute_output_shape(input_shape)
            return
        if input_shape is None:
            raise ValueError(f"{self.where}: build needs the input shape.")
        source = InputLayer(batch_shape=input_shape)
        shapes = [source.batch_shape]
        for layer in self._layers:
            shapes.append(self._build_layer(layer, shapes[-1]))
        for layer in self._layers:
            if self._layers.count(layer) > 1:
                self._check_shared(layer)
        self._input, self._shapes = source, shapes[1:]
        self.built = True

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
        return self._input

    @property
    def input_shape(self) -> Shape:
        """Shape of the input with its batch axis."""
        if self._input is None:
            raise AttributeError(f"{self.where} has no input shape yet: build it first.")
        return self._input.batch_shape

    @property
    def output_shape(self) -> Shape:
        """Shape of the output with its batch axis."""
        if not self._shapes:
            raise AttributeError(f"{self.where} has no output shape yet: build it first.")
        return self._shapes[-1]

    def layer_shapes(self) -> list[tuple[Layer, Shape | None]]:
        """Return each layer with the shape of its output, None while it is not built."""
        shapes: list[Any] = self._shapes or [None] * len(self._layers)
        return list(zip(self._layers, shapes, strict=True))

    @property
    def activation_name(self) -> str | None:
        """Name of the function that made the output, see `Layer.activation_name`."""
        return self._layers[-1].activation_name if self._layers else "linear"

    def without_activation(self) -> Layer:
        """Return a model that shares the layers and leaves the last activation out."""
        if not self._layers:
            return self
        clone = copy.copy(self)
        clone._layers = [*self._layers[:-1], self._layers[-1].without_activation()]
        return clone

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        layers = [*([self._input] if self._input else []), *self._layers]
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
            if self._input is not None or self._layers:
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

    def _build_layer(self, layer: Layer, shape: Shape) -> Shape:
        """Build a layer for inputs of `shape`, and return the shape of its output."""
        try:
            layer.build(shape)
            return layer.compute_output_shape(shape)
        except ValueError as error:
            if layer.name in str(error):
                raise
            raise ValueError(f"{layer.where}: {error}") from error


def _declared_input(layer: Layer) -> InputLayer | None:
    """Return the input that a first layer asks for, None if it does not."""
    if isinstance(layer, Sequential):
        return layer._input
    if layer.batch_input_shape is None:
        return None
    return InputLayer(batch_shape=layer.batch_input_shape)
