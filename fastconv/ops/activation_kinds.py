"""How activations are computed: by a micro-kernel, a NumPy formula, or along an axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import elementwise
from . import checks, formulas

Float32 = NDArray[np.float32]

_Args = tuple[float, float, float]


class Activation:
    """One activation.

    Attributes
    ----------
    name : str
    needs_input : bool
        The gradient is a function of x; otherwise of y, and x need not be kept.
    keeps_shape : bool
        y is shaped like x.
    elementwise : bool
        Each element of y depends on the one of x in its place alone, so that `bind` may be given
        one array for both.
    """

    __slots__ = ("name", "needs_input")

    keeps_shape = True
    elementwise = True

    def __init__(self, name: str, needs_input: bool) -> None:
        self.name = name
        self.needs_input = needs_input

    def forward(self, x: Any) -> Float32:
        """Return y, float32."""
        raise checks.must_define(self, "forward(x)")

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        """Return dx, float32; `x` may be None unless `needs_input`, `y` may be if it is set."""
        raise checks.must_define(self, "backward(dy, x, y)")

    def bind(self, x: Float32, y: Float32) -> Callable[[], None]:
        """Return what writes `forward(x)` to y whenever it is called; see `elementwise`."""
        return lambda: np.copyto(y, self.forward(x))

    def bind_backward(self, dy: Float32, used: Float32, dx: Float32) -> Callable[[], None]:
        """Return what writes dx, from x if it `needs_input`, else from y; dx may be dy."""
        return lambda: np.copyto(dx, self.backward(dy, used, used))

    def _used(self, x: Any, y: Any) -> tuple[Any, str]:
        """Return what the gradient is a function of, and its name."""
        used, name = (x, "x") if self.needs_input else (y, "y")
        if used is None:
            raise ValueError(f"{self.name}_backward: needs {name}, got None.")
        return used, name


class Map(Activation):
    """sign * f(sign * x), where f is a function of csrc/elementwise/maps.def."""

    __slots__ = ("_args", "_code", "_sign")

    def __init__(
        self,
        name: str,
        function: str,
        args: tuple[float, ...] = (),
        needs_input: bool = False,
        sign: float = 1.0,
    ) -> None:
        super().__init__(name, needs_input)
        self._code = elementwise.CODES[function]
        self._args: _Args = (*args, 0.0, 0.0, 0.0)[:3]  # type: ignore[assignment]
        self._sign = sign

    def forward(self, x: Any) -> Float32:
        """Return y, float32."""
        x = checks.as_float32(self.name, "x", x)
        y = np.empty(x.shape, np.float32)
        turned = x if self._sign == 1 else -x
        elementwise.forward(self._code, self._args, turned.reshape(-1), y.reshape(-1))
        return y if self._sign == 1 else np.negative(y, out=y)

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        """Return dx, float32."""
        dy, v = _same_shape(f"{self.name}_backward", dy, *self._used(x, y))
        turned = v if self._sign == 1 else -v
        dx = np.empty(dy.shape, np.float32)
        elementwise.backward(
            self._code, self._args, dy.reshape(-1), turned.reshape(-1), dx.reshape(-1)
        )
        return dx

    def bind(self, x: Float32, y: Float32) -> Callable[[], None]:
        """Return what writes `forward(x)` to y whenever it is called; y may be x."""
        if self._sign != 1:
            return super().bind(x, y)
        return partial(elementwise.forward, self._code, self._args, x.reshape(-1), y.reshape(-1))

    def bind_backward(self, dy: Float32, used: Float32, dx: Float32) -> Callable[[], None]:
        """Return what writes dx, from x if it `needs_input`, else from y; dx may be dy."""
        if self._sign != 1:
            return super().bind_backward(dy, used, dx)
        arrays = dy.reshape(-1), used.reshape(-1), dx.reshape(-1)
        return partial(elementwise.backward, self._code, self._args, *arrays)


class Linear(Activation):
    """The identity: hands on the array itself."""

    __slots__ = ()

    def forward(self, x: Any) -> Float32:
        """Return y, float32."""
        return checks.as_float32(self.name, "x", x)

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        """Return dx, float32."""
        return checks.as_float32("linear_backward", "dy", dy)


class Computed(Activation):
    """A formula of formulas.py."""

    __slots__ = ("_formula",)

    def __init__(self, name: str, *args: float) -> None:
        self._formula = formulas.FORMULAS[name](*args)
        super().__init__(name, self._formula.of_input)

    def forward(self, x: Any) -> Float32:
        """Return y, float32."""
        return formulas.in_pieces(self._formula.value, checks.as_float32(self.name, "x", x))

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        """Return dx, float32."""
        dy, v = _same_shape(f"{self.name}_backward", dy, *self._used(x, y))
        return formulas.in_pieces(lambda dy, v: dy * self._formula.slope(v), dy, v)


class Along(Activation):
    """An activation along an axis, whose gradient is a function of y."""

    __slots__ = ("_axis", "_both", "_rows")

    elementwise = False

    def __init__(
        self,
        forward: Callable[..., Float32],
        backward: Callable[..., Float32],
        axis: int,
        rows: Callable[[Float32, Float32], None] | None = None,
    ) -> None:
        super().__init__(forward.__name__, False)
        self._both = forward, backward
        self._rows = rows  # the kernel of the last axis
        self._axis = axis

    def forward(self, x: Any) -> Float32:
        """Return y, float32."""
        return self._both[0](x, self._axis)

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        """Return dx, float32."""
        return self._both[1](dy, self._used(x, y)[0], self._axis)

    def bind(self, x: Float32, y: Float32) -> Callable[[], None]:
        """Return what writes `forward(x)` to y, another array, whenever it is called."""
        if self._rows is None or self._axis != -1:
            return super().bind(x, y)
        return partial(self._rows, x.reshape(-1, x.shape[-1]), y.reshape(-1, y.shape[-1]))


_SIGMOID = Map("sigmoid", "sigmoid")


class Glu(Activation):
    """One half of x times the sigmoid of the other. Dauphin et al., arXiv:1612.08083."""

    __slots__ = ("_axis",)

    keeps_shape = False
    elementwise = False

    def __init__(self, axis: int) -> None:
        super().__init__("glu", True)
        self._axis = axis

    def forward(self, x: Any) -> Float32:
        """Return y, float32."""
        a, b = self._halves("glu", checks.as_float32("glu", "x", x))
        return a * _SIGMOID.forward(b)

    def backward(self, dy: Any, x: Any, y: Any) -> Float32:
        """Return dx, float32."""
        where = "glu_backward"
        x, dy = checks.as_float32(where, "x", x), checks.as_float32(where, "dy", dy)
        a, b = self._halves(where, x)
        if dy.shape != a.shape:
            raise ValueError(f"{where}: dy must have shape {a.shape}, got {dy.shape}.")
        gate = _SIGMOID.forward(b)
        db = _SIGMOID.backward(dy * a, None, gate)
        return np.concatenate([dy * gate, db], axis=self._axis)

    def _halves(self, where: str, x: Float32) -> list[Float32]:
        axis = checks.as_axis(where, self._axis, x.ndim)
        if x.shape[axis] % 2:
            raise ValueError(
                f"{where}: axis {self._axis} of x must have an even size, got shape {x.shape}."
            )
        return np.split(x, 2, axis)


def _same_shape(where: str, dy: Any, v: Any, name: str) -> tuple[Float32, Float32]:
    dy = checks.as_float32(where, "dy", dy)
    v = checks.as_float32(where, name, v)
    if dy.shape != v.shape:
        raise ValueError(f"{where}: dy must have the shape of {name}, {v.shape}, got {dy.shape}.")
    return dy, v
