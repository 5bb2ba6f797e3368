"""Adagrad and Adadelta: step sizes from sums or averages of squared gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import as_real
from .elementwise import ElementwiseOptimizer, Scratch
from .hyperparameters import below_one
from .optimizer import Optimizer
from .state import Slots


class Adagrad(ElementwiseOptimizer):
    """Adagrad. J. Duchi et al., JMLR 12, 2011.

    ::

        a += g**2
        w -= learning_rate * g / sqrt(a + epsilon)

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    initial_accumulator_value : number >= 0
        First value of a.
    epsilon : number >= 0
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (*Optimizer.config_keys, "initial_accumulator_value", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: Any = 0.1,
        epsilon: Any = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = as_real(
            "Adagrad", "initial_accumulator_value", initial_accumulator_value, 0
        )
        self.epsilon = as_real("Adagrad", "epsilon", epsilon, 0)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the sum of squares."""
        return (("accumulator",),)

    def slot_start(self, name: str) -> float:
        """Return the first value of a slot's elements."""
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def update(
        self, w: np.ndarray, g: np.ndarray, slots: Slots, learning_rate: float, scratch: Scratch
    ) -> None:
        """Update `w` and its `slots` in place."""
        a, (root,) = slots["accumulator"], scratch
        np.square(g, out=root)
        a += root
        np.add(a, np.float32(self.epsilon), out=root)
        np.sqrt(root, out=root)
        g *= np.float32(learning_rate)
        g /= root
        w -= g


class Adadelta(ElementwiseOptimizer):
    """Adadelta. M. D. Zeiler, arXiv:1212.5701.

    ::

        a = rho * a + (1 - rho) * g**2
        step = g * sqrt(d + epsilon) / sqrt(a + epsilon)
        d = rho * d + (1 - rho) * step**2
        w -= learning_rate * step

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
        1 in the paper.
    rho : number in [0, 1)
    epsilon : number >= 0
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (*Optimizer.config_keys, "rho", "epsilon")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = below_one("Adadelta", "rho", rho)
        self.epsilon = as_real("Adadelta", "epsilon", epsilon, 0)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the averages of squared gradients and of squared steps."""
        return (("accumulated_grad", "accumulated_delta_var"),)

    def update(
        self, w: np.ndarray, g: np.ndarray, slots: Slots, learning_rate: float, scratch: Scratch
    ) -> None:
        """Update `w` and its `slots` in place."""
        a, d, (t,) = slots["accumulated_grad"], slots["accumulated_delta_var"], scratch
        self._mean_square(a, g, t)
        np.add(d, np.float32(self.epsilon), out=t)
        g *= np.sqrt(t, out=t)
        np.add(a, np.float32(self.epsilon), out=t)
        g /= np.sqrt(t, out=t)
        self._mean_square(d, g, t)
        g *= np.float32(learning_rate)
        w -= g

    def _mean_square(self, average: np.ndarray, value: np.ndarray, scratch: np.ndarray) -> None:
        average *= np.float32(self.rho)
        np.square(value, out=scratch)
        scratch *= np.float32(1 - self.rho)
        average += scratch
