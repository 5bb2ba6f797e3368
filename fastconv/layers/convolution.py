"""Conv1D, Conv2D and Conv3D. Kernels are those of Keras: (*window, C // groups, F)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

import numpy as np

from .. import ops
from ..ops import checks, shapes
from . import arguments
from .activation import activate, is_elementwise
from .arguments import Shape
from .image import ImageLayer
from .layer import Backward, Layer
from .weighted import KernelLayer

#: Size, strides and dilation of windows, one number for each axis.
Windows = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
Self = TypeVar("Self", bound="_Conv")


class WindowLayer(ImageLayer, KernelLayer):
    """Base of layers with a kernel that slides over one to three axes."""

    spatial_rank: ClassVar[int] = 2
    paddings: ClassVar[tuple[str, ...]] = shapes.PADDINGS

    def set_window(
        self, kernel_size: Any, strides: Any, padding: Any, data_format: Any, dilation_rate: Any
    ) -> None:
        """Check and keep how the kernel slides."""
        rank = self.spatial_rank
        self.kernel_size = checks.as_tuple(self.where, "kernel_size", kernel_size, rank)
        self.strides = checks.as_tuple(self.where, "strides", strides, rank)
        self.padding = arguments.as_padding(self.where, padding, self.paddings)
        self.set_data_format(data_format)
        self.dilation_rate = checks.as_tuple(self.where, "dilation_rate", dilation_rate, rank)
        #: How `ops` takes strides, padding and dilation.
        self.geometry: dict[str, Any] = {
            "strides": self.strides,
            "padding": self.padding,
            "dilation": self.dilation_rate,
        }

    def window_shape(self, input_shape: Shape, outputs: int) -> Shape:
        """Return the output shape for `outputs` channels, with channels last."""
        spatial = arguments.windows_shape(
            self.where, input_shape[1:-1], self.kernel_size, **self.geometry
        )
        return (input_shape[0], *spatial, outputs)

    def known_channels(self, input_shape: Shape) -> int:
        """Return the number of input channels, and keep it for later checks."""
        self.input_channels = arguments.known_channels(self.where, input_shape, self.channel_axis)
        return self.input_channels

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return activation(linear(x, kernel) + bias) in the layer's data format."""
        if not self.channels_first or self.activation_name in ("linear", "relu"):
            return super().forward(x, training)
        # An activation along an axis, softmax for one, takes the last axis of the output as it is.
        plain = self.without_activation()
        assert isinstance(plain, WindowLayer)
        z, linear_backward = self.in_data_format(plain.compute, x, training)
        y, gradient = activate(
            lambda name: z if name is None else ops.activation(z, name), self.activation, training
        )
        if linear_backward is None:
            return y, None
        inner = linear_backward
        return y, lambda dy, need_dx=True: inner(gradient(dy), need_dx=need_dx)

    def channels_last_twin(self) -> Layer | None:
        """Return a layer that does the same with channels last, if the activation has no axis."""
        return super().channels_last_twin() if is_elementwise(self.activation) else None

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return activation(linear(x, kernel) + bias), with channels last."""
        return KernelLayer.forward(self, x, training)


class _Conv(WindowLayer):
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
    #: Windows that slide over the outputs, see `read_by`.
    _readers: tuple[Windows, ...] = ()

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
        channels = self.known_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self.where}: input channels must be divisible by groups, "
                f"got {channels} channels, groups={self.groups}."
            )
        kernel_shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.add_kernel_and_bias(kernel_shape, self.filters)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, *outputs, filters)."""
        return self.window_shape(input_shape, self.filters)

    def read_by(self: Self, windows: Sequence[Windows]) -> Self:
        """Return a layer that shares the weights and leaves out the outputs that nobody reads.

        Parameters
        ----------
        windows : sequence of (window, strides, dilation)
            Of the layers behind this one that slide windows over its outputs, one after the other,
            without padding.
        """
        clone = copy.copy(self)
        clone._readers = tuple(windows)
        return clone

    def geometry_for(self, input_shape: tuple[int, ...]) -> dict[str, Any]:
        """Return the geometry for inputs of some shape: outputs that nobody reads are left out."""
        if not self._readers:
            return self.geometry
        size, window, strides, dilation = (
            input_shape[1:-1],
            self.kernel_size,
            self.strides,
            self.dilation_rate,
        )
        pads = shapes.resolve_padding(self.where, self.padding, size, window, strides, dilation)
        outputs = shapes.output_shape(self.where, size, window, strides, dilation, pads)
        left_out = [
            shapes.unread(outputs[i], [(k[i], s[i], d[i]) for k, s, d in self._readers])
            for i in range(len(size))
        ]
        padding = tuple(
            (before, after - s * n)
            for (before, after), s, n in zip(pads, strides, left_out, strict=True)
        )
        return self.geometry | {"padding": padding}

    def _kernel(self) -> np.ndarray | ops.PackedKernel:
        """Return the kernel as `ops` take it: packed for two dimensions."""
        return self.kernel.packed if self.spatial_rank == 2 else self.kernel.value

    def linear(self, x: np.ndarray, activation: str | None) -> np.ndarray:
        """Return activation(convolution + bias)."""
        return ops.conv(
            x,
            self._kernel(),
            self.bias_value,
            groups=self.groups,
            activation=activation,
            **self.geometry_for(x.shape),
        )

    def kernel_gradient(self, x: np.ndarray, dy: np.ndarray) -> np.ndarray:
        """Return the gradient of the kernel."""
        return ops.conv_backward_filter(
            x, dy, self.kernel.shape, groups=self.groups, **self.geometry_for(x.shape)
        )

    def input_gradient(self, dy: np.ndarray, input_shape: tuple[int, ...]) -> np.ndarray:
        """Return the gradient of the input."""
        return ops.conv_backward_input(
            dy, self._kernel(), input_shape, groups=self.groups, **self.geometry_for(input_shape)
        )


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
    data_format : "channels_last" or "channels_first", optional
        Whether images are (N, H, W, C) or (N, C, H, W); by default that of `fastconv.backend`.
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


class Conv3D(_Conv):
    """Convolution over volumes (N, D, H, W, C), giving (N, OD, OH, OW, filters).

    Weights: `kernel` (KD, KH, KW, C // groups, filters), `bias` (filters,). Parameters are those
    of `Conv2D` with three numbers instead of two.
    """

    spatial_rank = 3
