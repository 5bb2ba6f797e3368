"""ElementwiseOptimizer: base of the optimizers written in NumPy, on memory that is used again.

What SGD, Adam and RMSprop do in one pass of a kernel, these do in several passes over the arrays.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from .. import ops
from ..ops import checks
from .optimizer import Optimizer
from .state import Slots

Scratch = list[np.ndarray]


class ElementwiseOptimizer(Optimizer):
    """Base of optimizers that define `update`, which is given a gradient to overwrite."""

    #: Temporary arrays that `update` needs besides the gradient.
    n_scratch: ClassVar[int] = 1

    _memory = np.empty((0, 0), np.float32)

    def update(
        self,
        w: np.ndarray,
        g: np.ndarray,
        slots: Slots,
        learning_rate: float,
        scratch: Scratch,
    ) -> None:
        """Update `w` and its `slots` in place; `g` and the arrays in `scratch` are free to use."""
        raise checks.must_define(self, "update()")

    def update_step(
        self,
        weight: np.ndarray,
        gradient: np.ndarray,
        slots: Slots,
        learning_rate: float,
        decay: float = 0.0,
        grad_scale: float = 1.0,
        clip_value: float | None = None,
        **shared: Any,
    ) -> None:
        """Clip the gradient, decay the weight, and update."""
        if self._memory.shape[1] < weight.size:
            self._memory = np.empty((1 + self.n_scratch, weight.size), np.float32)
        g, *scratch = (row[: weight.size].reshape(weight.shape) for row in self._memory)
        with np.errstate(all="ignore"):  # NaN and infinity go their way, as in the kernels
            np.multiply(gradient, np.float32(grad_scale), out=g)
            if clip_value is not None:
                np.clip(g, -clip_value, clip_value, out=g)
            if decay:
                np.multiply(weight, np.float32(decay), out=scratch[0])
                weight -= scratch[0]
            self.update(weight, g, slots, learning_rate, scratch)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in super().__getstate__().items() if key != "_memory"}


def follow(average: np.ndarray, value: np.ndarray, share: float, scratch: np.ndarray) -> None:
    """Move a running average by `share` of its distance to `value`."""
    np.subtract(value, average, out=scratch)
    scratch *= np.float32(share)
    average += scratch


def norm(x: np.ndarray) -> float:
    """Return the Euclidean norm, summed in double precision in a fixed order."""
    return math.sqrt(ops.sum_of_squares(x))
