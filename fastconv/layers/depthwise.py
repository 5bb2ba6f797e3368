"""Convolution of each channel by itself: DepthwiseConv1D and DepthwiseConv2D."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from . import arguments
from .arguments import Shape
from .convolution import WindowLayer


class _DepthwiseConv(WindowLayer):
    """Each channel convolved by itself, with `depth_multiplier` kernels."""

    kernel_prefix = "depthwise"
    config_keys = (
        "depth_multiplier",
        "kernel_size",
        "strides",
        "padding",
        "data_format",
        "dilation_rate",
        "activation",
        "use_bias",
        "depthwise_initializer",
        "bias_initializer",
        "depthwise_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "depthwise_constraint",
        "bias_constraint",
    )

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.depth_multiplier = checks.as_int(self.where, "depth_multiplier", depth_multiplier)
        self.set_window(kernel_size, strides, padding, data_format, dilation_rate)
        self.set_up(
            activation,
            use_bias,
            depthwise_initializer,
            bias_initializer,
            depthwise_regularizer,
            bias_regularizer,
            depthwise_constraint,
            bias_constraint,
        )

    @classmethod
    def from_config(cls, config: Any) -> _DepthwiseConv:
        """Return a new layer; `groups: 1`, which Keras 2 wrote, is dropped."""
        stray = {"groups"} if config.get("groups") == 1 else set()
        return super().from_config({key: config[key] for key in config if key not in stray})

    def create_weights(self, input_shape: Shape) -> None:
        """Create kernel and bias for the number of input channels."""
        channels = self.known_channels(input_shape)
        kernel_shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.add_kernel_and_bias(kernel_shape, channels * self.depth_multiplier)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, *outputs, C * depth_multiplier)."""
        channels = arguments.known_channels(self.where, input_shape)
        return self.window_shape(input_shape, channels * self.depth_multiplier)

    def linear(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """Return activation(convolution + bias)."""
        return ops.depthwise_conv(
            x, self.kernel.value, self.bias_value, activation=activation, **self.geometry
        )

    def kernel_gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the kernel."""
        return ops.depthwise_conv_backward_filter(x, dy, self.kernel.shape, **self.geometry)

    def input_gradient(self, dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
        """Return the gradient of the input."""
        return ops.depthwise_conv_backward_input(
            dy, self.kernel.value, input_shape, **self.geometry
        )


class DepthwiseConv1D(_DepthwiseConv):
    """Each channel of sequences (N, L, C) convolved by itself, giving (N, OL, C * M).

    Weights: `kernel` (K, C, M), `bias` (C * M,). Parameters are those of `DepthwiseConv2D` with
    one number instead of two.
    """

    spatial_rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """Each channel of images (N, H, W, C) convolved by itself, giving (N, OH, OW, C * M).

    Output channel `c * depth_multiplier + m` comes from input channel c. Weights: `kernel`
    (KH, KW, C, M), `bias` (C * M,).

    Parameters
    ----------
    kernel_size : int or two ints
    strides : int or two ints
    padding : "valid" or "same"
    depth_multiplier : int
        M, the number of output channels for each input channel.
    data_format : "channels_last" or "channels_first", optional
    dilation_rate : int or two ints
    activation : str, function of `fastconv.activations` or activation layer, optional
    use_bias : bool
    depthwise_initializer, bias_initializer : str, config or Initializer
    depthwise_regularizer, bias_regularizer, activity_regularizer : str, config or Regularizer
    depthwise_constraint, bias_constraint : str, config or Constraint
    """
