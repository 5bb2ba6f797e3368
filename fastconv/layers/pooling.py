"""Pooling over windows of images (N, H, W, C), and over whole images."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import backend, ops
from ..ops import checks
from . import arguments
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward


class _ImageLayer(Layer):
    """Base of layers for images."""

    input_rank = 4
    input_axes = "(batch, height, width, channels)"


class _Pooling2D(_ImageLayer):
    """A window that slides over images."""

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
        self.pool_size = checks.as_pair(self.where, "pool_size", pool_size)
        strides = self.pool_size if strides is None else strides
        self.strides = checks.as_pair(self.where, "strides", strides)
        self.padding = arguments.as_padding(self.where, padding)
        self.data_format = backend.check_data_format(self.where, data_format)
        #: How `ops` takes the window.
        self.geometry: dict[str, Any] = {
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
        }

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, OH, OW, C)."""
        n, h, w, c = input_shape
        spatial = arguments.windows_shape(
            self.where, (h, w), self.pool_size, self.strides, (1, 1), self.padding
        )
        return (n, *spatial, c)


class MaxPooling2D(_Pooling2D):
    """Maximum of each window; padding never wins, NaN always does.

    The gradient goes to the first maximum of a window in row-major order.

    Parameters
    ----------
    pool_size : int or two ints
    strides : int or two ints, optional
        `pool_size` if not given.
    padding : "valid" or "same"
    data_format : "channels_last" or None
    name : str, optional
    """

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the maxima (N, OH, OW, C)."""
        if not training:
            return ops.max_pool2d(x, **self.geometry), None
        y, argmax = ops.max_pool2d(x, return_argmax=True, **self.geometry)
        shape = x.shape
        return y, weightless_backward(
            training, lambda dy: ops.max_pool2d_backward(dy, argmax, shape, **self.geometry)
        )


class AveragePooling2D(_Pooling2D):
    """Mean of each window; padding does not count.

    Parameters
    ----------
    pool_size : int or two ints
    strides : int or two ints, optional
        `pool_size` if not given.
    padding : "valid" or "same"
    data_format : "channels_last" or None
    name : str, optional
    """

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the means (N, OH, OW, C)."""
        shape = x.shape
        return ops.average_pool2d(x, **self.geometry), weightless_backward(
            training, lambda dy: ops.average_pool2d_backward(dy, shape, **self.geometry)
        )


class _GlobalPooling2D(_ImageLayer):
    """One number for each channel of an image."""

    config_keys = ("data_format", "keepdims")

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.data_format = backend.check_data_format(self.where, data_format)
        self.keepdims = bool(keepdims)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, C), or (N, 1, 1, C) with `keepdims`."""
        n, h, w, c = input_shape
        if 0 in (h, w):
            raise ValueError(f"{self.where}: images must not be empty, got shape {input_shape}.")
        return (n, 1, 1, c) if self.keepdims else (n, c)

    def _finish(self, y: np.ndarray) -> np.ndarray:
        """Return y (N, C) in the shape that the layer gives."""
        return y[:, None, None, :] if self.keepdims else y

    def _start(self, dy: np.ndarray) -> np.ndarray:
        """Undo `_finish`."""
        return dy[:, 0, 0, :] if self.keepdims else dy


class GlobalAveragePooling2D(_GlobalPooling2D):
    """Mean over height and width, (N, H, W, C) to (N, C).

    Parameters
    ----------
    data_format : "channels_last" or None
    keepdims : bool
        Give (N, 1, 1, C).
    """

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the means (N, C)."""
        shape = x.shape
        return self._finish(ops.global_average_pool2d(x)), weightless_backward(
            training, lambda dy: ops.global_average_pool2d_backward(self._start(dy), shape)
        )


class GlobalMaxPooling2D(_GlobalPooling2D):
    """Maximum over height and width, (N, H, W, C) to (N, C).

    Parameters
    ----------
    data_format : "channels_last" or None
    keepdims : bool
        Give (N, 1, 1, C).
    """

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the maxima (N, C)."""
        if not training:
            return self._finish(ops.global_max_pool2d(x)), None
        y, argmax = ops.global_max_pool2d(x, return_argmax=True)
        shape = x.shape
        return self._finish(y), weightless_backward(
            training, lambda dy: ops.global_max_pool2d_backward(self._start(dy), argmax, shape)
        )
