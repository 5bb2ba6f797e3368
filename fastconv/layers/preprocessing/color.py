"""Random contrast and brightness."""

from __future__ import annotations

from typing import Any

import numpy as np

from .image_layer import ColorLayer, Gradient, as_factor, per_image


class RandomContrast(ColorLayer):
    """Stretches each image's values around the mean of each channel: (x - mean) * f + mean.

    Parameters
    ----------
    factor : float or pair of float, in [0, 1]
        f is drawn from [1 - low, 1 + high]. A number stands for (0, factor), so that contrast only
        grows; for both ways give a pair of equal numbers, (0.2, 0.2).
    value_range : pair of float
        Results are clipped to it.
    seed : int, optional
    """

    config_keys = ("factor", "value_range", "seed")

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, **kwargs)
        self.factor = as_factor(self.where, "factor", factor, 0)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return f, (N, 1, 1, 1)."""
        low, high = self.factor
        return per_image(rng.uniform(1 - low, 1 + high, shape[0]))

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return the images with another contrast."""
        mean = x.mean((1, 2), keepdims=True)
        y = (x - mean) * drawn + mean

        def gradient(dy: np.ndarray) -> Any:
            dy = dy * self.within(y)
            return dy * drawn + (1 - drawn) * dy.mean((1, 2), keepdims=True)

        return self.clip(y), gradient


class RandomBrightness(ColorLayer):
    """Adds one number to all values of an image.

    Parameters
    ----------
    factor : float or pair of float, in [-1, 1]
        Range of that number, in parts of the value range; -1 makes all black, 1 all white. A
        number f stands for (-f, f).
    value_range : pair of float
        Results are clipped to it.
    seed : int, optional
    """

    config_keys = ("factor", "value_range", "seed")

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(value_range=value_range, seed=seed, **kwargs)
        self.factor = as_factor(self.where, "factor", factor)

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return what is added, (N, 1, 1, 1)."""
        low, high = self.value_range
        return per_image(rng.uniform(*self.factor, shape[0]) * (high - low))

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient]:
        """Return brighter and darker images."""
        y = x + drawn
        return self.clip(y), lambda dy: dy * self.within(y)
