"""Dropout."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from ..random import SeedGenerator
from . import arguments
from .arguments import Shape
from .layer import Backward, Layer, weightless_backward


class Dropout(Layer):
    """In training, sets a fraction of the numbers to zero and scales up the others.

    Srivastava et al., JMLR 15, 2014.

    Parameters
    ----------
    rate : float in [0, 1]
        Fraction to drop; what is kept is multiplied by 1 / (1 - rate).
    noise_shape : sequence of int or None, optional
        Shape of the mask, with the batch axis: 1 drops along the whole axis at once, None stands
        for the input's size.
    seed : int, optional
        Makes the masks the same in each run. The layer's `seed_generator` counts its calls.
    """

    config_keys = ("rate", "seed", "noise_shape")

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.rate = arguments.as_rate(self.where, "rate", rate)
        self.noise_shape = (
            None
            if noise_shape is None
            else arguments.as_shape(self.where, "noise_shape", noise_shape)
        )
        self.seed = None if seed is None else checks.as_int(self.where, "seed", seed, 0)
        self.seed_generator = SeedGenerator(self.seed, name=f"{self.name}/seed_generator")

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if `noise_shape` agrees with it."""
        noise = self.noise_shape
        if noise is not None and not (
            len(noise) == len(input_shape)
            and all(
                n in (None, 1, size) or size is None
                for n, size in zip(noise, input_shape, strict=True)
            )
        ):
            raise ValueError(
                f"{self.where}: noise_shape {noise} must have an entry of None, 1 or the size for "
                f"each input axis, got input shape {input_shape}."
            )
        return input_shape

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x` with a fraction of its numbers dropped, or `x` itself if not training."""
        if not training or self.rate == 0:
            return x, weightless_backward(training, lambda dy: dy)
        seed = self.seed_generator.next()
        if self.noise_shape is None:
            y, mask = ops.dropout(x, self.rate, seed)
        else:
            sizes = [
                size if n is None else n for n, size in zip(self.noise_shape, x.shape, strict=True)
            ]
            _, mask = ops.dropout(np.ones(sizes, np.float32), self.rate, seed)
            y = x * mask
        return y, weightless_backward(training, lambda dy: dy * mask)
