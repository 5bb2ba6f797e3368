"""The layers that operators on symbolic tensors make: `x + y`, `2 * x`, `-x`.

In configs they carry the names that Keras gives its operations. An operand that is a number or an
array stands in the call, not in the layer's config.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ..ops import checks, merging
from . import calls
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward
from .symbolic import KerasTensor

#: Modules of these classes in a config.
MODULES = ("keras.src.ops.numpy", "keras.ops", "keras.ops.numpy")


class Operator(Layer):
    """Base of operators: numbers and arrays among the operands are kept as constants."""

    keras_module = MODULES[0]
    operands: ClassVar[int] = 2

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)
        self.constant: np.ndarray | None = None
        self.constant_first = False

    def __call__(self, *operands: Any, **kwargs: Any) -> Any:
        """Return the result for symbolic tensors, numbers and arrays."""
        if kwargs or len(operands) != self.operands:
            raise TypeError(f"{self.where}: needs {self.operands} operands, got {len(operands)}.")
        fixed = [x for x in operands if not isinstance(x, KerasTensor)]
        if len(fixed) == len(operands):
            raise TypeError(f"{self.where}: an operand must be a symbolic tensor.")
        if self._inbound_nodes and (fixed or self.constant is not None):
            raise ValueError(f"{self.where}: an operator with a constant can only be used once.")
        if fixed:
            self.constant = checks.as_float32(self.where, "operand", fixed[0])
            self.constant_first = not isinstance(operands[0], KerasTensor)
        tensors = [x for x in operands if isinstance(x, KerasTensor)]
        self.takes_list = len(tensors) == 2
        shapes: Any = [x.shape for x in tensors]
        if not self.takes_list:
            shapes = shapes[0]
        self.build(shapes)
        return calls.note(self, operands, {}, self.compute_output_shape(shapes))

    def infer_shape(self, input_shape: Any) -> Shape:
        """Return the shape that the operands are broadcast to, as NumPy does."""
        shapes = list(input_shape) if self.takes_list else [input_shape]
        if self.constant is not None:
            shapes.append(self.constant.shape)
        rank = max(map(len, shapes))
        axes = zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True)
        result: list[int | None] = []
        for sizes in axes:
            known = {n for n in sizes if n not in (1, None)}
            if len(known) > 1:
                listed = " and ".join(str(tuple(shape)) for shape in shapes)
                raise ValueError(f"{self.where}: shapes {listed} do not go together.")
            result.append(known.pop() if known else None if None in sizes else 1)
        return tuple(result)

    def forward(self, x: Any, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the result of the operands."""
        a, b = self._both(x)
        y = self.compute(a, b)
        if not training:
            return y, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> Any:
            if not need_dx:
                return None
            if self.takes_list:
                da, db = self.gradients[0](dy, a, b), self.gradients[1](dy, a, b)
                return [merging.unbroadcast(da, a.shape), merging.unbroadcast(db, b.shape)]
            place = 1 if self.constant_first else 0
            shape = (b if place else a).shape
            return merging.unbroadcast(self.gradients[place](dy, a, b), shape)

        return y, backward

    def _both(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        if self.takes_list:
            return x[0], x[1]
        assert self.constant is not None
        return (self.constant, x) if self.constant_first else (x, self.constant)

    #: Functions of dy and both operands that give the gradient of each, before unbroadcasting.
    gradients: ClassVar[tuple[Callable[..., Any], Callable[..., Any]]]

    #: The NumPy function of both operands.
    compute: ClassVar[Callable[..., Any]]

    def get_config(self) -> dict[str, Any]:
        """Return the name, all that Keras keeps of an operation."""
        return {"name": self.name}


class Add(Operator):
    """x + y."""

    gradients = (lambda dy, a, b: dy, lambda dy, a, b: dy)
    compute = np.add


class Subtract(Operator):
    """x - y."""

    gradients = (lambda dy, a, b: dy, lambda dy, a, b: -dy)
    compute = np.subtract


class Multiply(Operator):
    """x * y."""

    gradients = (lambda dy, a, b: dy * b, lambda dy, a, b: dy * a)
    compute = np.multiply


class TrueDivide(Operator):
    """x / y."""

    gradients = (lambda dy, a, b: dy / b, lambda dy, a, b: -dy * a / (b * b))
    compute = np.true_divide


class Negative(Operator):
    """-x."""

    operands = 1

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape."""
        return input_shape

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return -x."""
        return np.negative(x), weightless_backward(training, np.negative)


#: Keras also knows the division as "Divide".
CLASSES: dict[str, type[Operator]] = {
    "Add": Add,
    "Subtract": Subtract,
    "Multiply": Multiply,
    "TrueDivide": TrueDivide,
    "Divide": TrueDivide,
    "Negative": Negative,
}
