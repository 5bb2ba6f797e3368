"""Layers that move numbers without changing them: Flatten, Reshape, ZeroPadding2D."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import backend, ops
from ..ops import checks
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward


class _ReshapeLayer(Layer):
    """Base of layers whose output is the input under another shape."""

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x` under the output shape."""
        shape = x.shape
        # Sizes are written out, since -1 means nothing in a batch of no samples.
        new_shape: Any = self.infer_shape(shape)
        return x.reshape(new_shape), weightless_backward(training, lambda dy: dy.reshape(shape))


class Flatten(_ReshapeLayer):
    """(N, ...) to (N, product of the rest), in row-major order.

    Parameters
    ----------
    data_format : "channels_last" or None
    """

    config_keys = ("data_format",)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = backend.check_data_format(self.where, data_format)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, K); K is None where a size is unknown."""
        sizes = [n for n in input_shape[1:] if n is not None]
        known = len(sizes) == len(input_shape) - 1
        return input_shape[0], math.prod(sizes) if known else None


class Reshape(_ReshapeLayer):
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


class ZeroPadding2D(Layer):
    """Puts zeros around images (N, H, W, C).

    Parameters
    ----------
    padding : int, two ints, or two pairs of ints
        The same on all sides, (height, width), or ((top, bottom), (left, right)).
    data_format : "channels_last" or None
    """

    input_rank = 4
    input_axes = "(batch, height, width, channels)"
    config_keys = ("padding", "data_format")

    def __init__(
        self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = backend.check_data_format(self.where, data_format)
        height, width = _two(self.where, padding)
        self.padding = (
            checks.as_pair(self.where, "padding of the height", height, minimum=0),
            checks.as_pair(self.where, "padding of the width", width, minimum=0),
        )

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape with a larger height and width."""
        n, h, w, c = input_shape
        height, width = (
            None if size is None else size + sum(pad)
            for size, pad in zip((h, w), self.padding, strict=True)
        )
        return n, height, width, c

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the padded images."""
        (top, _), (left, _) = self.padding
        _, h, w, _ = x.shape

        def gradient(dy: np.ndarray) -> np.ndarray:
            return np.ascontiguousarray(dy[:, top : top + h, left : left + w])

        return ops.zero_pad2d(x, self.padding), weightless_backward(training, gradient)


def _two(where: str, padding: Any) -> tuple[Any, Any]:
    """Return what is said about height and about width."""
    if isinstance(padding, str) or not hasattr(padding, "__iter__"):
        return padding, padding
    parts = tuple(padding)
    if len(parts) != 2:
        raise ValueError(
            f"{where}: padding must be an integer, (height, width) or ((top, bottom), "
            f"(left, right)), got {len(parts)} entries."
        )
    return parts
