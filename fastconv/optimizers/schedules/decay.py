"""Schedules that fall by a simple formula: exponential, inverse time, polynomial, in steps."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from typing import Any

from .schedule import LearningRateSchedule


class _RateDecay(LearningRateSchedule):
    """The arguments that exponential and inverse time decay have in common."""

    config_keys = ("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        decay_rate: Any,
        staircase: bool = False,
        name: str | None = None,
    ) -> None:
        self.initial_learning_rate = self._real("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._steps("decay_steps", decay_steps)
        self.decay_rate = self._real("decay_rate", decay_rate)
        self.staircase = bool(staircase)
        self.name = type(self).__name__ if name is None else name

    def _periods(self, step: Any) -> float:
        """Return step / decay_steps, rounded down for a staircase."""
        periods = self._real("step", step) / self.decay_steps
        return math.floor(periods) if self.staircase else periods


class ExponentialDecay(_RateDecay):
    """`initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Parameters
    ----------
    initial_learning_rate : number >= 0
    decay_steps : number > 0
        Steps in which the rate is multiplied by `decay_rate` once.
    decay_rate : number >= 0
    staircase : bool
        Round step / decay_steps down, so that the rate falls in jumps.
    name : str, optional
    """

    def __call__(self, step: Any) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        return float(self.initial_learning_rate * self.decay_rate ** self._periods(step))


class InverseTimeDecay(_RateDecay):
    """`initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Parameters
    ----------
    initial_learning_rate : number >= 0
    decay_steps : number > 0
    decay_rate : number >= 0
    staircase : bool
        Round step / decay_steps down, so that the rate falls in jumps.
    name : str, optional
    """

    def __call__(self, step: Any) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        return self.initial_learning_rate / (1 + self.decay_rate * self._periods(step))


class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]` up to and including step `boundaries[i]`, and `values[-1]` after the last.

    Parameters
    ----------
    boundaries : sequence of numbers, increasing
    values : sequence of numbers >= 0
        One more than boundaries.
    name : str
    """

    config_keys = ("boundaries", "values", "name")

    def __init__(
        self, boundaries: Sequence[Any], values: Sequence[Any], name: str = "PiecewiseConstant"
    ) -> None:
        self.boundaries = [self._real("boundaries", b, -math.inf) for b in boundaries]
        self.values = [self._real("values", value) for value in values]
        self.name = name
        where = type(self).__name__
        if len(self.values) != len(self.boundaries) + 1:
            raise ValueError(
                f"{where}: values must be one more than boundaries, got {len(self.values)} values"
                f" and {len(self.boundaries)} boundaries."
            )
        if any(a >= b for a, b in itertools.pairwise(self.boundaries)):
            raise ValueError(f"{where}: boundaries must increase, got {self.boundaries}.")

    def __call__(self, step: Any) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        return self.values[bisect.bisect_left(self.boundaries, self._real("step", step))]


class PolynomialDecay(LearningRateSchedule):
    """From `initial_learning_rate` to `end_learning_rate` in `decay_steps` steps.

    The rate is `(initial - end) * (1 - step / decay_steps) ** power + end`, and `end` afterwards.

    Parameters
    ----------
    initial_learning_rate, end_learning_rate : number >= 0
    decay_steps : number > 0
    power : number >= 0
        1 is a straight line.
    cycle : bool
        Start again after `decay_steps`, from the value on the curve stretched to the next multiple
        of `decay_steps`.
    name : str
    """

    config_keys = (
        "initial_learning_rate",
        "decay_steps",
        "end_learning_rate",
        "power",
        "cycle",
        "name",
    )

    def __init__(
        self,
        initial_learning_rate: Any,
        decay_steps: Any,
        end_learning_rate: Any = 0.0001,
        power: Any = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = self._real("initial_learning_rate", initial_learning_rate)
        self.decay_steps = self._steps("decay_steps", decay_steps)
        self.end_learning_rate = self._real("end_learning_rate", end_learning_rate)
        self.power = self._real("power", power)
        self.cycle = bool(cycle)
        self.name = name

    def __call__(self, step: Any) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        step = self._real("step", step)
        decay_steps = self.decay_steps
        if self.cycle:
            decay_steps *= max(1, math.ceil(step / decay_steps))
        remaining = 1 - min(step / decay_steps, 1.0)
        change = self.initial_learning_rate - self.end_learning_rate
        return float(change * remaining**self.power + self.end_learning_rate)
