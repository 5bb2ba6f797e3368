"""Layers that normalize each sample by itself: layer, group, RMS and unit normalization."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import ops
from ..arguments import as_real
from ..ops import checks
from ..ops.axes import AxesLast
from . import arguments, weight_options
from .arguments import Shape
from .layer import Backward, Layer
from .variable import Variable


class _SampleNormalization(Layer):
    """Base: a subclass says which weights there are, and how x is seen as groups.

    Attributes
    ----------
    gamma, beta : Variable or None
        What normalized numbers are multiplied by, and what is added.
    centered : bool
        Whether the mean is taken out.
    """

    supports_masking = True
    centered = True
    epsilon: float
    gamma: Variable | None = None
    beta: Variable | None = None

    def to_groups(self, x: np.ndarray) -> np.ndarray:
        """Return x as (N, G, S, K); see `ops.normalize_groups`."""
        raise checks.must_define(self, "to_groups(x)")

    def from_groups(self, y: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Undo `to_groups` for an input of `shape`."""
        raise checks.must_define(self, "from_groups(y, shape)")

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the normalized `x`."""
        groups = self.to_groups(x)
        channels = (groups.shape[1], groups.shape[3])
        gamma = self.scale_of(channels)
        beta = None if self.beta is None else self.beta.value.reshape(channels)
        y, mean, inverse = ops.normalize_groups(groups, gamma, beta, self.epsilon, self.centered)
        result = self.from_groups(y, x.shape)
        if not training:
            return result, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            dx, *gradients = ops.normalize_groups_backward(
                self.to_groups(dy), groups, gamma, mean, inverse, self.centered
            )
            for variable, gradient in zip((self.gamma, self.beta), gradients, strict=True):
                if variable is not None and self.learns(variable):
                    variable.add_grad(gradient.reshape(variable.shape))
            return self.from_groups(dx, x.shape) if need_dx else None

        return result, backward

    def scale_of(self, channels: tuple[int, int]) -> np.ndarray | None:
        """Return what normalized numbers are multiplied by, shaped `channels`, or None."""
        return None if self.gamma is None else self.gamma.value.reshape(channels)


class _AlongAxes(_SampleNormalization):
    """Base of layers whose groups are some axes of the input."""

    axis: int | list[int]

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if it has the axes, with the sizes that it was built for."""
        axes = arguments.resolve_axes(self.where, self.axis, input_shape)
        for variable in self.weights:
            arguments.check_sizes(self.where, input_shape, axes, variable.shape)
        return input_shape

    def axis_sizes(self, input_shape: Shape) -> tuple[int, ...]:
        """Return the sizes of the axes, the shape of weights."""
        axes = arguments.resolve_axes(self.where, self.axis, input_shape)
        return arguments.known_sizes(self.where, input_shape, axes)

    def to_groups(self, x: np.ndarray) -> np.ndarray:
        """Return x as (all other axes, 1, 1, axes)."""
        axes = arguments.resolve_axes(self.where, self.axis, x.shape)
        moved = AxesLast(x.ndim, axes).move(x)
        split = x.ndim - len(axes)
        return moved.reshape(math.prod(moved.shape[:split]), 1, 1, math.prod(moved.shape[split:]))

    def from_groups(self, y: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Undo `to_groups` for an input of `shape`."""
        axes = arguments.resolve_axes(self.where, self.axis, shape)
        others = [size for axis, size in enumerate(shape) if axis not in axes]
        moved = y.reshape(*others, *(shape[axis] for axis in axes))
        return AxesLast(len(shape), axes).back(moved)


class _Affine(_SampleNormalization):
    """Base of layers with a gamma and a beta, and Keras's arguments about them."""

    axis: Any
    config_keys: ClassVar[tuple[str, ...]] = (
        "axis",
        "epsilon",
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "gamma_constraint",
    )

    def __init__(
        self,
        axis: Any,
        epsilon: float,
        center: bool,
        scale: bool,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.axis = arguments.as_axes(self.where, axis)
        self.epsilon = as_real(self.where, "epsilon", epsilon, 0)
        self.center = bool(center)
        self.scale = bool(scale)
        weight_options.keep(self, "beta", beta_initializer, beta_regularizer, beta_constraint)
        weight_options.keep(self, "gamma", gamma_initializer, gamma_regularizer, gamma_constraint)

    def add_gamma_and_beta(self, shape: tuple[int, ...]) -> None:
        """Create the weights."""
        self.gamma = weight_options.add(self, "gamma", shape) if self.scale else None
        self.beta = weight_options.add(self, "beta", shape) if self.center else None


class LayerNormalization(_AlongAxes, _Affine):
    """Gives each sample mean 0 and variance 1 along `axis`, then gamma and beta.

    Ba, Kiros & Hinton, arXiv:1607.06450. Weights: `gamma`, `beta`, shaped as the axes.

    Parameters
    ----------
    axis : int or list of int
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a `beta` and a `gamma`.
    beta_initializer, gamma_initializer : str, config or Initializer
    beta_regularizer, gamma_regularizer : str, config or Regularizer
    beta_constraint, gamma_constraint : str, config or Constraint
    rms_scaling : bool
        Keras's, deprecated there; not supported, use RMSNormalization.
    """

    config_keys = (*_Affine.config_keys, "rms_scaling")

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        *options: Any,
        rms_scaling: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, *options, **kwargs)
        arguments.only(self.where, "rms_scaling", rms_scaling, False)
        self.rms_scaling = False

    def create_weights(self, input_shape: Shape) -> None:
        """Create gamma and beta for the sizes of the axes."""
        self.add_gamma_and_beta(self.axis_sizes(input_shape))


class RMSNormalization(_AlongAxes):
    """Divides each sample by its root mean square along `axis`, then multiplies by `scale`.

    Zhang & Sennrich, arXiv:1910.07467. Weights: `scale`, shaped as the axes.

    Parameters
    ----------
    axis : int or list of int
    epsilon : float
        Added to the mean square.
    """

    config_keys = ("axis", "epsilon")
    supports_masking = False  # as in Keras
    centered = False

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = arguments.as_axes(self.where, axis)
        self.epsilon = as_real(self.where, "epsilon", epsilon, 0)

    def create_weights(self, input_shape: Shape) -> None:
        """Create the scale for the sizes of the axes."""
        self.scale = self.gamma = self.add_weight("scale", self.axis_sizes(input_shape), "ones")


class UnitNormalization(_AlongAxes):
    """Gives each sample the L2 norm 1 along `axis`; zeros stay zeros.

    Parameters
    ----------
    axis : int or list of int
    """

    config_keys = ("axis",)
    centered = False
    #: Added to the mean square: norms far below 1e-12 are taken for it.
    epsilon = 1e-24

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = arguments.as_axes(self.where, axis)

    def scale_of(self, channels: tuple[int, int]) -> np.ndarray | None:
        """Return what leads from a root mean square of 1 to a norm of 1."""
        return np.full(channels, 1 / math.sqrt(max(channels[1], 1)), np.float32)


class GroupNormalization(_Affine):
    """Gives groups of channels of each sample mean 0 and variance 1, then gamma and beta.

    Wu & He, arXiv:1803.08494. Weights: `gamma`, `beta`, one number for each channel.

    Parameters
    ----------
    groups : int
        Number of groups, a divisor of the number of channels; -1 for one per channel.
    axis : int
        The channels: 1 for images (N, C, H, W).
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a `beta` and a `gamma`.
    beta_initializer, gamma_initializer : str, config or Initializer
    beta_regularizer, gamma_regularizer : str, config or Regularizer
    beta_constraint, gamma_constraint : str, config or Constraint
    """

    config_keys = ("groups", *_Affine.config_keys)

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        *options: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, *options, **kwargs)
        self.axis = checks.as_int(self.where, "axis", axis, minimum=-32)
        self.groups = checks.as_int(self.where, "groups", groups, minimum=-1)
        if not self.groups:
            raise ValueError(f"{self.where}: groups must be positive, or -1, got 0.")

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if its channels fall into groups."""
        (axis,) = arguments.resolve_axes(self.where, self.axis, input_shape)
        channels = input_shape[axis]
        if axis == 0:
            raise ValueError(f"{self.where}: axis must not be the batch axis, got {self.axis}.")
        if channels is not None and self.groups != -1 and channels % self.groups:
            raise ValueError(
                f"{self.where}: the {channels} channels must be divisible by groups, got "
                f"groups={self.groups}, input shape {input_shape}."
            )
        for variable in self.weights:
            arguments.check_sizes(self.where, input_shape, [axis], variable.shape)
        return input_shape

    def create_weights(self, input_shape: Shape) -> None:
        """Create gamma and beta for the number of channels."""
        axes = arguments.resolve_axes(self.where, self.axis, input_shape)
        self.add_gamma_and_beta(arguments.known_sizes(self.where, input_shape, axes))

    def to_groups(self, x: np.ndarray) -> np.ndarray:
        """Return x as (N, groups, places, channels of a group)."""
        moved = AxesLast(x.ndim, [self.axis % x.ndim]).move(x)
        *places, channels = moved.shape[1:]
        groups = channels if self.groups == -1 else self.groups
        split = moved.reshape(len(x), math.prod(places), groups, channels // groups)
        return np.ascontiguousarray(split.transpose(0, 2, 1, 3))

    def from_groups(self, y: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Undo `to_groups` for an input of `shape`."""
        axis = self.axis % len(shape)
        places = [size for i, size in enumerate(shape) if i not in (0, axis)]
        moved = y.transpose(0, 2, 1, 3).reshape(shape[0], *places, shape[axis])
        return AxesLast(len(shape), [axis]).back(moved)
