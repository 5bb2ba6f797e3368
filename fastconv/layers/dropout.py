"""Layers that add noise in training and do nothing else: the dropout family, Gaussian noise."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import backend, ops
from ..arguments import as_real
from ..ops import checks
from ..ops.activation import SELU_ALPHA, SELU_SCALE
from ..random import SeedGenerator
from . import arguments
from .activation import Activation, Gradient
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward


class _Noise(Layer):
    """Base of layers with a `seed_generator`; a subclass defines `disturb`."""

    #: Argument that says how much; 0 makes the layer idle.
    amount: ClassVar[str] = "rate"
    supports_masking = True

    def __init__(self, seed: int | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = None if seed is None else checks.as_int(self.where, "seed", seed, 0)
        self.seed_generator = SeedGenerator(self.seed, name=f"{self.name}/seed_generator")

    def in_inference(self) -> Layer:
        """Return a layer that passes its input on."""
        return Activation("linear", name=self.name)

    def disturb(self, x: np.ndarray, seed: int) -> tuple[np.ndarray, Gradient]:
        """Return `x` with noise, and its gradient function."""
        raise checks.must_define(self, "disturb(x, seed)")

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x` with noise, or `x` itself if not training."""
        if not training or getattr(self, self.amount) == 0:
            return x, weightless_backward(training, lambda dy: dy)
        y, gradient = self.disturb(x, self.seed_generator.next())
        return y, weightless_backward(training, gradient)


def _normal(shape: tuple[int, ...], seed: int, stddev: float) -> np.ndarray:
    """Return normal numbers around 0."""
    draws = np.random.Generator(np.random.PCG64(seed)).standard_normal(shape, np.float32)
    draws *= np.float32(stddev)
    return draws


class Dropout(_Noise):
    """In training, sets a fraction of the numbers to zero and scales up the others.

    Srivastava et al., JMLR 15, 2014.

    Parameters
    ----------
    rate : float in [0, 1]
        Fraction to drop; what is kept is multiplied by 1 / (1 - rate).
    noise_shape : sequence of int or None, optional
        Shape of the mask, with the batch axis: 1 drops along the whole axis at once, None stands
        for the input's size.
    seed : int, optional
        Makes the masks the same in each run. The layer's `seed_generator` counts its calls.
    """

    config_keys: ClassVar[tuple[str, ...]] = ("rate", "seed", "noise_shape")

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, **kwargs)
        self.rate = arguments.as_rate(self.where, "rate", rate)
        self.noise_shape = (
            None
            if noise_shape is None
            else arguments.as_shape(self.where, "noise_shape", noise_shape)
        )

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if `noise_shape` agrees with it."""
        noise = self.noise_shape
        if noise is not None and not (
            len(noise) == len(input_shape)
            and all(
                n in (None, 1, size) or size is None
                for n, size in zip(noise, input_shape, strict=True)
            )
        ):
            raise ValueError(
                f"{self.where}: noise_shape {noise} must have an entry of None, 1 or the size for "
                f"each input axis, got input shape {input_shape}."
            )
        return input_shape

    def disturb(self, x: np.ndarray, seed: int) -> tuple[np.ndarray, Gradient]:
        """Return `x` with a fraction of its numbers dropped, and its gradient function."""
        if self.noise_shape is None:
            y, mask = ops.dropout(x, self.rate, seed)
        else:
            mask = self.mask(x, seed)
            y = x * mask
        return y, lambda dy: dy * mask

    def mask(self, x: np.ndarray, seed: int) -> np.ndarray:
        """Return an array of 0 and 1 / (1 - rate) that can be multiplied with `x`."""
        sizes = x.shape
        if self.noise_shape is not None:
            sizes = tuple(
                size if n is None else n for n, size in zip(self.noise_shape, x.shape, strict=True)
            )
        return ops.dropout(np.ones(sizes, np.float32), self.rate, seed)[1]


class AlphaDropout(Dropout):
    """Dropout for selu: it sets to selu's lower limit, and keeps the mean and the variance.

    Klambauer et al., arXiv:1706.02515. Parameters are those of `Dropout`; rate is below 1.
    """

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)
        _check_below_one(self.where, self.rate)

    def disturb(self, x: np.ndarray, seed: int) -> tuple[np.ndarray, Gradient]:
        """Return `x` with a fraction of its numbers dropped, and its gradient function."""
        limit = -SELU_SCALE * SELU_ALPHA
        a = ((1 - self.rate) * (1 + self.rate * limit**2)) ** -0.5
        b = -a * limit * self.rate
        kept = self.mask(x, seed) > 0
        factor = np.where(kept, np.float32(a), np.float32(0))
        y = np.where(kept, ops.scale_shift(x, a, b), np.float32(a * limit + b))
        return y, lambda dy: dy * factor


class _SpatialDropout(Dropout):
    """Dropout of whole channels. Tompson et al., arXiv:1411.4280."""

    idle_settings = ("noise_shape",)

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, None, seed, name=name, dtype=dtype, **kwargs)
        self.data_format = backend.check_data_format(self.where, data_format)
        assert self.input_rank is not None
        places = (1,) * (self.input_rank - 2)
        last = self.data_format == "channels_last"
        self.noise_shape = (None, *places, None) if last else (None, None, *places)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, which are few for these layers."""
        config = {key: getattr(self, key) for key in (*self.config_keys, "name")}
        return {**config, "dtype": self.dtype_policy.name}


class SpatialDropout1D(_SpatialDropout):
    """Dropout of whole channels of sequences (N, L, C).

    Parameters
    ----------
    rate : float in [0, 1]
    seed : int, optional
    """

    input_rank = 3
    input_axes = "(batch, steps, channels)"
    config_keys = ("rate", "seed")

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, "channels_last", seed, name, dtype, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Dropout of whole channels of images (N, H, W, C).

    Parameters
    ----------
    rate : float in [0, 1]
    data_format : "channels_last", "channels_first" or None
    seed : int, optional
    """

    input_rank = 4
    input_axes = "of images, 4 axes with the batch,"
    config_keys = ("rate", "seed", "data_format")


class SpatialDropout3D(_SpatialDropout):
    """Dropout of whole channels of volumes (N, D, H, W, C); arguments of `SpatialDropout2D`."""

    input_rank = 5
    input_axes = "of volumes, 5 axes with the batch,"
    config_keys = ("rate", "seed", "data_format")


class GaussianDropout(_Noise):
    """In training, multiplies by normal numbers around 1. Srivastava et al., JMLR 15, 2014.

    Parameters
    ----------
    rate : float in [0, 1)
        The standard deviation is sqrt(rate / (1 - rate)), as with `Dropout`.
    seed : int, optional
    """

    config_keys = ("rate", "seed")

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.rate = arguments.as_rate(self.where, "rate", rate)
        _check_below_one(self.where, self.rate)

    def disturb(self, x: np.ndarray, seed: int) -> tuple[np.ndarray, Gradient]:
        """Return `x` with noise, and its gradient function."""
        factor = _normal(x.shape, seed, math.sqrt(self.rate / (1 - self.rate)))
        factor += np.float32(1)
        return x * factor, lambda dy: dy * factor


class GaussianNoise(_Noise):
    """In training, adds normal numbers around 0.

    Parameters
    ----------
    stddev : float in [0, 1]
    seed : int, optional
    """

    amount = "stddev"
    config_keys = ("stddev", "seed")

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed, **kwargs)
        self.stddev = as_real(self.where, "stddev", stddev, 0, 1)

    def disturb(self, x: np.ndarray, seed: int) -> tuple[np.ndarray, Gradient]:
        """Return `x` with noise, and its gradient function."""
        return x + _normal(x.shape, seed, self.stddev), lambda dy: dy


def _check_below_one(where: str, rate: float) -> None:
    if rate == 1:
        raise ValueError(f"{where}: rate must be below 1, where its formula divides by zero.")
