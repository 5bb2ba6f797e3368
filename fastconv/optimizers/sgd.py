"""Stochastic gradient descent, plain or with momentum."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..arguments import as_real
from .kernel_optimizer import KernelOptimizer
from .optimizer import Optimizer


class SGD(KernelOptimizer):
    """Gradient descent.

    Without momentum `w -= learning_rate * g`. With it, `m = momentum * m - learning_rate * g` and
    `w += m`, or for Nesterov `w += momentum * m - learning_rate * g` (I. Sutskever et al., "On the
    importance of initialization and momentum in deep learning", ICML 2013).

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    momentum : number in [0, 1]
    nesterov : bool
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (*Optimizer.config_keys, "momentum", "nesterov")

    slot_order = ("momentum",)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: Any = 0.0,
        nesterov: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.momentum = as_real("SGD", "momentum", momentum, 0, 1)
        self.nesterov = bool(nesterov)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the velocity, if there is momentum."""
        return (("momentum",),) if self.momentum else ()

    def run(
        self,
        updates: ops.Updates,
        learning_rate: float,
        decays: list[float],
        grad_scales: list[float],
        clip: float,
    ) -> None:
        """Do one step with all weights."""
        updates.sgd(learning_rate, decays, grad_scales, clip, self.momentum, self.nesterov)
