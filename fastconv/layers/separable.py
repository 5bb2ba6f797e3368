"""Depthwise, then pointwise convolution: SeparableConv1D and SeparableConv2D.

Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", arXiv:1610.02357.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from . import weight_options
from .activation import activate, as_activation
from .arguments import Shape
from .convolution import WindowLayer
from .layer import Backward


class _SeparableConv(WindowLayer):
    """A convolution of each channel by itself, and a mixture of all channels of each pixel."""

    #: Keras 2 writes what its base class has.
    idle_settings = ("kernel_initializer", "kernel_regularizer", "kernel_constraint")
    config_keys = (
        "depth_multiplier",
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "data_format",
        "dilation_rate",
        "activation",
        "use_bias",
        "depthwise_initializer",
        "pointwise_initializer",
        "bias_initializer",
        "depthwise_regularizer",
        "pointwise_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "depthwise_constraint",
        "pointwise_constraint",
        "bias_constraint",
    )

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        depth_multiplier: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        pointwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        pointwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        pointwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.as_int(self.where, "filters", filters)
        self.depth_multiplier = checks.as_int(self.where, "depth_multiplier", depth_multiplier)
        self.set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.activation = as_activation(activation)
        self.use_bias = bool(use_bias)
        keep = weight_options.keep
        keep(self, "depthwise", depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        keep(self, "pointwise", pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        keep(self, "bias", bias_initializer, bias_regularizer, bias_constraint)

    def create_weights(self, input_shape: Shape) -> None:
        """Create both kernels and the bias for the number of input channels."""
        channels = self.known_channels(input_shape)
        depthwise = (*self.kernel_size, channels, self.depth_multiplier)
        self.depthwise_kernel = weight_options.add(self, "depthwise_kernel", depthwise, "depthwise")
        ones = (1,) * self.spatial_rank
        pointwise = (*ones, channels * self.depth_multiplier, self.filters)
        self.pointwise_kernel = weight_options.add(self, "pointwise_kernel", pointwise, "pointwise")
        self.bias = weight_options.add(self, "bias", (self.filters,)) if self.use_bias else None

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, *outputs, filters)."""
        return self.window_shape(input_shape, self.filters)

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return activation(pointwise(depthwise(x)) + bias)."""
        depthwise, mixture = self.depthwise_kernel, self.pointwise_kernel
        matrix = mixture.value.reshape(mixture.shape[-2:])
        with self.precision():
            each = ops.depthwise_conv(x, depthwise.value, **self.geometry)
            y, gradient = activate(
                lambda name: ops.dense(each, matrix, self.bias_value, activation=name),
                self.activation,
                training,
            )
        if not training:
            return y, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            dz = gradient(dy)
            if self.bias is not None and self.learns(self.bias):
                self.bias.add_grad(ops.bias_backward(dz))
            with self.precision():
                return take_back(dz, need_dx)

        def take_back(dz: np.ndarray, need_dx: bool) -> np.ndarray | None:
            if self.learns(mixture):
                mixture.add_grad(ops.dense_backward_filter(each, dz).reshape(mixture.shape))
            if not (need_dx or self.learns(depthwise)):
                return None
            deach = ops.dense_backward_input(dz, matrix)
            if self.learns(depthwise):
                depthwise.add_grad(
                    ops.depthwise_conv_backward_filter(x, deach, depthwise.shape, **self.geometry)
                )
            if not need_dx:
                return None
            return ops.depthwise_conv_backward_input(
                deach, depthwise.value, x.shape, **self.geometry
            )

        return y, backward


class SeparableConv1D(_SeparableConv):
    """Depthwise separable convolution over sequences (N, L, C), giving (N, OL, filters).

    Weights: `depthwise_kernel` (K, C, M), `pointwise_kernel` (1, C * M, filters), `bias`
    (filters,). Parameters are those of `SeparableConv2D` with one number instead of two.
    """

    spatial_rank = 1


class SeparableConv2D(_SeparableConv):
    """Depthwise separable convolution over images (N, H, W, C), giving (N, OH, OW, filters).

    Weights: `depthwise_kernel` (KH, KW, C, M), `pointwise_kernel` (1, 1, C * M, filters), `bias`
    (filters,). There is no activation between the two convolutions.

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or two ints
        Window of the depthwise convolution, as strides, padding and dilation_rate are its.
    strides : int or two ints
    padding : "valid" or "same"
    data_format : "channels_last" or "channels_first", optional
    dilation_rate : int or two ints
    depth_multiplier : int
        M, the number of depthwise outputs for each input channel.
    activation : str, function of `fastconv.activations` or activation layer, optional
    use_bias : bool
    depthwise_initializer, pointwise_initializer, bias_initializer : str, config or Initializer
    depthwise_regularizer, pointwise_regularizer, bias_regularizer : str, config or Regularizer
    activity_regularizer : str, config or Regularizer
    depthwise_constraint, pointwise_constraint, bias_constraint : str, config or Constraint
    """
