"""Activation functions by name: `activations.relu`, `activations.get("tanh")` ...

The formulas and gradients live in `ops.ACTIVATIONS`; every name there is an attribute here. A
function is an `ActivationFunction`, which layers recognise and fuse with what they compute.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import ops, serialization
from .ops import checks

#: Second names of Keras. Configs hold the first one.
_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}


class ActivationFunction:
    """An activation with a gradient, known to `ops` by its name.

    Attributes
    ----------
    registered_name : str
        The name in configs: "relu".
    """

    def __init__(self, name: str) -> None:
        self.registered_name = name
        self.__name__ = name

    @property
    def activation_name(self) -> str:
        """Name in `ops.ACTIVATIONS`."""
        return self.registered_name

    def __call__(self, x: Any, *arguments: Any, **named: Any) -> np.ndarray:
        """Return the activation of `x`, any shape, as float32.

        Some functions take Keras's arguments, such as `relu(x, negative_slope=0.0,
        max_value=None, threshold=0.0)`, `elu(x, alpha=1.0)` and `softmax(x, axis=-1)`.
        """
        return ops.make_activation(self.registered_name, *arguments, **named).forward(x)

    def __repr__(self) -> str:
        return f"<activation {self.registered_name}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return get, (self.registered_name,)  # copies and pickles stay the one registered object


_FUNCTIONS = {name: ActivationFunction(name) for name in ops.ACTIVATIONS}
#: Name: function; what configs can name.
TABLE = {**_FUNCTIONS, **{alias: _FUNCTIONS[name] for alias, name in _ALIASES.items()}}

#: Keras's one function with arguments that have no default: not for layers, which only name it.
threshold = ActivationFunction("threshold")


def __getattr__(name: str) -> ActivationFunction:
    if name in TABLE:
        return TABLE[name]
    raise AttributeError(checks.no_attribute(__name__, name, TABLE))


def __dir__() -> list[str]:
    return sorted([*TABLE, *__all__])


def get(identifier: Any) -> ActivationFunction:
    """Return the activation for a name, a config or an ActivationFunction; None gives linear.

    Raises
    ------
    ValueError
        The identifier is unknown, or a function without a known gradient.
    """
    if identifier is None:
        return TABLE["linear"]
    if identifier is threshold or identifier == "threshold":
        raise ValueError(
            "Could not interpret activation function identifier: threshold needs arguments; use "
            "layers.ReLU(threshold=...), or a layer of your own with forward()."
        )
    if callable(identifier) and not isinstance(identifier, (type, ActivationFunction)):
        raise ValueError(
            "Could not interpret activation function identifier: the gradient of "
            f"{getattr(identifier, '__name__', type(identifier).__name__)} is not known; use a "
            "function of fastconv.activations, or a layer of your own with forward()."
        )
    found = serialization.get(
        identifier,
        TABLE,
        "activation function",
        lambda obj: isinstance(obj, ActivationFunction),
    )
    assert isinstance(found, ActivationFunction)
    return found


def serialize(activation: ActivationFunction) -> str:
    """Return the name of an activation function."""
    return get(activation).registered_name


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> ActivationFunction:
    """Return the activation function that `serialize` wrote."""
    found = serialization.deserialize(config, TABLE, "activation function", custom_objects)
    assert isinstance(found, ActivationFunction)
    return found


__all__ = ["ActivationFunction", "deserialize", "get", "serialize", "threshold"]
