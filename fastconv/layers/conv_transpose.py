"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose; kernels are (*window, F, C)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks, shapes
from .arguments import Shape
from .convolution import WindowLayer


class _ConvTranspose(WindowLayer):
    """The gradient of a convolution for its input, as a layer that makes images larger."""

    config_keys = (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "output_padding",
        "data_format",
        "dilation_rate",
        "activation",
        "use_bias",
        "kernel_initializer",
        "bias_initializer",
        "kernel_regularizer",
        "bias_regularizer",
        "activity_regularizer",
        "kernel_constraint",
        "bias_constraint",
    )

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.filters = checks.as_int(self.where, "filters", filters)
        self.set_window(kernel_size, strides, padding, data_format, dilation_rate)
        if output_padding is not None:
            output_padding = shapes.as_output_padding(self.where, output_padding, self.strides)
        self.output_padding = output_padding
        self.geometry["output_padding"] = output_padding
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

    def create_weights(self, input_shape: Shape) -> None:
        """Create kernel and bias for the number of input channels."""
        kernel_shape = (*self.kernel_size, self.filters, self.known_channels(input_shape))
        self.add_kernel_and_bias(kernel_shape, self.filters)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, *outputs, filters)."""
        sizes = tuple(2 if n is None else n for n in input_shape[1:-1])  # 2 always fits
        out, _ = shapes.transposed(self.where, sizes, self.kernel_size, **self.geometry)
        spatial = (None if n is None else o for n, o in zip(input_shape[1:-1], out, strict=True))
        return (input_shape[0], *spatial, self.filters)

    def linear(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """Return activation(transposed convolution + bias)."""
        return ops.conv_transpose(
            x, self.kernel.value, self.bias_value, activation=activation, **self.geometry
        )

    def kernel_gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the kernel."""
        return ops.conv_transpose_backward_filter(x, dy, self.kernel.shape, **self.geometry)

    def input_gradient(self, dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
        """Return the gradient of the input."""
        return ops.conv_transpose_backward_input(
            dy, self.kernel.value, input_shape, **self.geometry
        )


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over sequences (N, L, C), giving (N, OL, filters).

    Weights: `kernel` (K, filters, C), `bias` (filters,). Parameters are those of `Conv2DTranspose`
    with one number instead of two.
    """

    spatial_rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over images (N, H, W, C), giving (N, OH, OW, filters).

    Weights: `kernel` (KH, KW, filters, C), `bias` (filters,).

    Parameters
    ----------
    filters : int
        Number of output channels.
    kernel_size : int or two ints
    strides : int or two ints
    padding : "valid" or "same"
        "same" gives OH = H * SH, "valid" (H - 1) * SH + max(extent of the window, SH).
    output_padding : int or two ints, optional
        Less than `strides`. OH = (H - 1) * SH + output_padding + the window's extent for "valid",
        and for "same" + 1 if that is odd.
    data_format : "channels_last" or "channels_first", optional
    dilation_rate : int or two ints
        May be combined with strides.
    activation : str, function of `fastconv.activations` or activation layer, optional
    use_bias : bool
    kernel_initializer, bias_initializer : str, config or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str, config or Regularizer
    kernel_constraint, bias_constraint : str, config or Constraint
    """


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over volumes (N, D, H, W, C), giving (N, OD, OH, OW, filters).

    Weights: `kernel` (KD, KH, KW, filters, C), `bias` (filters,). Parameters are those of
    `Conv2DTranspose` with three numbers instead of two; as in Keras, `data_format` comes before
    `output_padding`.
    """

    spatial_rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, output_padding, data_format, *args, **kwargs
        )
