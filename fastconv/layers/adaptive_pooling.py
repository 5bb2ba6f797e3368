"""Pooling to a given number of outputs, whatever the size of the input."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from .arguments import Shape
from .image import ImageLayer
from .layer import Backward, weightless_backward


class _AdaptivePooling(ImageLayer):
    """Windows from floor(i * n / o) up to ceil((i + 1) * n / o) for output i of o."""

    config_keys = ("output_size", "data_format")

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        rank = self.spatial_rank
        assert rank is not None
        self.output_size = checks.as_tuple(self.where, "output_size", output_size, rank)
        self.set_data_format(data_format)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, *output_size, C)."""
        if 0 in input_shape[1:-1]:
            raise ValueError(f"{self.where}: images must not be empty, got shape {input_shape}.")
        return (input_shape[0], *self.output_size, input_shape[-1])


class _AdaptiveMaxPooling(_AdaptivePooling):
    """Maximum of each window."""

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the maxima."""
        size, shape = self.output_size, x.shape
        if not training:
            return ops.adaptive_max_pool(x, size), None
        y, argmax = ops.adaptive_max_pool(x, size, return_argmax=True)
        return y, weightless_backward(
            training, lambda dy: ops.adaptive_max_pool_backward(dy, argmax, shape, size)
        )


class _AdaptiveAveragePooling(_AdaptivePooling):
    """Mean of each window."""

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the means."""
        size, shape = self.output_size, x.shape
        return ops.adaptive_average_pool(x, size), weightless_backward(
            training, lambda dy: ops.adaptive_average_pool_backward(dy, shape, size)
        )


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """Maximum of each of `output_size` windows of sequences; see `AdaptiveMaxPooling2D`."""

    spatial_rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """Maximum of each of `output_size` windows, (N, H, W, C) to (N, *output_size, C).

    Parameters
    ----------
    output_size : int or two ints
    data_format : "channels_last" or "channels_first", optional
    """


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """Maximum of each of `output_size` windows of volumes; see `AdaptiveMaxPooling2D`."""

    spatial_rank = 3


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """Mean of each of `output_size` windows of sequences; see `AdaptiveAveragePooling2D`."""

    spatial_rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """Mean of each of `output_size` windows, (N, H, W, C) to (N, *output_size, C).

    Parameters
    ----------
    output_size : int or two ints
    data_format : "channels_last" or "channels_first", optional
    """


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """Mean of each of `output_size` windows of volumes; see `AdaptiveAveragePooling2D`."""

    spatial_rank = 3
