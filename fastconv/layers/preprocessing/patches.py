"""Random rectangles: erased, or replaced by those of another image; and mixtures of two images.

MixUp and CutMix change labels as well, so they are called on dicts {"images", "labels"}, for
example in a generator that feeds `fit`; within a model they would leave the labels wrong.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...arguments import as_real
from .image_layer import (
    ColorLayer,
    Gradient,
    RandomImageLayer,
    as_factor,
    per_image,
)


class RandomErasing(ColorLayer):
    """Fills a random rectangle of an image. Zhong et al., arXiv:1708.04896.

    Parameters
    ----------
    factor : float or pair of float, in [0, 1]
        Range of the probability that an image is changed, drawn anew for each. A number f stands
        for (0, f).
    scale : float or pair of float, in [0, 1]
        Range of the squares of the rectangle's height and width, in parts of the image's.
    fill_value : float, three floats or None
        None fills with normal noise of mean 0, times the largest value.
    value_range : pair of float
        What is filled in is clipped to it.
    seed : int, optional
    data_format : "channels_last", "channels_first" or None
    """

    config_keys = ("factor", "scale", "fill_value", "value_range", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        scale: Any = (0.02, 0.33),
        fill_value: Any = None,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, data_format=data_format, **kwargs)
        self.factor = as_factor(self.where, "factor", factor, 0)
        self.scale = as_factor(self.where, "scale", scale, 0)
        self.fill_value = self._as_fill(fill_value)

    def _as_fill(self, value: Any) -> float | list[float] | None:
        if value is None:
            return None
        if not isinstance(value, (list, tuple)):
            return as_real(self.where, "fill_value", value)
        if len(value) != 3:
            raise ValueError(f"{self.where}: fill_value must be one or three numbers, got {value}.")
        return [as_real(self.where, "fill_value", item) for item in value]

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return which pixels are erased (N, H, W, 1), and what comes in their place."""
        n, c = shape[0], shape[3]
        sides = np.sqrt(rng.uniform(*self.scale, (2, n)))
        erased = rectangles(rng, shape, *sides)
        erased &= (rng.random(n) < rng.uniform(*self.factor, n)).reshape(-1, 1, 1, 1)
        if self.fill_value is None:
            fill = rng.standard_normal(shape, np.float32) * np.float32(self.value_range[1])
        else:
            fill = np.broadcast_to(np.asarray(self.fill_value, np.float32), (1, 1, 1, c))
        return erased, self.clip(fill)

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the images, with a rectangle erased in some of them."""
        erased, fill = drawn
        return np.where(erased, fill, x), lambda dy: np.where(erased, np.float32(0), dy)


class MixUp(RandomImageLayer):
    """Mixes each image, and its labels, with another one of the batch. arXiv:1710.09412.

    Parameters
    ----------
    alpha : float
        An image keeps the share Beta(alpha, alpha) of itself.
    data_format : "channels_last", "channels_first" or None
    seed : int, optional
    """

    config_keys = ("alpha", "seed")

    def __init__(
        self,
        alpha: float = 0.2,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = as_real(self.where, "alpha", alpha)
        if self.alpha <= 0:
            raise ValueError(f"{self.where}: alpha must be positive, got {self.alpha:g}.")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return the partner of each image and the share that is kept, both (N,)."""
        partner = rng.permutation(shape[0])
        return partner, rng.beta(self.alpha, self.alpha, shape[0]).astype(np.float32)

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the mixtures."""
        partner, share = drawn
        kept = per_image(share)

        def gradient(dy: np.ndarray) -> Any:
            dx = kept * dy
            dx[partner] += (1 - kept) * dy  # a permutation: no entry twice
            return dx

        return kept * x + (1 - kept) * x[partner], gradient

    def transform_labels(self, labels: np.ndarray, drawn: Any) -> np.ndarray:
        """Return the labels (N, classes), mixed as the images are."""
        return labels if drawn is None else mix_labels(self.where, labels, *drawn)


class CutMix(RandomImageLayer):
    """Replaces a rectangle of each image by that of another one of the batch. arXiv:1905.04899.

    Parameters
    ----------
    factor : float or pair of float, in [0, 1]
        Range of the parameter of the Beta distribution that the area is drawn from. A number f
        stands for (0, f).
    seed : int, optional
    data_format : "channels_last", "channels_first" or None
    """

    config_keys = ("factor", "seed")

    def __init__(
        self,
        factor: Any = 1.0,
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = as_factor(self.where, "factor", factor, 0)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return the partner of each image (N,), and its share in it as pixels (N, H, W, 1)."""
        n = shape[0]
        alpha = rng.uniform(*self.factor) + 1e-6  # one for the batch, never 0
        side = np.sqrt(1 - rng.beta(alpha, alpha, n))
        return rng.permutation(n), rectangles(rng, shape, side, side)

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the images with a rectangle of their partners."""
        partner, replaced = drawn

        def gradient(dy: np.ndarray) -> Any:
            dx = np.where(replaced, np.float32(0), dy)
            dx[partner] += np.where(replaced, dy, np.float32(0))
            return dx

        return np.where(replaced, x[partner], x), gradient

    def transform_labels(self, labels: np.ndarray, drawn: Any) -> np.ndarray:
        """Return the labels (N, classes), mixed by the number of pixels."""
        if drawn is None:
            return labels
        partner, replaced = drawn
        kept = 1 - replaced.mean((1, 2, 3), dtype=np.float32)
        return mix_labels(self.where, labels, partner, kept)


def rectangles(
    rng: np.random.Generator, shape: tuple[int, ...], width: np.ndarray, height: np.ndarray
) -> np.ndarray:
    """Return masks (N, H, W, 1) of one rectangle each, of parts of the width and height (N,)."""
    n, h, w, _ = shape

    def span(size: int, part: np.ndarray) -> Any:
        """Return which of `size` places are covered, (N, size)."""
        start = (rng.random(n) * (size - part * size))[:, None]
        place = np.arange(size)
        return (place >= start) & (place < start + (part * size)[:, None])

    columns, rows = span(w, width), span(h, height)
    masks: np.ndarray = rows[:, :, None, None] & columns[:, None, :, None]
    return masks


def mix_labels(where: str, labels: np.ndarray, partner: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return kept * labels + (1 - kept) * labels of the partners, float32 (N, classes).

    Raises
    ------
    ValueError
        Labels are not one row of numbers for each image.
    """
    if labels.ndim != 2 or len(labels) != len(partner):
        raise ValueError(
            f"{where}: labels must be one-hot, of shape ({len(partner)}, classes), got "
            f"{labels.shape}; use to_categorical."
        )
    labels = labels.astype(np.float32)
    mixed: np.ndarray = kept[:, None] * labels + (1 - kept[:, None]) * labels[partner]
    return mixed
