"""Activations and their gradients, by name and, where they take arguments, as functions.

Keras's formulas. Every elementwise one is a row of a table: a code of csrc/elementwise/maps.def
with up to three numbers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import elementwise, rows
from . import checks

Float32 = NDArray[np.float32]

#: Klambauer et al., "Self-normalizing neural networks", NIPS 2017.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

_Args = tuple[float, float, float]


class Activation:
    """One activation.

    Attributes
    ----------
    name : str
    needs_input : bool
        The gradient is a function of x; otherwise of y, and x need not be kept.
    """

    __slots__ = ("_args", "_code", "name", "needs_input")

    def __init__(
        self,
        name: str,
        function: str,
        args: tuple[float, ...] = (),
        needs_input: bool = False,
    ) -> None:
        self.name = name
        self.needs_input = needs_input
        self._code = elementwise.CODES[function]
        self._args: _Args = (*args, 0.0, 0.0, 0.0)[:3]  # type: ignore[assignment]

    def forward(self, x: Any) -> Float32:
        """Return y, float32, shaped like `x`."""
        x = checks.as_float32(self.name, "x", x)
        return _forward(self._code, self._args, x)

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        """Return dx, float32; `x` may be None unless `needs_input`, `y` may be if it is set."""
        where = f"{self.name}_backward"
        used, name = (x, "x") if self.needs_input else (y, "y")
        if used is None:
            raise ValueError(f"{where}: needs {name}, got None.")
        return _backward(where, self._code, self._args, dy, used, name)


class _Linear(Activation):
    """The identity: hands on the array itself."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__("linear", "linear")

    def forward(self, x: Any) -> Float32:
        return checks.as_float32(self.name, "x", x)

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        return checks.as_float32("linear_backward", "dy", dy)


class _Softmax(Activation):
    """softmax or log_softmax over the last axis."""

    __slots__ = ("_both",)

    def __init__(
        self,
        forward: Callable[[Float32], Float32],
        backward: Callable[[Float32, Float32], Float32],
    ) -> None:
        super().__init__(forward.__name__, "linear")
        self._both = forward, backward

    def forward(self, x: Any) -> Float32:
        return self._both[0](x)

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        return self._both[1](dy, y)


def _forward(code: int, args: _Args, x: Any) -> Float32:
    y = np.empty(x.shape, np.float32)
    elementwise.forward(code, args, x.reshape(-1), y.reshape(-1))
    return y


def _backward(where: str, code: int, args: _Args, dy: Any, v: Any, name: str) -> Float32:
    dy = checks.as_float32(where, "dy", dy)
    v = checks.as_float32(where, name, v)
    if dy.shape != v.shape:
        raise ValueError(f"{where}: dy must have the shape of {name}, {v.shape}, got {dy.shape}.")
    dx = np.empty(dy.shape, np.float32)
    elementwise.backward(code, args, dy.reshape(-1), v.reshape(-1), dx.reshape(-1))
    return dx


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
    return ACTIVATIONS[checks.one_of(where, "name", name, ACTIVATIONS)] if found is None else found


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
    x = checks.as_float32("relu", "x", x)
    if negative_slope == 0 and max_value is None and threshold == 0:
        return _forward(elementwise.CODES["relu"], (0.0, 0.0, 0.0), x)
    return _forward(*_bent(negative_slope, max_value, threshold), x)


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
    bent = _bent(negative_slope, max_value, threshold)
    return _backward("relu_backward", *bent, dy, x, "x")


def _bent(slope: float, max_value: float | None, threshold: float) -> tuple[int, _Args]:
    high = math.nan if max_value is None else float(max_value)
    return elementwise.CODES["bent_relu"], (float(slope), high, float(threshold))


def leaky_relu(x: Any, negative_slope: float = 0.2) -> Float32:
    """Return x where x > 0, else negative_slope * x; float32, shaped like `x`."""
    return relu(x, negative_slope)


def leaky_relu_backward(dy: Any, x: Any, negative_slope: float = 0.2) -> Float32:
    """Return dx of `leaky_relu(x, negative_slope)`, float32."""
    return _backward("leaky_relu_backward", *_bent(negative_slope, None, 0.0), dy, x, "x")


def elu(x: Any, alpha: float = 1.0) -> Float32:
    """Return x where x > 0, else alpha * (e^x - 1); float32, shaped like `x`.

    Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by exponential
    linear units", ICLR 2016.
    """
    x = checks.as_float32("elu", "x", x)
    return _forward(elementwise.CODES["elu"], (1.0, float(alpha), 0.0), x)


def elu_backward(dy: Any, y: Any, alpha: float = 1.0) -> Float32:
    """Return dx of y = `elu(x, alpha)`, float32.

    Raises
    ------
    ValueError
        The shapes differ, or alpha < 0: y then does not tell which side of 0 x was on.
    """
    if not alpha >= 0:
        raise ValueError(f"elu_backward: alpha must be at least 0, got {alpha}.")
    args = (1.0, float(alpha), 0.0)
    return _backward("elu_backward", elementwise.CODES["elu"], args, dy, y, "y")


def sigmoid(x: Any) -> Float32:
    """Return 1 / (1 + e^-x), float32, shaped like `x`."""
    return ACTIVATIONS["sigmoid"].forward(x)


def softmax(x: Any, axis: int = -1) -> Float32:
    """Return e^x divided by its sum over an axis, without overflow.

    Parameters
    ----------
    x : float32 array of at least one dimension
    axis : int

    Returns
    -------
    y : float32 array, shaped like x

    Raises
    ------
    ValueError
        There is no such axis.
    """
    return _by_rows("softmax", rows.softmax, axis, x=x)


def softmax_backward(dy: Any, y: Any, axis: int = -1) -> Float32:
    """Return dx of y = `softmax(x, axis)`: y * (dy - sum(dy * y)), float32."""
    return _by_rows("softmax_backward", rows.softmax_backward, axis, dy=dy, y=y)


def log_softmax(x: Any, axis: int = -1) -> Float32:
    """Return the logarithm of `softmax(x, axis)`, which neither overflows nor becomes log(0)."""
    return _by_rows("log_softmax", rows.log_softmax, axis, x=x)


def log_softmax_backward(dy: Any, y: Any, axis: int = -1) -> Float32:
    """Return dx of y = `log_softmax(x, axis)`: dy - e^y * sum(dy), float32."""
    return _by_rows("log_softmax_backward", rows.log_softmax_backward, axis, dy=dy, y=y)


def _by_rows(where: str, driver: Callable[..., None], axis: int, **named: Float32) -> Float32:
    """Run a driver of rows with its inputs' `axis` as the last one."""
    arrays = [checks.as_float32(where, name, array) for name, array in named.items()]
    shape = arrays[0].shape
    if any(array.shape != shape for array in arrays):
        shapes = " and ".join(str(array.shape) for array in arrays)
        raise ValueError(f"{where}: {' and '.join(named)} must have one shape, got {shapes}.")
    if not -len(shape) <= axis < len(shape):
        raise ValueError(f"{where}: axis must be one of the {len(shape)} of x, got {axis}.")
    result = np.empty(shape, np.float32)
    if not result.size:
        return result
    if axis in (-1, len(shape) - 1):
        driver(*(array.reshape(-1, shape[-1]) for array in (*arrays, result)))
        return result
    moved = [np.ascontiguousarray(np.moveaxis(array, axis, -1)) for array in (*arrays, result)]
    driver(*(array.reshape(-1, shape[axis]) for array in moved))
    return np.ascontiguousarray(np.moveaxis(moved[-1], -1, axis))


#: name: activation. Second names are at the end.
ACTIVATIONS: dict[str, Activation] = {
    one.name: one
    for one in (
        _Linear(),
        Activation("relu", "relu"),
        Activation("relu6", "bent_relu", (0.0, 6.0, 0.0)),
        Activation("leaky_relu", "bent_relu", (0.2, math.nan, 0.0)),
        Activation("elu", "elu", (1.0, 1.0)),
        Activation("selu", "elu", (SELU_SCALE, SELU_SCALE * SELU_ALPHA)),
        Activation("sigmoid", "sigmoid"),
        Activation("tanh", "tanh"),
        _Softmax(softmax, softmax_backward),
        _Softmax(log_softmax, log_softmax_backward),
        Activation("softplus", "softplus"),
        Activation("softsign", "softsign"),
        Activation("exponential", "exponential"),
        Activation("hard_sigmoid", "hard_sigmoid"),
        Activation("silu", "silu", needs_input=True),
        Activation("gelu", "gelu", needs_input=True),
        Activation("mish", "mish", needs_input=True),
        Activation("hard_silu", "hard_silu", needs_input=True),
    )
}
ACTIVATIONS["swish"] = ACTIVATIONS["silu"]
ACTIVATIONS["hard_swish"] = ACTIVATIONS["hard_silu"]
