"""Initializers that draw numbers.

From `numpy.random.Generator(PCG64(seed))`, as float32, so one seed gives the same weights on every
machine (Orthogonal: up to the last bits of LAPACK's QR).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ..arguments import as_real
from ..ops import checks
from ..random import SeedGenerator, as_seed, default_seed
from .initializer import Initializer, Shape

Seed = int | SeedGenerator | None

#: Standard deviation of a standard normal that is cut at +-2.
_TRUNCATED_STD = 0.87962566103423978
_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")


class _Random(Initializer):
    """Draws numbers: the same ones at each call, unless the seed is a SeedGenerator."""

    def __init__(self, seed: Seed = None) -> None:
        self.seed = as_seed(type(self).__name__, seed)
        self._drawn = default_seed() if self.seed is None else self.seed

    def _generator(self) -> np.random.Generator:
        seed = self._drawn.next() if isinstance(self._drawn, SeedGenerator) else self._drawn
        return np.random.Generator(np.random.PCG64(seed))


class RandomNormal(_Random):
    """Normal distribution."""

    config_keys = ("mean", "stddev", "seed")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Seed = None) -> None:
        self.mean = as_real(type(self).__name__, "mean", mean)
        self.stddev = as_real(type(self).__name__, "stddev", stddev, 0)
        super().__init__(seed)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return _scale(self._standard(shape), self.stddev, self.mean)

    def _standard(self, shape: tuple[int, ...]) -> np.ndarray:
        return self._generator().standard_normal(shape, np.float32)


class TruncatedNormal(RandomNormal):
    """Normal distribution; values beyond two standard deviations are drawn again."""

    def _standard(self, shape: tuple[int, ...]) -> np.ndarray:
        return _truncated_normal(self._generator(), shape)


class RandomUniform(_Random):
    """Uniform distribution between `minval` and `maxval`."""

    config_keys = ("minval", "maxval", "seed")

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Seed = None) -> None:
        self.minval = as_real("RandomUniform", "minval", minval)
        self.maxval = as_real("RandomUniform", "maxval", maxval, self.minval)
        super().__init__(seed)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        draws = self._generator().random(shape, np.float32)
        return _scale(draws, self.maxval - self.minval, self.minval)


class VarianceScaling(_Random):
    """Variance `scale / fan`, so that signals keep their size from layer to layer.

    Parameters
    ----------
    scale : float
    mode : "fan_in", "fan_out" or "fan_avg"
        Which fan; see `compute_fans`.
    distribution : "truncated_normal", "untruncated_normal" or "uniform"
        "normal" means "truncated_normal".
    seed : int or SeedGenerator, optional
    input_axes, output_axes : sequence of int, optional
        Axes whose sizes multiply to fan_in and fan_out, where the usual rule does not fit.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        "scale",
        "mode",
        "distribution",
        "seed",
        "input_axes",
        "output_axes",
    )

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        where = type(self).__name__
        self.scale = as_real(where, "scale", scale)
        if self.scale <= 0:
            raise ValueError(f"{where}: scale must be positive, got {self.scale}.")
        self.mode = checks.one_of(where, "mode", mode, _MODES)
        word = distribution.lower() if isinstance(distribution, str) else distribution
        word = "truncated_normal" if word == "normal" else word
        self.distribution = checks.one_of(where, "distribution", word, _DISTRIBUTIONS)
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3 * variance)
            return _scale(self._generator().random(shape, np.float32), 2 * limit, -limit)
        if self.distribution == "untruncated_normal":
            draws = self._generator().standard_normal(shape, np.float32)
            return _scale(draws, math.sqrt(variance))
        draws = _truncated_normal(self._generator(), shape)
        return _scale(draws, math.sqrt(variance) / _TRUNCATED_STD)


class _Preset(VarianceScaling):
    """VarianceScaling with fixed `scale`, `mode` and `distribution`."""

    config_keys = ("seed", "input_axes", "output_axes")
    preset: ClassVar[tuple[float, str, str]]

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self.preset, seed, input_axes, output_axes)


class GlorotUniform(_Preset):
    """Uniform within +-sqrt(6 / (fan_in + fan_out)). Glorot & Bengio, AISTATS 2010."""

    preset = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal of variance 2 / (fan_in + fan_out). Glorot & Bengio, AISTATS 2010."""

    preset = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Preset):
    """Uniform within +-sqrt(6 / fan_in). He et al., arXiv:1502.01852."""

    preset = (2.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal of variance 2 / fan_in. He et al., arXiv:1502.01852."""

    preset = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Uniform within +-sqrt(3 / fan_in). LeCun et al., "Efficient BackProp", 1998."""

    preset = (1.0, "fan_in", "uniform")


class LecunNormal(_Preset):
    """Truncated normal of variance 1 / fan_in. LeCun et al., "Efficient BackProp", 1998."""

    preset = (1.0, "fan_in", "truncated_normal")


class Orthogonal(_Random):
    """Orthonormal columns, or rows where there are fewer rows, times `gain`.

    Weights of more than two dimensions are seen as a matrix (all but the last axis, last axis).
    Saxe et al., arXiv:1312.6120.
    """

    config_keys = ("gain", "seed")

    def __init__(self, gain: float = 1.0, seed: Seed = None) -> None:
        self.gain = as_real("Orthogonal", "gain", gain)
        super().__init__(seed)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) < 2:
            raise ValueError(f"Orthogonal: the shape must have 2 dimensions or more, got {shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        draws = self._generator().standard_normal((max(rows, columns), min(rows, columns)))
        q, r = np.linalg.qr(draws)
        q *= np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
        return (q.T if rows < columns else q).reshape(shape) * self.gain


def compute_fans(
    shape: Shape,
    input_axes: Sequence[int] | None = None,
    output_axes: Sequence[int] | None = None,
) -> tuple[int, int]:
    """Return (fan_in, fan_out) of a weight: its last two axes times all axes before them."""
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        n = math.prod(shape)
        return n, n
    window = math.prod(shape[:-2])
    return shape[-2] * window, shape[-1] * window


def _truncated_normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Return standard normal numbers, drawn again until all are within +-2."""
    z = generator.standard_normal(math.prod(shape), np.float32)
    outside = np.flatnonzero(np.abs(z) > 2)
    while outside.size:
        z[outside] = generator.standard_normal(outside.size, np.float32)
        outside = outside[np.abs(z[outside]) > 2]
    return z.reshape(shape)


def _scale(values: np.ndarray, factor: float, offset: float = 0.0) -> np.ndarray:
    """Return values * factor + offset, computed in place: kernels can be hundreds of MB."""
    values *= np.float32(factor)
    values += np.float32(offset)
    return values
