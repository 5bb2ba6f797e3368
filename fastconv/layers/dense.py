"""Dense: a matrix product along the last axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from . import arguments
from .arguments import Shape
from .weighted import KernelLayer


class Dense(KernelLayer):
    """activation(x @ kernel + bias) along the last axis; all other axes are kept.

    Weights: `kernel` (K, units), `bias` (units,).

    Parameters
    ----------
    units : int
        Size of the output's last axis.
    activation : str, function of `fastconv.activations` or activation layer, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str, config or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str, config or Regularizer
    kernel_constraint, bias_constraint : str, config or Constraint
    lora_rank, lora_alpha, quantization_config
        Keras's; not supported, leave them None.
    """

    config_keys = (
        "units",
        "activation",
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "kernel_constraint",
        "bias_constraint",
        "quantization_config",
    )
    supports_masking = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = checks.as_int(self.where, "units", units)
        self.set_up(
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            kernel_constraint,
            bias_constraint,
        )
        arguments.only(self.where, "lora_rank", lora_rank, None)
        arguments.only(self.where, "lora_alpha", lora_alpha, None)
        arguments.only(self.where, "quantization_config", quantization_config, None)
        self.quantization_config = None

    def create_weights(self, input_shape: Shape) -> None:
        """Create kernel and bias for the size of the input's last axis."""
        self.input_channels = arguments.known_channels(self.where, input_shape)
        self.add_kernel_and_bias((self.input_channels, self.units), self.units)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with `units` for its last axis."""
        return (*input_shape[:-1], self.units)

    def linear(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """Return activation(x @ kernel + bias)."""
        return ops.dense(x, self.kernel.value, self.bias_value, activation=activation)

    def kernel_gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the kernel (K, units)."""
        return ops.dense_backward_filter(x, dy)

    def input_gradient(self, dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
        """Return the gradient of the input (..., K)."""
        return ops.dense_backward_input(dy, self.kernel.value)
