"""Embedding: a row of a table for each index."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import deprecation, ops
from ..ops import checks
from . import arguments, weight_options
from .arguments import Shape
from .layer import Backward, Layer
from .variable import Variable

#: Indices arrive as float32, which holds all integers up to here.
_MOST_ROWS = 1 << 24


class Embedding(Layer):
    """Replaces each index (...) by a row of its table, giving (..., output_dim).

    Weights: `embeddings` (input_dim, output_dim).

    Parameters
    ----------
    input_dim : int
        Number of rows, the largest index + 1; at most 2**24.
    output_dim : int
    embeddings_initializer : str, config or Initializer
    embeddings_regularizer : str, config or Regularizer
    embeddings_constraint : str, config or Constraint
    mask_zero : bool
        Index 0 stands for padding; `compute_mask` tells where it is not.
    weights : array (input_dim, output_dim), optional
        First values of the table.
    lora_rank, lora_alpha, quantization_config
        Keras's; not supported, leave them None.
    """

    config_keys = (
        "input_dim",
        "output_dim",
        "embeddings_initializer",
        "embeddings_regularizer",
        "embeddings_constraint",
        "activity_regularizer",
        "mask_zero",
        "quantization_config",
    )

    embeddings: Variable

    idle_settings = ("input_length",)

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        deprecation.take("Embedding", kwargs, "input_length")
        super().__init__(**kwargs)
        self.input_dim = checks.as_int(self.where, "input_dim", input_dim)
        if self.input_dim > _MOST_ROWS:
            raise ValueError(
                f"{self.where}: input_dim must be at most 2**24, as indices are read as float32, "
                f"got {self.input_dim}."
            )
        self.output_dim = checks.as_int(self.where, "output_dim", output_dim)
        weight_options.keep(
            self,
            "embeddings",
            embeddings_initializer,
            embeddings_regularizer,
            embeddings_constraint,
        )
        self.mask_zero = bool(mask_zero)
        arguments.only(self.where, "lora_rank", lora_rank, None)
        arguments.only(self.where, "lora_alpha", lora_alpha, None)
        arguments.only(self.where, "quantization_config", quantization_config, None)
        self.quantization_config = None
        if weights is not None:
            self.build((None,))
            single = isinstance(weights, (list, tuple)) and len(weights) == 1
            self.set_weights(weights if single else [weights])

    def create_weights(self, input_shape: Shape) -> None:
        """Create the table."""
        self.embeddings = weight_options.add(self, "embeddings", (self.input_dim, self.output_dim))

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with an axis of `output_dim` more."""
        return (*input_shape, self.output_dim)

    def compute_mask(self, x: np.ndarray, mask: Any = None) -> np.ndarray | None:
        """Return where indices are not 0, or None if 0 is an index like others."""
        return x != 0 if self.mask_zero else None

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the rows for indices `x`.

        Raises
        ------
        ValueError
            An index is not an integer from 0 to input_dim - 1.
        """
        indices = self._indices(x)
        y = ops.take_rows(self.embeddings.value, indices).reshape(*x.shape, self.output_dim)
        if not training:
            return y, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            if self.learns(self.embeddings):
                self.embeddings.add_grad(self._table_gradient(indices, dy))
            return np.zeros_like(x) if need_dx else None  # a step function of x

        return y, backward

    def _indices(self, x: np.ndarray) -> np.ndarray:
        flat = x.reshape(-1)
        wrong = ~((flat >= 0) & (flat < self.input_dim) & (flat == np.floor(flat)))
        if wrong.any():
            raise ValueError(
                f"{self.where}: indices must be integers in [0, {self.input_dim}), got "
                f"{flat[wrong][0]:g}, and {np.count_nonzero(wrong)} wrong ones in all."
            )
        return flat.astype(np.int64)

    def _table_gradient(self, indices: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the sums of the gradients of each row, added in the order of the batch."""
        gradient = np.zeros(self.embeddings.shape, np.float32)
        if indices.size:
            order = np.argsort(indices, kind="stable")
            used, starts = np.unique(indices[order], return_index=True)
            rows = dy.reshape(-1, self.output_dim)[order]
            gradient[used] = np.add.reduceat(rows, starts, axis=0, dtype=np.float64)
        return gradient
