"""Layers that change the size of images: Resizing, CenterCrop and RandomCrop."""

from __future__ import annotations

from typing import Any

import numpy as np

from ... import ops
from ...arguments import as_real
from ...ops import checks
from ...ops.aspect_ratio import Box, largest_window, margins
from ...ops.resizing import INTERPOLATIONS
from ..arguments import Shape
from .image_layer import Gradient, ImageLayer, RandomImageLayer


class Resizing(ImageLayer):
    """Brings images to one size.

    Parameters
    ----------
    height, width : int
        Size of the output.
    interpolation : "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5"
    crop_to_aspect_ratio : bool
        Instead of distorting an image, cut off what does not fit.
    pad_to_aspect_ratio : bool
        Instead of distorting an image, add `fill_value` around it.
    fill_mode : "constant"
    fill_value : float
    antialias : bool
        Let each input pixel count where an image gets smaller.
    data_format : "channels_last", "channels_first" or None
    """

    config_keys = (
        "height",
        "width",
        "interpolation",
        "crop_to_aspect_ratio",
        "pad_to_aspect_ratio",
        "fill_mode",
        "fill_value",
        "antialias",
    )

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height = checks.as_int(self.where, "height", height)
        self.width = checks.as_int(self.where, "width", width)
        self.interpolation = checks.one_of(
            self.where, "interpolation", interpolation, INTERPOLATIONS
        )
        self.crop_to_aspect_ratio = bool(crop_to_aspect_ratio)
        self.pad_to_aspect_ratio = bool(pad_to_aspect_ratio)
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise ValueError(
                f"{self.where}: only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be "
                f"True."
            )
        self.fill_mode = checks.one_of(self.where, "fill_mode", fill_mode, ("constant",))
        self.fill_value = as_real(self.where, "fill_value", fill_value)
        self.antialias = bool(antialias)

    def infer_size(self, height: int | None, width: int | None) -> Shape:
        """Return the height and width of the output."""
        return self.height, self.width

    def transform(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the resized images."""
        return self._resize(x, self.interpolation)

    def transform_masks(self, masks: np.ndarray, drawn: Any) -> np.ndarray:
        """Return the resized masks, never mixing two values."""
        return self._resize(masks, "nearest")[0]

    def _resize(self, x: np.ndarray, interpolation: str) -> tuple[np.ndarray, Gradient]:
        size = self.height, self.width
        if self.crop_to_aspect_ratio:
            return _resized_window(x, size, interpolation, self.antialias)
        down, right = margins(x.shape[1:3], size) if self.pad_to_aspect_ratio else (0, 0)
        padded = np.pad(
            x,
            ((0, 0), (down, down), (right, right), (0, 0)),
            constant_values=np.float32(self.fill_value),
        )
        y, gradient = _resized(padded, size, interpolation, self.antialias)
        h, w = x.shape[1:3]
        return y, lambda dy: np.ascontiguousarray(
            gradient(dy)[:, down : down + h, right : right + w]
        )


class CenterCrop(ImageLayer):
    """Keeps the middle of images; smaller ones are enlarged as far as it takes.

    Parameters
    ----------
    height, width : int
        Size of the output.
    data_format : "channels_last", "channels_first" or None
    """

    config_keys = ("height", "width")

    def __init__(
        self, height: int, width: int, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format=data_format, **kwargs)
        self.height = checks.as_int(self.where, "height", height)
        self.width = checks.as_int(self.where, "width", width)

    def infer_size(self, height: int | None, width: int | None) -> Shape:
        """Return the height and width of the output."""
        return self.height, self.width

    def transform(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the middle of the images."""
        down, right = x.shape[1] - self.height, x.shape[2] - self.width
        if down < 0 or right < 0:
            return _resized_window(x, (self.height, self.width))
        return _window(x, (down // 2, right // 2, self.height, self.width))


class RandomCrop(RandomImageLayer):
    """In training, keeps a random part of the images, the same one for the whole batch.

    Otherwise, and where images are too small for that, the largest part in the middle that has the
    proportions of the output is kept and resized, so that the output has one size in any case.
    Keras 3 lets images through uncropped outside of training, unlike what it says.

    Parameters
    ----------
    height, width : int
        Size of the output.
    seed : int, optional
    data_format : "channels_last", "channels_first" or None
    """

    config_keys = ("height", "width", "seed")

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, name=name, **kwargs)
        self.height = checks.as_int(self.where, "height", height)
        self.width = checks.as_int(self.where, "width", width)

    def infer_size(self, height: int | None, width: int | None) -> Shape:
        """Return the height and width of the output."""
        return self.height, self.width

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return the place of the part that is kept, None if the images are too small."""
        down, right = shape[1] - self.height, shape[2] - self.width
        if down < 0 or right < 0:
            return None
        top, left = rng.integers(0, (down + 1, right + 1))
        return int(top), int(left)

    def transform(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return a part of the images."""
        if drawn is None:
            return _resized_window(x, (self.height, self.width))
        return _window(x, (*drawn, self.height, self.width))


def _window(x: np.ndarray, box: Box) -> tuple[np.ndarray, Gradient]:
    """Return a part of images (N, H, W, C), and the gradient."""
    top, left, h, w = box
    here = np.s_[:, top : top + h, left : left + w]

    def gradient(dy: np.ndarray) -> np.ndarray:
        dx = np.zeros((len(dy), *x.shape[1:]), np.float32)
        dx[here] = dy
        return dx

    return np.ascontiguousarray(x[here]), gradient


def _resized(
    x: np.ndarray, size: tuple[int, int], interpolation: str, antialias: bool
) -> tuple[np.ndarray, Gradient]:
    """Return resized images, and the gradient."""
    if x.shape[1:3] == size:
        return x, lambda dy: dy
    return ops.resize(x, size, interpolation, antialias), lambda dy: ops.resize_backward(
        dy, x.shape[1:3], interpolation, antialias
    )


def _resized_window(
    x: np.ndarray,
    size: tuple[int, int],
    interpolation: str = "bilinear",
    antialias: bool = False,
) -> tuple[np.ndarray, Gradient]:
    """Return the largest part in the middle with the proportions of `size`, resized to it."""
    part, uncrop = _window(x, largest_window(x.shape[1:3], size))
    y, gradient = _resized(part, size, interpolation, antialias)
    return y, lambda dy: uncrop(gradient(dy))
