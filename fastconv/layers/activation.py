"""Activation layers, and how layers with an `activation` argument apply it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import activations, deprecation, ops
from ..activations import ActivationFunction
from ..arguments import as_real
from ..ops import checks
from ..ops.axes import AxesLast
from . import arguments
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward

#: dy -> gradient with respect to the activation's input
Gradient = Callable[[np.ndarray], np.ndarray]


class ActivationLayer(Layer):
    """Base of layers that apply a function to their input; they can be `activation=` too."""

    supports_masking = True

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the function of `x`."""
        y, gradient = self.apply(x, training)
        return y, weightless_backward(training, gradient)

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        raise checks.must_define(self, "apply(x, training)")

    @property
    def activation_name(self) -> str | None:
        """Name of the function in `ops.ACTIVATIONS`, None if its arguments are special."""
        return None

    @property
    def is_elementwise(self) -> bool:
        """Whether the function has no axis."""
        name = self.activation_name
        return name is not None and ops.ACTIVATIONS[name].elementwise

    def without_activation(self) -> Layer:
        """Return a layer that passes its input on."""
        return Activation("linear", name=self.name)


def as_activation(identifier: Any) -> ActivationFunction | ActivationLayer:
    """Return what `activation=` means: a name, config, function, or activation layer."""
    if isinstance(identifier, ActivationLayer):
        return identifier
    if isinstance(identifier, Mapping) and identifier.get("class_name") in _LAYERS:
        return _LAYERS[identifier["class_name"]].from_config(identifier["config"])
    return activations.get(identifier)


def is_elementwise(activation: ActivationFunction | ActivationLayer) -> bool:
    """Return whether what `as_activation` returned has no axis."""
    if isinstance(activation, ActivationLayer):
        return bool(activation.is_elementwise)
    return ops.ACTIVATIONS[activation.activation_name].elementwise


def activate(
    compute: Callable[[str | None], np.ndarray],
    activation: ActivationFunction | ActivationLayer,
    training: bool,
) -> tuple[np.ndarray, Gradient]:
    """Compute something with an activation, in one pass where the gradient allows it.

    Parameters
    ----------
    compute : function of an activation name or None
        Returns the result with that activation, or without any.
    activation : what `as_activation` returned
    training : bool

    Returns
    -------
    y : array
    gradient : function of dy
        Gradient with respect to what `compute(None)` returns.
    """
    name = activation.activation_name
    if name is None:
        assert isinstance(activation, ActivationLayer)
        return activation.apply(compute(None), training)
    if name == "linear":
        return compute(None), lambda dy: dy
    z = None
    if training and ops.activation_needs_input(name):
        z = compute(None)
        y = ops.activation(z, name)
    else:
        y = compute(name)
    return y, lambda dy: ops.activation_backward(dy, z, y, name)


def _apply_function(
    function: ActivationFunction | ActivationLayer, x: np.ndarray, training: bool
) -> tuple[np.ndarray, Gradient]:
    """Return the function of `x`, and its gradient function."""
    return activate(lambda name: x if name is None else ops.activation(x, name), function, training)


class Activation(ActivationLayer):
    """Applies an activation function.

    Parameters
    ----------
    activation : str, function of `fastconv.activations` or activation layer
    """

    config_keys = ("activation",)

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = as_activation(activation)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape; glu halves the last axis."""
        name = self.activation_name
        if name is None or ops.ACTIVATIONS[name].keeps_shape:
            return input_shape
        size = arguments.known_channels(self.where, input_shape)
        if size % 2:
            raise ValueError(
                f"{self.where}: {name} needs a last axis of even size, got shape {input_shape}."
            )
        return (*input_shape[:-1], size // 2)

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        return _apply_function(self.activation, x, training)

    @property
    def activation_name(self) -> str | None:
        """Name of the function in `ops.ACTIVATIONS`, None if its arguments are special."""
        return self.activation.activation_name

    def without_activation(self) -> Layer:
        """Return a layer that passes its input on."""
        clone = copy.copy(self)
        clone.activation = activations.get("linear")
        return clone


class _Parametrised(ActivationLayer):
    """Base of layers for one function of `ops` with arguments."""

    @property
    def function(self) -> ops.Activation:
        """The function with the layer's arguments."""
        raise checks.must_define(self, "function")

    @property
    def is_elementwise(self) -> bool:
        """Whether the function has no axis."""
        return self.function.elementwise

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        function = self.function
        y = function.forward(x)
        kept_x, kept_y = (x, None) if function.needs_input else (None, y)
        return y, lambda dy: function.backward(dy, kept_x, kept_y)


class ReLU(_Parametrised):
    """Rectifier: `max_value` from there up, x from `threshold` up, else a slope.

    Parameters
    ----------
    max_value : float >= 0, optional
        None for no limit.
    negative_slope : float >= 0
        Below the threshold the output is `negative_slope * (x - threshold)`.
    threshold : float >= 0
    """

    config_keys = ("max_value", "negative_slope", "threshold")

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.max_value = (
            None if max_value is None else as_real(self.where, "max_value", max_value, 0)
        )
        self.negative_slope = as_real(self.where, "negative_slope", negative_slope, 0)
        self.threshold = as_real(self.where, "threshold", threshold, 0)

    @property
    def function(self) -> ops.Activation:
        """The function with the layer's arguments."""
        return ops.make_activation("relu", self.negative_slope, self.max_value, self.threshold)

    @property
    def activation_name(self) -> str | None:
        """Return "relu" or "relu6", None for all other arguments."""
        if self.negative_slope or self.threshold:
            return None
        return {None: "relu", 6.0: "relu6"}.get(self.max_value)


class LeakyReLU(_Parametrised):
    """Rectifier with a slope for negative x.

    Parameters
    ----------
    negative_slope : float >= 0
        `alpha`, its name before Keras 3, is understood.
    """

    config_keys = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        negative_slope = deprecation.take("LeakyReLU", kwargs, "alpha", negative_slope)
        super().__init__(**kwargs)
        self.negative_slope = as_real(self.where, "negative_slope", negative_slope, 0)

    @property
    def function(self) -> ops.Activation:
        """The function with the layer's arguments."""
        return ops.make_activation("leaky_relu", self.negative_slope)


class ELU(_Parametrised):
    """x above 0, alpha * (e^x - 1) below.

    Parameters
    ----------
    alpha : float
    """

    config_keys = ("alpha",)

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = as_real(self.where, "alpha", alpha)

    @property
    def function(self) -> ops.Activation:
        """The function with the layer's arguments."""
        return ops.make_activation("elu", self.alpha)

    @property
    def activation_name(self) -> str | None:
        """Return "elu", or None for another alpha than 1."""
        return "elu" if self.alpha == 1 else None


class Softmax(ActivationLayer):
    """exp(x), scaled to sum to one along `axis`.

    Parameters
    ----------
    axis : int or list of int
    """

    config_keys = ("axis",)

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = arguments.as_axes(self.where, axis)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if it has the axes."""
        arguments.resolve_axes(self.where, self.axis, input_shape)
        return input_shape

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        axes = arguments.resolve_axes(self.where, self.axis, x.shape)
        last = AxesLast(x.ndim, axes)
        moved = last.move(x)
        # All the axes are one row; -1 cannot stand for a size where there are no samples.
        rows = (math.prod(moved.shape[: -len(axes)]), math.prod(moved.shape[-len(axes) :]))
        y = ops.softmax(moved.reshape(rows))

        def gradient(dy: np.ndarray) -> np.ndarray:
            dx = ops.softmax_backward(last.move(dy).reshape(rows), y)
            return last.back(dx.reshape(moved.shape))

        return last.back(y.reshape(moved.shape)), gradient

    @property
    def activation_name(self) -> str | None:
        """Return "softmax", or None if it is not along the last axis."""
        return "softmax" if self.axis in (-1, [-1]) else None


_LAYERS: dict[str, type[ActivationLayer]] = {
    cls.__name__: cls for cls in (Activation, ELU, LeakyReLU, ReLU, Softmax)
}
