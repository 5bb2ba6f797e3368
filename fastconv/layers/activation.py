"""Activation layers, and how layers with an `activation` argument apply it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import activations, ops
from ..activations import ActivationFunction
from ..arguments import as_real
from ..ops import checks
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward

#: dy -> gradient with respect to the activation's input
Gradient = Callable[[np.ndarray], np.ndarray]


class ActivationLayer(Layer):
    """Base of layers that apply a function to their input; they can be `activation=` too."""

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the function of `x`."""
        y, gradient = self.apply(x, training)
        return y, weightless_backward(training, gradient)

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        raise NotImplementedError(f"{self.where} must define apply(x, training).")

    @property
    def activation_name(self) -> str | None:
        """Name of the function in `ops.ACTIVATIONS`, None if its arguments are special."""
        return None

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


class ReLU(ActivationLayer):
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

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        name = self.activation_name
        if name is not None:
            return _apply_function(activations.get(name), x, training)
        special = (self.negative_slope, self.max_value, self.threshold)
        return ops.relu(x, *special), lambda dy: ops.relu_backward(dy, x, *special)

    @property
    def activation_name(self) -> str | None:
        """Return "relu" or "relu6", None for all other arguments."""
        if self.negative_slope or self.threshold:
            return None
        return {None: "relu", 6.0: "relu6"}.get(self.max_value)


class LeakyReLU(ActivationLayer):
    """Rectifier with a slope for negative x.

    Parameters
    ----------
    negative_slope : float >= 0
        `alpha`, its name before Keras 3, is understood.
    """

    config_keys = ("negative_slope",)

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            warnings.warn(
                "LeakyReLU: alpha is called negative_slope now.", DeprecationWarning, stacklevel=2
            )
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self.negative_slope = as_real(self.where, "negative_slope", negative_slope, 0)

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        slope = self.negative_slope
        return ops.leaky_relu(x, slope), lambda dy: ops.leaky_relu_backward(dy, x, slope)


class Softmax(ActivationLayer):
    """exp(x), scaled to sum to one along `axis`.

    Parameters
    ----------
    axis : int
    """

    config_keys = ("axis",)

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = checks.as_int(self.where, "axis", axis, minimum=-32)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if it has the axis."""
        if not -len(input_shape) <= self.axis < len(input_shape):
            raise ValueError(f"{self.where}: input has no axis {self.axis}, shape {input_shape}.")
        return input_shape

    def apply(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Gradient]:
        """Return the function of `x`, and its gradient function."""
        axis = self.axis
        y = ops.softmax(x, axis)

        def last(array: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(np.moveaxis(array, axis, -1))

        def gradient(dy: np.ndarray) -> np.ndarray:
            dx = ops.activation_backward(last(dy), None, last(y), "softmax")
            return np.ascontiguousarray(np.moveaxis(dx, -1, axis))

        return y, gradient

    @property
    def activation_name(self) -> str | None:
        """Return "softmax", or None if it is not along the last axis."""
        return "softmax" if self.axis == -1 else None


_LAYERS: dict[str, type[ActivationLayer]] = {
    cls.__name__: cls for cls in (Activation, LeakyReLU, ReLU, Softmax)
}
