"""Cosine schedules.

I. Loshchilov, F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", arXiv:1608.03983.
"""

from __future__ import annotations

import math
from typing import Any

from .schedule import LearningRateSchedule


def _half_cosine(fraction: float) -> float:
    """Fall from 1 to 0 while `fraction` goes from 0 to 1."""
    return 0.5 * (1.0 + math.cos(math.pi * fraction))


class CosineDecay(LearningRateSchedule):
    """Half a cosine wave, down to `alpha` times the start, with a linear warm-up if asked for.

    Parameters
    ----------
    initial_learning_rate : number >= 0
    decay_steps : number > 0
        Length of the descent, not counting the warm-up.
    alpha : number >= 0
        The last learning rate as a fraction of the first (of `warmup_target` if given).
    name : str
    warmup_target : number >= 0, optional
        The rate rises in a straight line from `initial_learning_rate` to this, then descends from
        it. None: no warm-up.
    warmup_steps : number >= 0
        Length of the warm-up; unused without `warmup_target`.
    """

    config_keys = (
        "initial_learning_rate",
        "decay_steps",
        "alpha",
        "name",
        "warmup_target",
        "warmup_steps",
    )

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        alpha: Any = 0.0,
        name: str = "CosineDecay",
        warmup_target: Any = None,
        warmup_steps: Any = 0,
    ) -> None:
        self.initial_learning_rate = self._real("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._steps("decay_steps", decay_steps)
        self.alpha = self._real("alpha", alpha)
        self.name = name
        self.warmup_target = (
            None if warmup_target is None else self._real("warmup_target", warmup_target)
        )
        self.warmup_steps = self._steps("warmup_steps", warmup_steps) if warmup_steps else 0

    def __call__(self, step: Any) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        done = self._real("step", step)
        start = self.initial_learning_rate
        if self.warmup_target is not None:
            if done < self.warmup_steps:
                return start + (self.warmup_target - start) * done / self.warmup_steps
            start = self.warmup_target
            done -= self.warmup_steps
        fraction = min(done / self.decay_steps, 1.0)
        return start * ((1 - self.alpha) * _half_cosine(fraction) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine descents one after the other, each longer by `t_mul` and lower by `m_mul`.

    Parameters
    ----------
    initial_learning_rate : number >= 0
    first_decay_steps : number > 0
        Length of the first descent.
    t_mul : number >= 1
        Length of a descent relative to the one before.
    m_mul : number >= 0
        Start of a descent relative to the one before.
    alpha : number >= 0
        The lowest learning rate as a fraction of `initial_learning_rate`.
    name : str
    """

    config_keys = ("initial_learning_rate", "first_decay_steps", "t_mul", "m_mul", "alpha", "name")

    def __init__(
        self,
        initial_learning_rate: Any,
        first_decay_steps: Any,
        t_mul: Any = 2.0,
        m_mul: Any = 1.0,
        alpha: Any = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = self._real("initial_learning_rate", initial_learning_rate)
        self.first_decay_steps = self._steps("first_decay_steps", first_decay_steps)
        self.t_mul = self._real("t_mul", t_mul, 1.0)
        self.m_mul = self._real("m_mul", m_mul)
        self.alpha = self._real("alpha", alpha)
        self.name = name

    def __call__(self, step: Any) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        restarts, fraction = self._position(self._real("step", step))
        height = self.m_mul**restarts * _half_cosine(fraction)
        return float(self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha))

    def _position(self, step: float) -> tuple[int, float]:
        """Return the number of restarts so far and the fraction of the present descent."""
        period = float(self.first_decay_steps)
        if self.t_mul == 1.0:
            restarts, rest = divmod(step, period)
            return int(restarts), rest / period
        # Counted, not taken from a logarithm: exact at the restarts themselves.
        restarts = 0
        while step >= period:
            step -= period
            period *= self.t_mul
            restarts += 1
        return restarts, step / period
