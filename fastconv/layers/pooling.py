"""Pooling over windows of sequences, images and volumes. One class does all three."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from . import arguments
from .arguments import Shape
from .image import ImageLayer
from .layer import Backward, weightless_backward


class _Pooling(ImageLayer):
    """A window that slides over `spatial_rank` axes."""

    config_keys = ("pool_size", "padding", "strides", "data_format")

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        rank = self.spatial_rank
        assert rank is not None
        self.pool_size = checks.as_tuple(self.where, "pool_size", pool_size, rank)
        strides = self.pool_size if strides is None else strides
        self.strides = checks.as_tuple(self.where, "strides", strides, rank)
        self.padding = arguments.as_padding(self.where, padding)
        self.set_data_format(data_format)
        #: How `ops` takes the window.
        self.geometry: dict[str, Any] = {
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, *outputs, C)."""
        spatial = arguments.windows_shape(
            self.where,
            input_shape[1:-1],
            self.pool_size,
            self.strides,
            (1,) * len(self.pool_size),
            self.padding,
        )
        return (input_shape[0], *spatial, input_shape[-1])


class _MaxPooling(_Pooling):
    """Maximum of each window; padding never wins, NaN always does."""

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the maxima."""
        if not training:
            return ops.max_pool(x, **self.geometry), None
        y, argmax = ops.max_pool(x, return_argmax=True, **self.geometry)
        shape = x.shape
        return y, weightless_backward(
            training, lambda dy: ops.max_pool_backward(dy, argmax, shape, **self.geometry)
        )


class _AveragePooling(_Pooling):
    """Mean of each window; padding does not count."""

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the means."""
        shape = x.shape
        return ops.average_pool(x, **self.geometry), weightless_backward(
            training, lambda dy: ops.average_pool_backward(dy, shape, **self.geometry)
        )


class MaxPooling1D(_MaxPooling):
    """Maximum of each window of sequences (N, L, C); see `MaxPooling2D`."""

    spatial_rank = 1


class MaxPooling2D(_MaxPooling):
    """Maximum of each window of images (N, H, W, C); padding never wins, NaN always does.

    The gradient goes to the first maximum of a window in row-major order.

    Parameters
    ----------
    pool_size : int or two ints
    strides : int or two ints, optional
        `pool_size` if not given.
    padding : "valid" or "same"
    data_format : "channels_last" or "channels_first", optional
    name : str, optional
    """


class MaxPooling3D(_MaxPooling):
    """Maximum of each window of volumes (N, D, H, W, C); see `MaxPooling2D`."""

    spatial_rank = 3


class AveragePooling1D(_AveragePooling):
    """Mean of each window of sequences (N, L, C); see `AveragePooling2D`."""

    spatial_rank = 1


class AveragePooling2D(_AveragePooling):
    """Mean of each window of images (N, H, W, C); padding does not count.

    Parameters
    ----------
    pool_size : int or two ints
    strides : int or two ints, optional
        `pool_size` if not given.
    padding : "valid" or "same"
    data_format : "channels_last" or "channels_first", optional
    name : str, optional
    """


class AveragePooling3D(_AveragePooling):
    """Mean of each window of volumes (N, D, H, W, C); see `AveragePooling2D`."""

    spatial_rank = 3
