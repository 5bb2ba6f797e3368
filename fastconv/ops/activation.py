"""Activations and their gradients, by name and, where they take arguments, as functions.

Keras's names and formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import rows
from . import checks
from .activation_kinds import Activation, Along, Computed, Glu, Linear, Map
from .softmax import (
    log_softmax,
    log_softmax_backward,
    softmax,
    softmax_backward,
    sparsemax,
    sparsemax_backward,
)

Float32 = NDArray[np.float32]

#: Klambauer et al., "Self-normalizing neural networks", NIPS 2017.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def activation(x: Any, name: str) -> Float32:
    """Apply the activation `name`, a key of ACTIVATIONS.

    Parameters
    ----------
    x : float32 array, any shape
        softmax and log_softmax work on its last axis.
    name : str

    Returns
    -------
    y : float32 array, shaped like x
        For "linear" it is `x` itself.

    Raises
    ------
    ValueError
        There is no such activation.
    """
    return _find("activation", name).forward(x)


def activation_backward(dy: Any, x: Any, y: Any, name: str) -> Float32:
    """Return dx of `activation(x, name)`.

    Parameters
    ----------
    dy : float32 array
    x : float32 array or None
        Read only if `activation_needs_input(name)`.
    y : float32 array
        The result of the activation; read only if x is not.
    name : str

    Returns
    -------
    dx : float32 array, shaped like dy

    Raises
    ------
    ValueError
        There is no such activation, or the shapes differ.
    """
    return _find("activation_backward", name).backward(dy, x, y)


def activation_needs_input(name: str) -> bool:
    """Return whether the gradient of an activation takes x rather than y."""
    return _find("activation_needs_input", name).needs_input


def _find(where: str, name: str) -> Activation:
    found = ACTIVATIONS.get(name) if isinstance(name, str) else None
    if found is None:
        shown = f'"{name}"' if isinstance(name, str) else repr(name)
        raise ValueError(
            f"{where}: name must be a key of ops.ACTIVATIONS, got {shown}."
            f"{checks.did_you_mean(name, ACTIVATIONS)}"
        )
    return found


def relu(
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Float32:
    """Return max_value where x >= max_value, else x where x >= threshold, else a sloping line.

    Parameters
    ----------
    x : float32 array, any shape
    negative_slope : float
        Below the threshold y = negative_slope * (x - threshold).
    max_value : float, optional
    threshold : float

    Returns
    -------
    y : float32 array, shaped like x
    """
    return _relu(negative_slope, max_value, threshold).forward(x)


def relu_backward(
    dy: Any,
    x: Any,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
) -> Float32:
    """Return dx of `relu(x, ...)`, float32; at a kink the slope of the flatter or lower side.

    Parameters
    ----------
    dy, x : float32 arrays of one shape
    negative_slope, max_value, threshold
        As for `relu`.
    """
    x = checks.as_float32("relu_backward", "x", x)
    # Where the gradient is a function of y, x lies on the same side of 0 and of 6 as y.
    return _relu(negative_slope, max_value, threshold).backward(dy, x, x)


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Float32:
    """Return x where x > 0, else negative_slope * x; float32, shaped like `x`."""
    return _leaky_relu(negative_slope).forward(x)


def leaky_relu_backward(dy: Any, x: Any, negative_slope: float = 0.2) -> Float32:
    """Return dx of `leaky_relu(x, negative_slope)`, float32."""
    x = checks.as_float32("leaky_relu_backward", "x", x)
    return _leaky_relu(negative_slope).backward(dy, x, x)


def elu(x: Any, alpha: float = 1.0) -> Float32:
    """Return x where x > 0, else alpha * (e^x - 1); float32, shaped like `x`.

    Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016.
    """
    return _elu(alpha).forward(x)


def elu_backward(dy: Any, y: Any, alpha: float = 1.0) -> Float32:
    """Return dx of y = `elu(x, alpha)`, float32.

    Raises
    ------
    ValueError
        The shapes differ, or alpha < 0: y then does not tell which side of 0 x was on.
    """
    if not alpha >= 0:
        raise ValueError(f"elu_backward: alpha must be at least 0, got {alpha}.")
    return _elu(alpha).backward(dy, None, y)


def sigmoid(x: Any) -> Float32:
    """Return 1 / (1 + e^-x), float32, shaped like `x`."""
    return ACTIVATIONS["sigmoid"].forward(x)


def _relu(
    negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0
) -> Activation:
    if negative_slope == 0 and threshold == 0 and max_value in (None, 6):
        name = "relu" if max_value is None else "relu6"
        return Map(name, name)
    high = math.nan if max_value is None else float(max_value)
    args = (float(negative_slope), high, float(threshold))
    return Map("relu", "bent_relu", args, needs_input=True)


def _leaky_relu(negative_slope: float = 0.2) -> Activation:
    # A slope above 0 leaves the sign of x in y.
    args = (float(negative_slope), math.nan, 0.0)
    return Map("leaky_relu", "bent_relu", args, needs_input=not negative_slope > 0)


def _elu(alpha: float = 1.0) -> Activation:
    # As y tells the slope only if it tells the sign of x.
    return Map("elu", "elu", (1.0, float(alpha))) if alpha >= 0 else Computed("elu", alpha)


def _celu(alpha: float = 1.0) -> Activation:
    if not alpha:
        raise ValueError(f"celu: alpha must not be 0, got {alpha}.")
    return Map("celu", "elu", (1.0, 1.0)) if alpha == 1 else Computed("celu", alpha)


def _gelu(approximate: bool = False) -> Activation:
    return Computed("gelu") if approximate else Map("gelu", "gelu", needs_input=True)


def _squareplus(b: float = 4) -> Activation:
    return Computed("squareplus", checks.at_least_zero("squareplus", "b", b))


def _soft_shrink(threshold: float = 0.5) -> Activation:
    return Computed("soft_shrink", checks.at_least_zero("soft_shrink", "threshold", threshold))


def _hard_shrink(threshold: float = 0.5) -> Activation:
    return Computed("hard_shrink", checks.at_least_zero("hard_shrink", "threshold", threshold))


def _threshold(threshold: float, default_value: float) -> Activation:
    return Computed("threshold", float(threshold), float(default_value))


def _softmax(axis: int = -1) -> Activation:
    return Along(softmax, softmax_backward, axis, rows.softmax)


def _log_softmax(axis: int = -1) -> Activation:
    return Along(log_softmax, log_softmax_backward, axis, rows.log_softmax)


def _sparsemax(axis: int = -1) -> Activation:
    return Along(sparsemax, sparsemax_backward, axis)


def _glu(axis: int = -1) -> Activation:
    return Glu(axis)


#: Name: function of the arguments that Keras gives it besides x.
_MAKERS: dict[str, Callable[..., Activation]] = {
    "celu": _celu,
    "elu": _elu,
    "gelu": _gelu,
    "glu": _glu,
    "hard_shrink": _hard_shrink,
    "leaky_relu": _leaky_relu,
    "log_softmax": _log_softmax,
    "relu": _relu,
    "soft_shrink": _soft_shrink,
    "softmax": _softmax,
    "sparsemax": _sparsemax,
    "squareplus": _squareplus,
    "threshold": _threshold,
}

#: name: activation. Second names are at the end.
ACTIVATIONS: dict[str, Activation] = {
    one.name: one
    for one in (
        Linear("linear", False),
        Map("relu6", "relu6"),
        Map("selu", "elu", (SELU_SCALE, SELU_SCALE * SELU_ALPHA)),
        Map("sigmoid", "sigmoid"),
        Map("log_sigmoid", "softplus", sign=-1.0),
        Map("tanh", "tanh"),
        Map("softplus", "softplus"),
        Map("softsign", "softsign"),
        Map("exponential", "exponential"),
        Map("hard_sigmoid", "hard_sigmoid"),
        Map("silu", "silu", needs_input=True),
        Map("mish", "mish", needs_input=True),
        Map("hard_silu", "hard_silu", needs_input=True),
        *map(Computed, ("hard_tanh", "sparse_plus", "sparse_sigmoid", "tanh_shrink")),
        *(make() for name, make in _MAKERS.items() if name != "threshold"),
    )
}
ACTIVATIONS["swish"] = ACTIVATIONS["silu"]
ACTIVATIONS["hard_swish"] = ACTIVATIONS["hard_silu"]


def make_activation(name: str, *arguments: Any, **named: Any) -> Activation:
    """Return an activation with arguments: `make_activation("relu", max_value=1.0)`.

    Parameters
    ----------
    name : str
        A key of ACTIVATIONS, or "threshold", which cannot do without arguments.
    *arguments, **named
        What the function of that name in `keras.activations` takes besides x.

    Raises
    ------
    TypeError
        The activation does not take these arguments.
    ValueError
        There is no such activation, or an argument is out of range.
    """
    make = _MAKERS.get(name)
    if make is None and (arguments or named):
        raise TypeError(f"{name}: takes no arguments besides x.")
    if make is None or (name in ACTIVATIONS and not (arguments or named)):
        return _find("make_activation", name)
    try:
        return make(*arguments, **named)
    except TypeError as error:
        raise TypeError(f"{name}: {str(error).removeprefix('_')}.") from None
