"""KernelOptimizer: base of the optimizers that a kernel runs, for all weights in one pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from .. import ops
from .optimizer import Optimizer, are_same
from .state import Slots


class KernelOptimizer(Optimizer):
    """Base of SGD, Adam and RMSprop, which define `run`."""

    #: Names of the slots in the order that the kernel takes them.
    slot_order: ClassVar[tuple[str, ...]] = ()

    _arrays: Sequence[Any] = ()
    _updates: ops.Updates | None = None

    def run(self, updates: ops.Updates, learning_rate: float, **shared: Any) -> None:
        """Do one step with all weights; `shared` is what each of the steps of `Updates` takes."""
        raise NotImplementedError(f"{type(self).__name__} must define run().")

    def update_all(
        self,
        weights: list[np.ndarray],
        gradients: list[np.ndarray],
        slots: list[Slots],
        learning_rate: float,
        decays: list[float],
        grad_scales: list[float],
    ) -> None:
        """Update weights and slots in place, all at once."""
        arrays = [*weights, *gradients, *slots]
        if self._updates is None or not are_same(arrays, self._arrays):
            named = [{name: own.get(name) for name in self.slot_order} for own in slots]
            self._updates = ops.Updates(weights, gradients, named)
            self._arrays = arrays
        self.run(
            self._updates,
            learning_rate,
            decays=decays,
            grad_scales=grad_scales,
            clip_value=self.clipvalue,
        )

    def __getstate__(self) -> dict[str, Any]:
        left = ("_arrays", "_updates")
        return {key: value for key, value in super().__getstate__().items() if key not in left}
