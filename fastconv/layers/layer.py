"""Layer: what all layers share. A layer owns weights and knows one computation and its gradient."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np

from .. import deprecation, naming, regularizers, serialization, tree
from ..ops import checks
from . import arguments, calls
from .arguments import Shape
from .symbolic import Graph, Node, tensors_in
from .weight_owner import WeightOwner

#: `backward(dy, need_dx=True) -> dx or None`
Backward = Callable[..., "np.ndarray | None"]

Self = TypeVar("Self", bound="Layer")

#: Arguments that any layer takes to declare the shape of the model's input.
_INPUT_ARGUMENTS = ("input_shape", "input_dim", "batch_input_shape")


class Layer(WeightOwner):
    """Base class of layers.

    A subclass names its constructor arguments in `config_keys`, and defines `forward`. It defines
    `create_weights` if it has weights, and `infer_shape` if its output is shaped unlike its input.

    Parameters
    ----------
    activity_regularizer : Regularizer, name or config, optional
        Penalty on the layer's output; training adds it, divided by the batch size.
    trainable : bool
        False freezes the weights.
    dtype : DTypePolicy, name or config, optional
        "float32" or "mixed_bfloat16"; see `fastconv.dtype_policies`.
    autocast : bool
        Accepted for Keras's sake: inputs are always cast to float32.
    name : str, optional
        Unique within a model; made from the class name if not given.
    input_shape, batch_input_shape, input_dim : optional
        Shape of the model's input, when this is its first layer.

    Attributes
    ----------
    built : bool
        Whether the weights exist.
    dtype_policy : DTypePolicy
    dtype : str
        Type of the weights, "float32".
    batch_input_shape : tuple or None
        The declared input shape with its batch axis.

    Raises
    ------
    ValueError
        An argument is unknown or has a wrong value.
    """

    keeps_identity = True
    #: Whether the layer takes a list of inputs: `forward` gets a list of arrays, `infer_shape` one
    #: of shapes, and `backward` returns a list of gradients.
    takes_list: bool = False
    #: Whether an input's mask is the output's too; other layers end it.
    supports_masking: bool = False
    #: Whether `forward` takes the mask of its input: `forward(x, training, mask=...)`.
    uses_mask: bool = False
    #: The layers within, for layers that are made of others: filled when it is built.
    graph: Graph | None = None
    #: The same for training, which may differ where `call` takes `training`.
    training_graph: Graph | None = None
    #: Number of input axes with the batch, None for any; what they are; which holds the channels.
    input_rank: int | None = None
    input_axes = ""
    channel_axis = -1

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        class_name = type(self).__name__
        self._first_weights = deprecation.take(class_name, kwargs, "weights")
        unknown = {key: value for key, value in kwargs.items() if key not in _INPUT_ARGUMENTS}
        if unknown:
            raise ValueError(_unrecognized(type(self), unknown))
        if name is None:
            name = naming.auto_name(class_name)
        self.name = arguments.as_name(class_name, name)
        self.dtype_policy = arguments.as_dtype_policy(self.where, dtype)
        self.dtype = self.dtype_policy.variable_dtype
        self._trainable = bool(trainable)
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.batch_input_shape = arguments.batch_shape_of(self.where, kwargs)
        self.built = False
        self.input_channels: int | None = None
        self._inbound_nodes: list[Node] = []
        self._trainable_variables = []
        self._other_variables = []

    # Building

    def build(self, input_shape: Any) -> None:
        """Create the weights for inputs of `input_shape`; on a built layer, only check the shape.

        Parameters
        ----------
        input_shape : tuple of int or None
            With the batch axis; None for sizes that may vary.

        Raises
        ------
        ValueError
            The layer cannot take such an input.
        """
        if calls.is_composite(self):
            self.built = True
            return
        output_shape = self.compute_output_shape(input_shape)
        if self.built:
            return
        try:
            self.create_weights(self._as_shapes(input_shape))
            if self._first_weights is not None:
                self.set_weights(self._first_weights)
        except BaseException:
            self.input_channels = None
            self._trainable_variables, self._other_variables = [], []
            raise
        self.built = True
        if self.activation_name == "softmax" and output_shape[-1:] == (1,):
            warnings.warn(
                f"{self.where}: softmax over an axis of size 1 always gives 1; for two classes "
                f'use activation="sigmoid" and loss="binary_crossentropy".',
                stacklevel=2,
            )

    def create_weights(self, input_shape: Shape) -> None:
        """Call `add_weight` for each weight. Layers without weights need not define this."""

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for an input shape, both with the batch axis.

        Raises
        ------
        ValueError
            The layer cannot take such an input.
        """
        if calls.is_composite(self):
            result: Shape = calls.composite_shape(self, input_shape)
            return result
        shape = self._as_shapes(input_shape)
        if not self.takes_list:
            arguments.check_fits(self.where, shape, self.input_rank, self.input_axes)
            if self.input_channels is not None:
                arguments.check_channels(self.where, shape, self.input_channels, self.channel_axis)
        return self.infer_shape(shape)

    def _as_shapes(self, input_shape: Any) -> Any:
        """Return a shape as a tuple, or a list of them for layers of several inputs."""
        if not self.takes_list:
            return arguments.as_shape(self.where, "input_shape", input_shape)
        if not isinstance(input_shape, (list, tuple)) or not all(
            isinstance(shape, (list, tuple)) for shape in input_shape
        ):
            raise ValueError(
                f"{self.where}: takes a list of inputs, so input_shape must be a list of shapes, "
                f"got {input_shape!r}."
            )
        return [arguments.as_shape(self.where, "input_shape", shape) for shape in input_shape]

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape; called before the weights exist."""
        return input_shape

    @property
    def compute_dtype(self) -> str:
        """Type of the factors of products: "float32", or "bfloat16" under a mixed policy."""
        return self.dtype_policy.compute_dtype

    # Computing

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the output and, when training, the function that takes gradients back.

        Parameters
        ----------
        x : float32 array, C-contiguous
            Not written to.
        training : bool

        Returns
        -------
        y : float32 array
            May share memory with `x`.
        backward : function(dy, need_dx=True) or None
            Adds the gradients of the trainable weights to their `grad`, returns the gradient of
            the loss with respect to `x`, or None if `need_dx` is false. All that it needs is in
            it: a layer keeps nothing between calls.
        """
        raise checks.must_define(self, "forward(x, training)")

    def __call__(self, *inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Return the output for a batch, building the layer if need be.

        Parameters
        ----------
        *inputs : array or KerasTensor, or a list of them for layers of several inputs
            With symbolic tensors the result is symbolic too, and nothing is computed.
        training : bool, optional
            In a call with symbolic tensors: what the layer is told whenever the model runs; by
            default, whether the model trains.

        Raises
        ------
        ValueError
            The shape of an input does not fit the layer.
        TypeError
            An input does not hold real numbers.
        """
        if tensors_in((inputs, kwargs)):
            if training is not None:
                kwargs["training"] = training
            return self.call_symbolic(inputs, kwargs)
        return calls.compute(self, inputs, kwargs, training)

    def call_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Note a call with symbolic tensors, and return the symbolic tensors that it gives."""
        return calls.record(self, args, kwargs)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the mask (bool, the leading axes of the output) for an input and its mask.

        Layers that make masks define it: the first of them has a mask of None.
        """
        return mask if self.supports_masking else None

    def sublayers(self) -> list[Layer]:
        """Return the layers that this one is made of, in the order they were assigned."""
        return calls.assigned_layers(self) if calls.is_composite(self) else []

    def in_inference(self) -> Layer:
        """Return a layer that shares the weights and computes in training what inference does.

        Layers that behave alike in both need not define it; it is for calls with training=False.
        """
        return self

    @property
    def is_elementwise(self) -> bool:
        """Whether each element of the output depends on those in its place in the inputs alone."""
        return False

    def channels_last_twin(self) -> Layer | None:
        """Return a layer that shares the weights and does the same with channels last.

        None if there is none, or the channels are last already.
        """
        return None

    @property
    def input(self) -> Any:
        """What the layer was first called with: a symbolic tensor, or a list of them."""
        node = self._first_call("input")
        return node.args[0] if node.args else node.inputs

    @property
    def output(self) -> Any:
        """The symbolic tensor, or structure of them, that the first call of the layer gave."""
        return self._first_call("output").output

    input_shape: Any = deprecation.OldAttribute("input_shape", lambda layer: _shapes(layer.input))
    output_shape: Any = deprecation.OldAttribute(
        "output_shape", lambda layer: _shapes(layer.output)
    )

    def _first_call(self, what: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(
                f"{self.where} has no {what}: it was never called with a symbolic tensor, so it "
                f"is no part of a graph; build its model first."
            )
        return self._inbound_nodes[0]

    # The last layer's activation, which training fuses with the loss

    @property
    def activation_name(self) -> str | None:
        """Name of the function that made the output, None if it has no name in `ops`."""
        return "linear"

    def without_activation(self: Self) -> Layer:
        """Return a layer that shares the weights and leaves the activation out."""
        return self

    # Configuration

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        config = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": serialization.serialize(self.dtype_policy),
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = serialization.serialize(self.activity_regularizer)
        return {**config, **super().get_config()}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


for _name in deprecation.GONE:
    setattr(Layer, _name, deprecation.GoneAttribute(_name, deprecation.KEEP_TENSORS))


def _shapes(tensors: Any) -> Any:
    return tree.map_leaves(lambda tensor: tensor.shape, tensors)


def weightless_backward(
    training: bool, gradient: Callable[[np.ndarray], np.ndarray]
) -> Backward | None:
    """Return the `backward` of a layer without weights, given dy -> dx; None if not training."""
    if not training:
        return None

    def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
        return gradient(dy) if need_dx else None

    return backward


def _unrecognized(cls: type, unknown: Mapping[str, Any]) -> str:
    """Return the message for constructor arguments that no layer of this class takes."""
    shown = ", ".join(
        f"'{key}': {value!r}"
        if isinstance(value, (bool, int, float, str, type(None)))
        else f"'{key}': <{type(value).__name__}>"
        for key, value in unknown.items()
    )
    first = next(iter(unknown))
    hint = deprecation.keras_1_hint(first) or checks.did_you_mean(
        first, serialization.parameters(cls)
    )
    return f"Unrecognized keyword arguments passed to {cls.__name__}: {{{shown}}}.{hint}"
