"""Lion."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import as_real
from .elementwise import ElementwiseOptimizer, Scratch
from .hyperparameters import positive
from .optimizer import Optimizer
from .state import Slots


class Lion(ElementwiseOptimizer):
    """Lion: steps of one size, in the direction of a momentum. X. Chen et al., arXiv:2302.06675.

    ::

        w -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)
        m = beta_2 * m + (1 - beta_2) * g

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    beta_1 : number in (0, 1]
    beta_2 : number in [0, 1]
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (*Optimizer.config_keys, "beta_1", "beta_2")
    n_scratch = 2

    def __init__(
        self, learning_rate: Any = 0.001, beta_1: Any = 0.9, beta_2: Any = 0.99, **kwargs: Any
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = as_real("Lion", "beta_1", positive("Lion", "beta_1", beta_1), 0, 1)
        self.beta_2 = as_real("Lion", "beta_2", beta_2, 0, 1)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the momentum."""
        return (("momentum",),)

    def update(
        self, w: np.ndarray, g: np.ndarray, slots: Slots, learning_rate: float, scratch: Scratch
    ) -> None:
        """Update `w` and its `slots` in place."""
        m, (t, kept) = slots["momentum"], scratch
        np.multiply(m, np.float32(self.beta_2), out=kept)
        m *= np.float32(self.beta_1)
        np.multiply(g, np.float32(1 - self.beta_1), out=t)
        m += t
        np.sign(m, out=m)
        m *= np.float32(learning_rate)
        w -= m
        np.multiply(g, np.float32(1 - self.beta_2), out=m)
        m += kept
