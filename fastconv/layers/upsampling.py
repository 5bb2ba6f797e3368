"""UpSampling1D, UpSampling2D and UpSampling3D: sequences, images and volumes made larger."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from ..ops.resizing import INTERPOLATIONS
from .arguments import Shape
from .image import ImageLayer
from .layer import Backward, weightless_backward


class _UpSampling(ImageLayer):
    """Repeats each position `factors` times along each spatial axis."""

    factors: tuple[int, ...]

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return the input shape with larger spatial axes."""
        n, *spatial, c = input_shape
        sizes = (
            None if size is None else size * times
            for size, times in zip(spatial, self.factors, strict=True)
        )
        return (n, *sizes, c)

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return `x` with each position repeated."""
        return ops.upsample(x, self.factors), weightless_backward(
            training, lambda dy: ops.upsample_backward(dy, self.factors)
        )


class UpSampling1D(_UpSampling):
    """Repeats each step of sequences (N, L, C).

    Parameters
    ----------
    size : int
    """

    spatial_rank = 1
    config_keys = ("size",)

    def __init__(self, size: Any = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.factors = checks.as_tuple(self.where, "size", size, 1)
        self.size = self.factors[0]


class UpSampling2D(_UpSampling):
    """Makes images (N, H, W, C) larger, to (N, H * size[0], W * size[1], C).

    Parameters
    ----------
    size : int or two ints
    data_format : "channels_last" or "channels_first", optional
    interpolation : "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5"
        "nearest" repeats rows and columns; the others interpolate, see `ops.resize`.
    """

    config_keys = ("size", "data_format", "interpolation")

    def __init__(
        self,
        size: Any = 2,
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.size = self.factors = checks.as_tuple(self.where, "size", size, 2)
        self.set_data_format(data_format)
        if isinstance(interpolation, str):
            interpolation = interpolation.lower()
        self.interpolation = checks.one_of(
            self.where, "interpolation", interpolation, INTERPOLATIONS
        )

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the larger images."""
        if self.interpolation == "nearest" or not x.size:
            return super().compute(x, training)
        size = (x.shape[1] * self.factors[0], x.shape[2] * self.factors[1])
        old = x.shape[1:3]
        return ops.resize(x, size, self.interpolation), weightless_backward(
            training, lambda dy: ops.resize_backward(dy, old, self.interpolation)
        )


class UpSampling3D(_UpSampling):
    """Repeats each position of volumes (N, D, H, W, C) along all three axes.

    Parameters
    ----------
    size : int or three ints
    data_format : "channels_last" or "channels_first", optional
    """

    spatial_rank = 3
    config_keys = ("size", "data_format")

    def __init__(self, size: Any = 2, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.size = self.factors = checks.as_tuple(self.where, "size", size, 3)
        self.set_data_format(data_format)
