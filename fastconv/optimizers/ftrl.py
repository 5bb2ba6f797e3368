"""Ftrl."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import as_real
from .elementwise import ElementwiseOptimizer, Scratch
from .optimizer import Optimizer
from .state import Slots

_STRENGTHS = (
    "l1_regularization_strength",
    "l2_regularization_strength",
    "l2_shrinkage_regularization_strength",
    "beta",
)


class Ftrl(ElementwiseOptimizer):
    """Follow the regularized leader. H. B. McMahan et al., KDD 2013.

    ::

        b = a + g**2;  p = -learning_rate_power
        l += g + 2 * l2_shrinkage * w - (b**p - a**p) / learning_rate * w
        w = (clip(l, -l1, l1) - l) / (b**p / learning_rate + 2 * l2 + beta / learning_rate)
        a = b

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
        With 0 a step does nothing.
    learning_rate_power : number <= 0
    initial_accumulator_value : number >= 0
        First value of a.
    l1_regularization_strength, l2_regularization_strength : number >= 0
    l2_shrinkage_regularization_strength : number >= 0
        A penalty on the size of the weights, not of the steps.
    beta : number >= 0
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (
        *Optimizer.config_keys,
        "learning_rate_power",
        "initial_accumulator_value",
        *_STRENGTHS,
    )
    n_scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: Any = -0.5,
        initial_accumulator_value: Any = 0.1,
        l1_regularization_strength: Any = 0.0,
        l2_regularization_strength: Any = 0.0,
        l2_shrinkage_regularization_strength: Any = 0.0,
        beta: Any = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.learning_rate_power = as_real(
            "Ftrl", "learning_rate_power", learning_rate_power, maximum=0
        )
        self.initial_accumulator_value = as_real(
            "Ftrl", "initial_accumulator_value", initial_accumulator_value, 0
        )
        given = (
            l1_regularization_strength,
            l2_regularization_strength,
            l2_shrinkage_regularization_strength,
            beta,
        )
        strengths = [
            as_real("Ftrl", key, value, 0) for key, value in zip(_STRENGTHS, given, strict=True)
        ]
        self.l1_regularization_strength, self.l2_regularization_strength = strengths[:2]
        self.l2_shrinkage_regularization_strength, self.beta = strengths[2:]

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the sum of squares and the linear term."""
        return (("accumulator", "linear"),)

    def slot_start(self, name: str) -> float:
        """Return the first value of a slot's elements."""
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def update(
        self, w: np.ndarray, g: np.ndarray, slots: Slots, learning_rate: float, scratch: Scratch
    ) -> None:
        """Update `w` and its `slots` in place."""
        if not learning_rate:
            return
        a, linear, (b, t) = slots["accumulator"], slots["linear"], scratch
        l1 = np.float32(self.l1_regularization_strength)
        np.square(g, out=b)
        b += a
        linear += g
        np.multiply(w, np.float32(2 * self.l2_shrinkage_regularization_strength), out=t)
        linear += t
        np.subtract(self._power(b, t), self._power(a, a), out=a)
        a *= np.float32(1 / learning_rate)
        a *= w
        linear -= a
        t += np.float32(2 * self.l2_regularization_strength * learning_rate + self.beta)
        np.clip(linear, -l1, l1, out=w)
        w -= linear
        w *= np.float32(learning_rate)
        w /= t
        a[...] = b

    def _power(self, x: np.ndarray, out: np.ndarray) -> np.ndarray:
        power = -self.learning_rate_power
        if power == 0.5:
            np.sqrt(x, out=out)
        else:
            np.power(x, np.float32(power), out=out)
        return out
