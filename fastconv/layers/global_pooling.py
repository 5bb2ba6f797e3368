"""Pooling over whole sequences, images and volumes: one number for each channel."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from .arguments import Shape
from .image import ImageLayer
from .layer import Backward, weightless_backward


class _GlobalPooling(ImageLayer):
    """One number for each channel."""

    config_keys = ("data_format", "keepdims")

    def __init__(
        self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.set_data_format(data_format)
        self.keepdims = self.keeps_axes = bool(keepdims)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return (N, C), or (N, 1, ..., C) with `keepdims`."""
        n, *spatial, c = input_shape
        if 0 in spatial:
            raise ValueError(f"{self.where}: images must not be empty, got shape {input_shape}.")
        return (n, *([1] * len(spatial) if self.keepdims else ()), c)

    def finish(
        self, x: np.ndarray, y: np.ndarray, gradient: Any, training: bool
    ) -> tuple[np.ndarray, Backward | None]:
        """Return y (N, C) in the shape that the layer gives, and the way back to x."""
        shape, image = x.shape, _as_image(x).shape
        ones = (1,) * (x.ndim - 2) if self.keepdims else ()
        return y.reshape(shape[0], *ones, shape[-1]), weightless_backward(
            training, lambda dy: gradient(dy.reshape(y.shape), image).reshape(shape)
        )


class _GlobalAveragePooling(_GlobalPooling):
    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the means."""
        y = ops.global_average_pool2d(_as_image(x))
        return self.finish(x, y, ops.global_average_pool2d_backward, training)


class _GlobalMaxPooling(_GlobalPooling):
    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the maxima."""
        image = _as_image(x)
        if not training:
            return self.finish(x, ops.global_max_pool2d(image), None, training)
        y, argmax = ops.global_max_pool2d(image, return_argmax=True)

        def gradient(dy: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
            return ops.global_max_pool2d_backward(dy, argmax, shape)

        return self.finish(x, y, gradient, training)


def _as_image(x: np.ndarray) -> np.ndarray:
    """Return sequences and volumes as images; the order of elements stays."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:-2]), *x.shape[-2:])


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """Mean over the steps of sequences, (N, L, C) to (N, C); steps that are masked do not count.

    Parameters
    ----------
    data_format : "channels_last" or "channels_first", optional
    keepdims : bool
        Give (N, 1, C).
    """

    spatial_rank = 1
    uses_mask = True

    def forward(
        self, x: np.ndarray, training: bool = False, mask: np.ndarray | None = None
    ) -> tuple[np.ndarray, Backward | None]:
        """Return the means over the steps where `mask` (N, L) is true, or over all."""
        if mask is None:
            return super().forward(x, training)
        weights = np.asarray(mask, np.float32)[..., None]
        with np.errstate(divide="ignore", invalid="ignore"):  # nothing counts: NaN, as in Keras
            weights = weights / weights.sum(axis=1, keepdims=True)  # (N, L, 1)

        def compute(x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
            y = (x * weights).sum(axis=1, keepdims=self.keepdims)
            return y, weightless_backward(
                training,
                lambda dy: (dy if self.keepdims else dy[:, None]) * weights,
            )

        return self.in_data_format(compute, x, training)


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """Mean over height and width, (N, H, W, C) to (N, C).

    Parameters
    ----------
    data_format : "channels_last" or "channels_first", optional
    keepdims : bool
        Give (N, 1, 1, C).
    """


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """Mean over volumes, (N, D, H, W, C) to (N, C); see `GlobalAveragePooling2D`."""

    spatial_rank = 3


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """Maximum over the steps of sequences, (N, L, C) to (N, C); see `GlobalMaxPooling2D`."""

    spatial_rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """Maximum over height and width, (N, H, W, C) to (N, C).

    Parameters
    ----------
    data_format : "channels_last" or "channels_first", optional
    keepdims : bool
        Give (N, 1, 1, C).
    """


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """Maximum over volumes, (N, D, H, W, C) to (N, C); see `GlobalMaxPooling2D`."""

    spatial_rank = 3
