"""KernelLayer: what convolutions and Dense share, `activation(linear(x, kernel) + bias)`."""

from __future__ import annotations

import copy
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

import numpy as np

from .. import activations, ops
from ..ops import checks, precision
from . import weight_options
from .activation import activate, as_activation
from .layer import Backward, Layer
from .variable import Variable

Self = TypeVar("Self", bound="KernelLayer")


class KernelLayer(Layer):
    """Base of layers with a kernel, a bias and an activation.

    A subclass calls `set_up` in its constructor and `add_kernel_and_bias` in `create_weights`,
    and defines the three linear maps `linear`, `kernel_gradient` and `input_gradient`.
    """

    #: How the constructor arguments about the kernel begin.
    kernel_prefix = "kernel"

    kernel: Variable
    bias: Variable | None

    def set_up(
        self,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
    ) -> None:
        """Check and keep the arguments that all these layers have."""
        prefix = self.kernel_prefix
        self.activation = as_activation(activation)
        name = self.activation.activation_name
        if name is not None and not ops.ACTIVATIONS[name].keeps_shape:
            raise ValueError(
                f'{self.where}: activation "{name}" changes the shape of the output; put a layer '
                f'Activation("{name}") after this one.'
            )
        self.use_bias = bool(use_bias)
        weight_options.keep(self, prefix, kernel_initializer, kernel_regularizer, kernel_constraint)
        weight_options.keep(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def add_kernel_and_bias(self, kernel_shape: tuple[int, ...], outputs: int) -> None:
        """Create the weights."""
        self.kernel = weight_options.add(self, "kernel", kernel_shape, self.kernel_prefix)
        self.bias = weight_options.add(self, "bias", (outputs,)) if self.use_bias else None

    @property
    def bias_value(self) -> np.ndarray | None:
        """The bias as `ops` take it."""
        return None if self.bias is None else self.bias.value

    def precision(self) -> AbstractContextManager[None]:
        """Return a context for the layer's products: the precision that its dtype policy allows."""
        if self.compute_dtype == "bfloat16":
            return precision.float32_matmul_precision("medium")
        return nullcontext()

    def linear(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """Return activation(linear(x, kernel) + bias)."""
        raise checks.must_define(self, "linear(x, activation)")

    def kernel_gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the kernel."""
        raise checks.must_define(self, "kernel_gradient(x, dy)")

    def input_gradient(self, dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
        """Return the gradient of the input."""
        raise checks.must_define(self, "input_gradient(dy, input_shape)")

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return activation(linear(x, kernel) + bias)."""
        with self.precision():
            y, gradient = activate(lambda name: self.linear(x, name), self.activation, training)
        if not training:
            return y, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            dz = gradient(dy)
            if self.bias is not None and self.learns(self.bias):
                self.bias.add_grad(ops.bias_backward(dz))
            with self.precision():
                if self.learns(self.kernel):
                    self.kernel.add_grad(self.kernel_gradient(x, dz))
                return self.input_gradient(dz, x.shape) if need_dx else None

        return y, backward

    @property
    def activation_name(self) -> str | None:
        """Name of the activation in `ops.ACTIVATIONS`, None if it has none."""
        return self.activation.activation_name

    def without_activation(self) -> Layer:
        """Return a layer that shares the weights and leaves the activation out."""
        return self.with_activation("linear")

    def with_activation(self: Self, name: str) -> Self:
        """Return a layer that shares the weights and applies another activation."""
        clone = copy.copy(self)
        clone.activation = activations.get(name)
        return clone

    def with_weights(self: Self, kernel: Variable, bias: Variable) -> Self:
        """Return a layer like this one that computes with other weights."""
        clone = copy.copy(self)
        clone.kernel, clone.bias, clone.use_bias = kernel, bias, True
        clone._trainable_variables = [kernel, bias]
        return clone
