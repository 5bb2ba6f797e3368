"""Normalization by the mean and variance of the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ... import backend, progress
from ...ops import checks
from ..arguments import Shape
from ..layer import Backward, Layer, weightless_backward
from ..variable import Variable

#: Numbers that `adapt` turns into float64 at a time.
_CHUNK = 1 << 22


class Normalization(Layer):
    """(x - mean) / sqrt(variance), of the data that `adapt` has seen.

    Weights, unless mean and variance are given: `mean`, `variance`, each of the sizes of the kept
    axes, and `count` (), which Keras keeps for old files.

    Parameters
    ----------
    axis : int, sequence of int or None
        Axes whose entries have a mean and variance each; None: one for all.
    mean, variance : float or array_like, optional
        Known statistics, both or neither.
    invert : bool
        Turn normalized data back: x * sqrt(variance) + mean.
    """

    config_keys = ("axis", "invert")
    supports_masking = True

    mean: np.ndarray | None = None
    variance: np.ndarray | None = None
    adapt_mean: Variable | None = None
    adapt_variance: Variable | None = None

    def __init__(
        self,
        axis: Any = -1,
        mean: Any = None,
        variance: Any = None,
        invert: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        axes = () if axis is None else axis if isinstance(axis, Iterable) else (axis,)
        self.axis = tuple(checks.as_int(self.where, "axis", a, -32) for a in axes)
        self.invert = bool(invert)
        if (mean is None) != (variance is None):
            raise ValueError(f"{self.where}: mean and variance must be given together.")
        self._warned = False
        if mean is None:
            return
        self.mean = checks.as_float32(self.where, "mean", mean)
        self.variance = checks.as_float32(self.where, "variance", variance)
        if self.mean.shape != self.variance.shape or self.mean.ndim > len(self.axis):
            raise ValueError(
                f"{self.where}: mean and variance must have the same shape, of at most "
                f"{len(self.axis)} axes (axis={self.axis}), got {self.mean.shape} and "
                f"{self.variance.shape}."
            )

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if it has the axes and their sizes are known."""
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(
                f"{self.where}: axis must be in [{-rank}, {rank}) for input shape {input_shape}, "
                f"got {self.axis}."
            )
        sizes = [input_shape[a] for a in self._kept(rank)]
        if None in sizes:
            raise ValueError(
                f"{self.where}: the sizes of axis={self.axis} must be known, got input shape "
                f"{input_shape}."
            )
        own = None if self.adapt_mean is None else self.adapt_mean.shape
        if self.mean is not None:
            try:
                np.broadcast_to(self.mean, tuple(n or 0 for n in sizes))
            except ValueError:
                own = self.mean.shape
        if own not in (None, tuple(sizes)):
            raise ValueError(
                f"{self.where}: mean has shape {own}, which does not fit the sizes {sizes} of "
                f"axis={self.axis} in input shape {input_shape}."
            )
        return input_shape

    def create_weights(self, input_shape: Shape) -> None:
        """Create mean 0 and variance 1, until `adapt` is called, unless they were given."""
        if self.mean is not None:
            return
        sizes = [int(input_shape[a] or 0) for a in self._kept(len(input_shape))]
        self.adapt_mean = self.add_weight("mean", sizes, "zeros", trainable=False)
        self.adapt_variance = self.add_weight("variance", sizes, "ones", trainable=False)
        self.count = self.add_weight("count", (), "zeros", trainable=False)

    def _kept(self, rank: int) -> list[int]:
        """Return the axes that have statistics of their own, in order and not negative."""
        return sorted(a % rank for a in self.axis)

    def adapt(self, data: Any) -> None:
        """Set mean and variance to those of `data`, which replaces what was there.

        Parameters
        ----------
        data : array, or iterable of batches
            A batch is an array, or a tuple that begins with one: a list of arrays, a generator, a
            PyDataset, a tf.data.Dataset ...

        Raises
        ------
        TypeError
            It does not hold real numbers.
        ValueError
            It is empty, its shape does not fit, or mean and variance were given.
        """
        if self.mean is not None:
            raise ValueError(f"{self.where}: adapt has nothing to do: mean and variance are given.")
        count, mean, variance = 0, np.float64(0), np.float64(0)
        for batch in self._batches(data):
            if not batch.size:
                continue
            if not self.built:
                self.build((None, *batch.shape[1:]) if 0 not in self._kept(batch.ndim)
                           else batch.shape)  # fmt: skip
            self.compute_output_shape(batch.shape)
            kept = self._kept(batch.ndim)
            others = tuple(a for a in range(batch.ndim) if a not in kept)
            n = math.prod(batch.shape[a] for a in others)
            # Chan, Golub, LeVeque, "Updating formulae and a pairwise algorithm", 1979.
            count += n
            values = batch.astype(np.float64)
            shift = values.mean(others) - mean
            variance = variance + (values.var(others) - variance) * (n / count)
            variance = variance + shift**2 * (n / count * (1 - n / count))
            mean = mean + shift * (n / count)
        if not count:
            raise ValueError(f"{self.where}: adapt got no data.")
        assert self.adapt_mean is not None and self.adapt_variance is not None
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _batches(self, data: Any) -> Iterator[np.ndarray]:
        """Yield `data` as arrays with a batch axis, large ones in parts."""
        is_array = hasattr(data, "__array__") or not isinstance(data, Iterable)
        if isinstance(data, (list, tuple)):
            is_array = not any(hasattr(item, "shape") for item in data[:1])
        for batch in [data] if is_array else data:
            x = batch[0] if isinstance(batch, tuple) else batch
            array = np.asarray(x)
            if array.dtype.kind not in "fiub":
                raise TypeError(
                    f"{self.where}: adapt: data must hold real numbers, got dtype {array.dtype}."
                )
            if not array.ndim:
                raise ValueError(f"{self.where}: adapt: data must have a batch axis.")
            whole = 0 in self._kept(array.ndim) or not array.size
            rows = len(array) if whole else max(1, _CHUNK * len(array) // array.size)
            for start in range(0, max(len(array), 1), max(rows, 1)):
                yield array[start : start + rows]

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return normalized data, or with `invert` data as they were before that."""
        mean, deviation = self._statistics(x.ndim)
        if self.invert:
            y, scale = mean + x * deviation, deviation
        else:
            y, scale = (x - mean) / deviation, 1 / deviation
        return y, weightless_backward(training, lambda dy: dy * scale)

    def _statistics(self, rank: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the standard deviation, to be broadcast against data of `rank`."""
        mean, variance = self.mean, self.variance
        if mean is None or variance is None:
            assert self.adapt_mean is not None and self.adapt_variance is not None
            if not (self._warned or self.adapt_mean.version or self.adapt_variance.version):
                self._warned = True
                progress.warn(
                    f"{self.where} has seen no data and leaves its input as it is: call "
                    f"adapt(x_train) before it is used."
                )
            mean, variance = self.adapt_mean.value, self.adapt_variance.value
        kept = self._kept(rank)
        shape = [1] * rank
        for axis, size in zip(reversed(kept), reversed(mean.shape), strict=False):
            shape[axis] = size
        deviation = np.maximum(np.sqrt(variance), np.float32(backend.epsilon()))
        return mean.reshape(shape), deviation.reshape(shape)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        statistics: Mapping[str, np.ndarray | None] = {
            "mean": self.mean,
            "variance": self.variance,
        }
        listed = {k: None if v is None else v.tolist() for k, v in statistics.items()}
        return {**super().get_config(), **listed}
