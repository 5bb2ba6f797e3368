"""KernelOptimizer: base of the optimizers that a kernel runs, for all weights in one pass."""

from __future__ import annotations

import math
from typing import ClassVar

from ..ops import Updates, bind_updates, checks
from .given import Given
from .optimizer import Optimizer


class KernelOptimizer(Optimizer):
    """Base of SGD, Adam and RMSprop, which define `run`."""

    #: Names of the slots in the order that the kernel takes them.
    slot_order: ClassVar[tuple[str, ...]] = ()

    def run(
        self,
        updates: Updates,
        learning_rate: float,
        decays: list[float],
        grad_scales: list[float],
        clip: float,
    ) -> None:
        """Do one step with all weights: call the method of `updates` that does."""
        raise checks.must_define(self, "run()")

    def update_all(
        self, given: Given, learning_rate: float, decays: list[float], grad_scales: list[float]
    ) -> None:
        """Update weights and slots in place, all at once."""
        if given.bound is None:
            weights = [variable.edit() for variable in given.variables]
            named = [{name: own.get(name) for name in self.slot_order} for own in given.slots]
            given.bound = bind_updates(weights, given.gradients, named)
        else:
            for variable in given.variables:
                variable.edit()
        clip = math.inf if self.clipvalue is None else self.clipvalue
        self.run(given.bound, learning_rate, decays, grad_scales, clip)
