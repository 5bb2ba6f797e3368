"""Layers that change the shape of samples: Flatten, Reshape, Permute, RepeatVector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from .arguments import Shape
from .image import ImageLayer
from .layer import Backward, Layer, weightless_backward


def _reshape(x: np.ndarray, shape: Any, training: bool) -> tuple[np.ndarray, Backward | None]:
    """Return `x` under another shape, and the way back."""
    # Sizes are written out, since -1 means nothing in a batch of no samples.
    old = x.shape
    return x.reshape(shape), weightless_backward(training, lambda dy: dy.reshape(old))


class Flatten(ImageLayer):
    """(N, ...) to (N, product of the rest), in row-major order with channels last.

    Parameters
    ----------
    data_format : "channels_last" or "channels_first", optional
        With "channels_first" the axis after the batch is put last before flattening, so that a
        Dense layer behind has the same weights in both formats.
    """

    spatial_rank = None
    keeps_axes = False
    config_keys = ("data_format",)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_data_format(data_format)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, K); K is None where a size is unknown."""
        sizes = [n for n in input_shape[1:] if n is not None]
        known = len(sizes) == len(input_shape) - 1
        return input_shape[0], math.prod(sizes) if known else None

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return `x` as rows."""
        return _reshape(x, self.infer_last(x.shape), training)


class Reshape(Layer):
    """Gives each sample another shape.

    Parameters
    ----------
    target_shape : sequence of int
        Without the batch axis. One entry may be -1: whatever is left.
    """

    config_keys = ("target_shape",)

    def __init__(self, target_shape: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(target_shape, (str, bytes)) or not hasattr(target_shape, "__iter__"):
            raise ValueError(
                f"{self.where}: target_shape must be a tuple of integers, got {target_shape!r}."
            )
        self.target_shape = tuple(
            checks.as_int(self.where, "target_shape", n, minimum=-1) for n in target_shape
        )
        if 0 in self.target_shape or self.target_shape.count(-1) > 1:
            raise ValueError(
                f"{self.where}: target_shape must be positive, with at most one -1, "
                f"got {self.target_shape}."
            )

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, *target_shape) with -1 worked out."""
        batch, sizes = input_shape[0], input_shape[1:]
        fixed = math.prod(n for n in self.target_shape if n != -1)
        if None in sizes:
            return (batch, *(None if n == -1 else n for n in self.target_shape))
        total = math.prod(n for n in sizes if n is not None)
        rest, remainder = divmod(total, fixed)
        if remainder or (rest != 1 and -1 not in self.target_shape):
            raise ValueError(
                f"{self.where}: target_shape {self.target_shape} must hold the {total} numbers "
                f"of a sample, got input shape {input_shape}."
            )
        return (batch, *(rest if n == -1 else n for n in self.target_shape))

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x` under the output shape."""
        return _reshape(x, self.infer_shape(x.shape), training)


class Permute(Layer):
    """Puts the axes of each sample in another order.

    Parameters
    ----------
    dims : sequence of int
        The axes in their new order, counted from 1 without the batch.
    """

    config_keys = ("dims",)

    def __init__(self, dims: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(dims, (str, bytes)) or not hasattr(dims, "__iter__"):
            raise ValueError(f"{self.where}: dims must be a tuple of integers, got {dims!r}.")
        self.dims = tuple(checks.as_int(self.where, "dims", n) for n in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"{self.where}: dims must be a permutation of 1 to the number of axes without "
                f"the batch, got {self.dims}."
            )
        self.input_rank = len(self.dims) + 1
        self.input_axes = f"(batch, {len(self.dims)} more axes)"

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape in the new order."""
        return (input_shape[0], *(input_shape[n] for n in self.dims))

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x` with its axes in the new order."""
        order = (0, *self.dims)
        back = sorted(range(len(order)), key=order.__getitem__)
        return np.ascontiguousarray(x.transpose(order)), weightless_backward(
            training, lambda dy: np.ascontiguousarray(dy.transpose(back))
        )


class RepeatVector(Layer):
    """(N, F) to (N, n, F): the vector n times.

    Parameters
    ----------
    n : int
    """

    input_rank = 2
    input_axes = "(batch, features)"
    config_keys = ("n",)

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.n = checks.as_int(self.where, "n", n)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, n, F)."""
        return (input_shape[0], self.n, input_shape[1])

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the vectors n times each."""
        return ops.upsample(x[:, None], self.n), weightless_backward(
            training, lambda dy: ops.upsample_backward(dy, self.n)[:, 0]
        )
