"""Input and InputLayer: the shape of what a model is fed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checks
from . import arguments
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward
from .symbolic import KerasTensor, Node

__all__ = ["Input", "InputLayer", "KerasTensor"]


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """Declare an input of a model, which layers are then called with.

    In a `Sequential([...])` it goes first.

    Parameters
    ----------
    shape : tuple of int or None
        Without the batch axis: (28, 28, 1).
    batch_size : int, optional
    dtype : optional
        Type of the data, for the record: layers cast to float32.
    batch_shape : tuple of int or None, optional
        With the batch axis, instead of `shape`.
    name : str, optional
    sparse, ragged, tensor, optional
        Keras's; not supported, leave them out.

    Raises
    ------
    ValueError
        The shape is missing or not a tuple, or an argument is not supported.
    """
    arguments.only("Input", "tensor", tensor, None)
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        optional=optional,
        name=name,
    )
    declared: KerasTensor = layer.output
    return declared


class InputLayer(Layer):
    """Passes its input on; says which shape a model takes.

    Parameters are those of `Input`; `input_tensor` makes the layer of a KerasTensor.
    """

    config_keys = ("batch_shape", "dtype", "sparse", "ragged", "name", "optional")

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: KerasTensor | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if input_tensor is not None:
            batch_shape, dtype = input_tensor.shape, dtype or input_tensor.dtype
            name = name or input_tensor.name
        super().__init__(name=name, **kwargs)
        if shape is None and batch_shape is None:
            batch_shape = self.batch_input_shape
        if (shape is None) == (batch_shape is None):
            raise ValueError(f"{self.where}: give either shape or batch_shape.")
        if batch_shape is None:
            batch = (
                None if batch_size is None else checks.as_int(self.where, "batch_size", batch_size)
            )
            batch_shape = (batch, *arguments.as_shape(self.where, "shape", shape))
        elif batch_size is not None:
            raise ValueError(f"{self.where}: batch_size goes with shape, not with batch_shape.")
        for argument, value in (("sparse", sparse), ("ragged", ragged), ("optional", optional)):
            arguments.only(self.where, argument, value or False, False)
        self.batch_shape = arguments.as_shape(self.where, "batch_shape", batch_shape)
        self.batch_input_shape = self.batch_shape
        self.dtype = _as_data_type(self.where, dtype)
        self.sparse = self.ragged = self.optional = False
        self.built = True
        tensor = KerasTensor(self.batch_shape, self.dtype, self.name)
        self._inbound_nodes.append(Node(self, (), {}, tensor))

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape if it agrees with the declared one."""
        agrees = len(input_shape) == len(self.batch_shape) and all(
            None in (n, declared) or n == declared
            for n, declared in zip(input_shape, self.batch_shape, strict=True)
        )
        if not agrees:
            raise ValueError(
                f"{self.where}: input must have shape {self.batch_shape}, got {input_shape}."
            )
        return input_shape

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the input."""
        return x, weightless_backward(training, lambda dy: dy)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        config = super().get_config()
        return {key: config[key] for key in self.config_keys}


def _as_data_type(where: str, dtype: Any) -> str:
    """Return the name of a type that can be cast to float32, "float32" for None."""
    try:
        data_type = np.dtype("float32" if dtype is None else dtype)
    except TypeError:
        data_type = None
    if data_type is None or data_type.kind not in "fiub":
        raise ValueError(f"{where}: dtype must be a real NumPy type, got {dtype!r}.")
    return data_type.name
