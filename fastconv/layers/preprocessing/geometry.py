"""Random flips, rotations, shifts and zooms of images."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ... import ops
from ...arguments import as_real
from ...ops import checks
from ...ops.affine import FILL_MODES, INTERPOLATIONS
from .image_layer import Gradient, RandomImageLayer, as_factor

#: Axes of (N, H, W, C) that each mode turns around.
_FLIPS = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (1, 2)}


class RandomFlip(RandomImageLayer):
    """Flips every other image, on average.

    Parameters
    ----------
    mode : "horizontal", "vertical" or "horizontal_and_vertical"
        Left to right, upside down, or - as in Keras - both at once: an image is turned by 180
        degrees or left as it is. For independent flips use two layers.
    seed : int, optional
    data_format : "channels_last", "channels_first" or None
    """

    config_keys = ("seed", "mode")

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = checks.one_of(self.where, "mode", mode, _FLIPS)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return which images are flipped, bool (N,)."""
        return rng.random(shape[0]) <= 0.5

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the images, some of them flipped."""

        def flip(images: np.ndarray) -> np.ndarray:
            flipped = images.copy()
            flipped[drawn] = np.flip(images[drawn], _FLIPS[self.mode])
            return flipped

        return flip(x), flip


class RandomAffine(RandomImageLayer):
    """Base of layers that read images through affine maps. A subclass defines `sample`.

    Parameters
    ----------
    fill_mode : "reflect", "wrap", "nearest" or "constant"
        What lies outside of an image: see `ops.affine_transform`.
    interpolation : "nearest" or "bilinear"
    seed : int, optional
    fill_value : float
        Used by "constant".
    data_format : "channels_last", "channels_first" or None
    """

    config_keys: ClassVar[tuple[str, ...]] = ("fill_mode", "fill_value", "interpolation", "seed")

    def __init__(
        self,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.fill_mode = checks.one_of(self.where, "fill_mode", fill_mode, FILL_MODES)
        self.interpolation = checks.one_of(
            self.where, "interpolation", interpolation, INTERPOLATIONS
        )
        self.fill_value = as_real(self.where, "fill_value", fill_value)

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the images read through the matrices (N, 2, 3) that were drawn."""
        y = ops.affine_transform(x, drawn, self.interpolation, self.fill_mode, self.fill_value)
        return y, lambda dy: ops.affine_transform_backward(
            dy, drawn, self.interpolation, self.fill_mode
        )

    def transform_masks(self, masks: np.ndarray, drawn: Any) -> np.ndarray:
        """Return the masks, read like their images but never mixing two values."""
        if drawn is None:
            return masks
        return ops.affine_transform(masks, drawn, "nearest", self.fill_mode, self.fill_value)


class RandomRotation(RandomAffine):
    """Turns each image around its centre.

    Parameters
    ----------
    factor : float or pair of float, in [-1, 1]
        Range of the angle in full turns; positive turns counter-clockwise. A number f stands for
        (-f, f).
    fill_mode, interpolation, seed, fill_value, data_format
        See `RandomAffine`.
    """

    config_keys = ("factor", *RandomAffine.config_keys)
    idle_settings = ("value_range",)

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.factor = as_factor(self.where, "factor", factor)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return matrices (N, 2, 3) of rotations around the centre."""
        angle = rng.uniform(*self.factor, shape[0]) * (2 * np.pi)
        return rotation(angle, shape[1], shape[2])


class RandomTranslation(RandomAffine):
    """Moves each image.

    Parameters
    ----------
    height_factor, width_factor : float or pair of float, in [-1, 1]
        Range of the move down and to the right, in heights and widths. A number f stands for
        (-f, f).
    fill_mode, interpolation, seed, fill_value, data_format
        See `RandomAffine`.
    """

    config_keys = ("height_factor", "width_factor", *RandomAffine.config_keys)

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = as_factor(self.where, "height_factor", height_factor)
        self.width_factor = as_factor(self.where, "width_factor", width_factor)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return matrices (N, 2, 3) of shifts."""
        n, h, w, _ = shape
        down = rng.uniform(*self.height_factor, n) * h
        right = rng.uniform(*self.width_factor, n) * w
        return translation(right, down)


class RandomZoom(RandomAffine):
    """Shrinks or enlarges each image around its centre.

    Parameters
    ----------
    height_factor : float or pair of float, in (-1, 1]
        Range of what is added to the height that is seen: positive zooms out, negative in. A
        number f stands for (-f, f).
    width_factor : float or pair of float, optional
        The same for the width; by default images keep their proportions.
    fill_mode, interpolation, seed, fill_value, data_format
        See `RandomAffine`.
    """

    config_keys = ("height_factor", "width_factor", *RandomAffine.config_keys)

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(fill_mode, interpolation, seed, fill_value, data_format, **kwargs)
        self.height_factor = self._as_zoom("height_factor", height_factor)
        self.width_factor = (
            None if width_factor is None else self._as_zoom("width_factor", width_factor)
        )

    def _as_zoom(self, name: str, value: Any) -> tuple[float, float]:
        low, high = as_factor(self.where, name, value)
        if low == -1:
            raise ValueError(f"{self.where}: {name} must be more than -1, got {value!r}.")
        return low, high

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return matrices (N, 2, 3) that scale around the centre."""
        n, h, w, _ = shape
        tall = 1 + rng.uniform(*self.height_factor, n)
        wide = tall if self.width_factor is None else 1 + rng.uniform(*self.width_factor, n)
        return zoom(wide, tall, h, w)


def rotation(angle: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return matrices (N, 2, 3) that turn images counter-clockwise by angles (N,) in radians."""
    x, y = (width - 1) / 2, (height - 1) / 2
    cos, sin = np.cos(angle), np.sin(angle)
    return _matrices(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos)


def translation(right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Return matrices (N, 2, 3) that move images by so many pixels."""
    one, zero = np.ones_like(right), np.zeros_like(right)
    return _matrices(one, zero, -right, zero, one, -down)


def zoom(wide: np.ndarray, tall: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return matrices (N, 2, 3) that show so many times the width and the height."""
    zero = np.zeros_like(wide)
    x, y = (width - 1) / 2 * (1 - wide), (height - 1) / 2 * (1 - tall)
    return _matrices(wide, zero, x, zero, tall, y)


def _matrices(*entries: np.ndarray) -> np.ndarray:
    stacked: np.ndarray = np.stack(entries, axis=-1).reshape(-1, 2, 3).astype(np.float32)
    return stacked
