"""Conv1D, Conv2D and DepthwiseConv2D. Kernels are those of Keras: (*window, C // groups, F)."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from .. import backend, ops
from ..ops import checks, shapes
from . import arguments
from .arguments import Shape
from .weighted import KernelLayer

_AXES = {1: "(batch, length, channels)", 2: "(batch, height, width, channels)"}


class _WindowLayer(KernelLayer):
    """A kernel that slides over one or two axes.

    One axis is computed as two of which the first, the height, is 1.
    """

    spatial_rank: ClassVar[int] = 2
    paddings: ClassVar[tuple[str, ...]] = shapes.PADDINGS

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.input_rank = cls.spatial_rank + 2
        cls.input_axes = _AXES[cls.spatial_rank]

    def set_window(
        self, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any
    ) -> None:
        """Check and keep how the kernel slides."""
        rank = self.spatial_rank
        self.kernel_size = checks.as_tuple(self.where, "kernel_size", kernel_size, rank)
        self.strides = checks.as_tuple(self.where, "strides", strides, rank)
        self.padding = arguments.as_padding(self.where, padding, self.paddings)
        self.data_format = backend.check_data_format(self.where, data_format)
        self.dilation_rate = checks.as_tuple(self.where, "dilation_rate", dilation_rate, rank)
        #: How `ops` takes strides, padding and dilation.
        self.geometry: dict[str, Any] = {
            "strides": _pair(self.strides),
            "padding": self.padding,
            "dilation": _pair(self.dilation_rate),
        }
        if self.padding == "causal":
            left = shapes.extent(self.kernel_size[0], self.dilation_rate[0]) - 1
            self.geometry["padding"] = ((0, 0), (left, 0))

    def window_shape(self, input_shape: Shape, outputs: int) -> Shape:
        """Return the output shape for `outputs` channels."""
        sizes = _pair(input_shape[1:-1])
        window = _pair(self.kernel_size)
        spatial = arguments.windows_shape(self.where, sizes, window, **self.geometry)
        return (input_shape[0], *spatial[-self.spatial_rank :], outputs)

    def as_image(self, x: np.ndarray) -> np.ndarray:
        """Return (N, L, C) as (N, 1, L, C); images as they are."""
        return x if self.spatial_rank == 2 else x[:, None]

    def from_image(self, y: np.ndarray) -> np.ndarray:
        """Undo `as_image`."""
        return y if self.spatial_rank == 2 else y[:, 0]


def _pair(values: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return what belongs to height and width; where there is one axis, the height has 1."""
    return (values[0], values[1]) if len(values) == 2 else (1, values[0])


class _Conv(_WindowLayer):
    """Cross-correlation of all channels, or of `groups` groups of them, with `filters` kernels."""

    config_keys = (
        "filters",
        "kernel_size",
        "strides",
        "padding",
        "data_format",
        "dilation_rate",
        "groups",
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
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
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
        self.groups = checks.as_int(self.where, "groups", groups)
        if self.filters % self.groups:
            raise ValueError(
                f"{self.where}: filters must be divisible by groups, "
                f"got filters={self.filters}, groups={self.groups}."
            )
        self.set_window(kernel_size, strides, padding, data_format, dilation_rate)
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
        channels = arguments.known_channels(self.where, input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self.where}: input channels must be divisible by groups, "
                f"got {channels} channels, groups={self.groups}."
            )
        self.input_channels = channels
        kernel_shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.add_kernel_and_bias(kernel_shape, self.filters)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, OL, filters) or (N, OH, OW, filters)."""
        return self.window_shape(input_shape, self.filters)

    def linear(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """Return activation(convolution + bias)."""
        y = ops.conv2d(
            self.as_image(x),
            self._kernel_image(),
            self.bias_value,
            groups=self.groups,
            activation=activation,
            **self.geometry,
        )
        return self.from_image(y)

    def kernel_gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the kernel."""
        dkernel = ops.conv2d_backward_filter(
            self.as_image(x),
            self.as_image(dy),
            self._kernel_image().shape,
            groups=self.groups,
            **self.geometry,
        )
        return dkernel.reshape(self.kernel.shape)

    def input_gradient(self, dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
        """Return the gradient of the input."""
        n, c = input_shape[0], input_shape[-1]
        dx = ops.conv2d_backward_input(
            self.as_image(dy),
            self._kernel_image(),
            (n, *_pair(input_shape[1:-1]), c),
            groups=self.groups,
            **self.geometry,
        )
        return self.from_image(dx)

    def _kernel_image(self) -> np.ndarray:
        kernel = self.kernel.value
        return kernel if self.spatial_rank == 2 else kernel[None]


class Conv1D(_Conv):
    """Convolution over sequences (N, L, C), giving (N, OL, filters).

    Weights: `kernel` (K, C // groups, filters), `bias` (filters,). Parameters are those of
    `Conv2D` with one number instead of two; `padding` may also be "causal": zeros on the left
    only, so that no output sees a later input.
    """

    spatial_rank = 1
    paddings = (*shapes.PADDINGS, "causal")


class Conv2D(_Conv):
    """Convolution over images (N, H, W, C), giving (N, OH, OW, filters).

    Weights: `kernel` (KH, KW, C // groups, filters), `bias` (filters,).

    Parameters
    ----------
    filters : int
        Number of output channels, divisible by `groups`.
    kernel_size : int or two ints
    strides : int or two ints
    padding : "valid" or "same"
        "same" gives OH = ceil(H / SH), an odd zero goes to the bottom/right.
    data_format : "channels_last" or None
    dilation_rate : int or two ints
        Distance between the inputs that one output sees; may be combined with strides.
    groups : int
        The channels of input and output fall into this many groups that do not mix.
    activation : str, function of `fastconv.activations` or activation layer, optional
        Applied after the bias.
    use_bias : bool
    kernel_initializer, bias_initializer : str, config or Initializer
    kernel_regularizer, bias_regularizer, activity_regularizer : str, config or Regularizer
    kernel_constraint, bias_constraint : str, config or Constraint

    Raises
    ------
    ValueError, TypeError
        An argument is out of range or of a wrong type.
    """


class DepthwiseConv2D(_WindowLayer):
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
    data_format : "channels_last" or None
    dilation_rate : int or two ints
    activation : str, function of `fastconv.activations` or activation layer, optional
    use_bias : bool
    depthwise_initializer, bias_initializer : str, config or Initializer
    depthwise_regularizer, bias_regularizer, activity_regularizer : str, config or Regularizer
    depthwise_constraint, bias_constraint : str, config or Constraint
    """

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
        strides: Any = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
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
    def from_config(cls, config: Any) -> DepthwiseConv2D:
        """Return a new layer; `groups: 1`, which Keras 2 wrote, is dropped."""
        stray = {"groups"} if config.get("groups") == 1 else set()
        return super().from_config({key: config[key] for key in config if key not in stray})

    def create_weights(self, input_shape: Shape) -> None:
        """Create kernel and bias for the number of input channels."""
        channels = arguments.known_channels(self.where, input_shape)
        self.input_channels = channels
        kernel_shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.add_kernel_and_bias(kernel_shape, channels * self.depth_multiplier)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, OH, OW, C * depth_multiplier)."""
        channels = arguments.known_channels(self.where, input_shape)
        return self.window_shape(input_shape, channels * self.depth_multiplier)

    def linear(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """Return activation(convolution + bias)."""
        return ops.depthwise_conv2d(
            x, self.kernel.value, self.bias_value, activation=activation, **self.geometry
        )

    def kernel_gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the kernel."""
        return ops.depthwise_conv2d_backward_filter(x, dy, self.kernel.shape, **self.geometry)

    def input_gradient(self, dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
        """Return the gradient of the input."""
        return ops.depthwise_conv2d_backward_input(
            dy, self.kernel.value, input_shape, **self.geometry
        )
