"""Lambda: a function as a layer."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import activations, ops, serialization
from ..activations import ActivationFunction
from ..ops import checks
from . import arguments
from .arguments import Shape
from .layer import Backward, Layer


class Lambda(Layer):
    """Applies a function of arrays.

    Files never bring code: `from_config` refuses a function that is not of fastconv.

    Parameters
    ----------
    function : function of a float32 array
        Returns an array; a `training` argument is given if it has one.
    output_shape : tuple of int, or function of a shape, optional
        Without the batch axis. Found by a trial if not given.
    mask : array or function of (x, mask), optional
        What `compute_mask` returns.
    arguments : dict, optional
        More arguments of the function.
    gradient : function(dy, x, y), optional
        Returns dx. Not Keras's: only needed if there are weights to train below this layer.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        gradient: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(
                f"{self.where}: function must be callable, got {type(function).__name__}."
            )
        self.function = function
        self.output_shape_given = output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.gradient = gradient
        code = getattr(function, "__code__", None)
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code else ()
        self._wants_training = "training" in names

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape that was given, or that a trial with zeros has."""
        given = self.output_shape_given
        if callable(given):
            return arguments.as_shape(self.where, "output_shape", given(input_shape))
        if given is not None:
            return (input_shape[0], *arguments.as_shape(self.where, "output_shape", given))
        # An axis of the output whose size changes with the unknown sizes is unknown.
        shapes = [self._trial(input_shape, unknown) for unknown in (2, 3)]
        if len(shapes[0]) != len(shapes[1]):
            raise ValueError(f"{self.where}: the number of output axes must not depend on sizes.")
        return tuple(a if a == b else None for a, b in zip(*shapes, strict=True))

    def _trial(self, input_shape: Shape, unknown: int) -> tuple[int, ...]:
        x = np.zeros([unknown if n is None else n for n in input_shape], np.float32)
        try:
            return self._apply(x, False).shape
        except Exception as error:
            raise ValueError(
                f"{self.where}: the function failed on zeros of shape {x.shape} "
                f"({type(error).__name__}); give output_shape."
            ) from error

    def compute_mask(self, x: np.ndarray, mask: Any = None) -> Any:
        """Return the mask that was given, or what the given function makes of `x`."""
        return self.mask(x, mask) if callable(self.mask) else self.mask

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the function of `x`."""
        y = self._apply(x, training)
        if not training:
            return y, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            if not need_dx:
                return None
            function = self.function
            if isinstance(function, ActivationFunction) and not self.arguments:
                return ops.activation_backward(dy, x, y, function.activation_name)
            if self.gradient is None:
                raise ValueError(
                    f"{self.where}: the gradient of its function is not known, and layers below "
                    f"it have weights to train; give gradient=function(dy, x, y), or make a layer "
                    f"of your own with forward()."
                )
            dx = checks.as_float32(self.where, "the gradient", self.gradient(dy, x, y))
            if dx.shape != x.shape:
                raise ValueError(
                    f"{self.where}: gradient must return shape {x.shape}, got {dx.shape}."
                )
            return dx

        return y, backward

    def _apply(self, x: np.ndarray, training: bool) -> np.ndarray:
        more = {"training": training} if self._wants_training else {}
        y = self.function(x, **self.arguments, **more)
        return checks.as_float32(self.where, "the function's result", y)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys; a lambda's code is in it, as in Keras."""
        config = super().get_config()
        config["function"] = _function_config(self.function)
        if self.output_shape_given is not None:
            shape = self.output_shape_given
            config["output_shape"] = _function_config(shape) if callable(shape) else shape
        if self.mask is not None:
            config["mask"] = _function_config(self.mask)
        return {**config, "arguments": self.arguments}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Lambda:
        """Return a new layer, if its functions are of `fastconv.activations`, or registered.

        Raises
        ------
        ValueError
            A function would have to be made of code in the config.
        """
        made = dict(config)
        for key in ("function", "output_shape", "mask"):
            value = made.get(key)
            if isinstance(value, Mapping) and value.get("class_name") == "__lambda__":
                raise ValueError(
                    f"Lambda: the {key} of this layer is code, which is never run from a file; "
                    f"build the model in Python and load its weights."
                )
            if isinstance(value, Mapping) or (key == "function" and isinstance(value, str)):
                made[key] = serialization.deserialize(value, activations.TABLE, "function")
        return super().from_config(made)


def _function_config(function: Any) -> Any:
    """Return a function as Keras writes it: a lambda as its code, others by their name."""
    if isinstance(function, types.FunctionType) and function.__name__ == "<lambda>":
        import codecs
        import marshal

        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        code = codecs.encode(marshal.dumps(function.__code__), "base64").decode("ascii")
        inner = {"code": code, "defaults": function.__defaults__, "closure": cells or None}
        return {"class_name": "__lambda__", "config": inner}
    return serialization.serialize(function)
