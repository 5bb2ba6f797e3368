"""RMSprop."""

from __future__ import annotations

from typing import Any

from .. import ops
from ..arguments import as_real
from .hyperparameters import below_one
from .kernel_optimizer import KernelOptimizer
from .optimizer import Optimizer


class RMSprop(KernelOptimizer):
    """RMSprop. G. Hinton, "Neural Networks for Machine Learning", lecture 6, 2012.

    In the form of Keras, with epsilon inside the root::

        v = rho * v + (1 - rho) * g**2
        d = v + epsilon                      centered: v - (moving average of g)**2 + epsilon
        step = learning_rate * g / sqrt(d)   momentum: momentum * (step before) + this
        w -= step

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    rho : number in [0, 1)
    momentum : number in [0, 1]
    epsilon : number >= 0
    centered : bool
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (*Optimizer.config_keys, "rho", "momentum", "epsilon", "centered")

    slot_order = ("velocity", "momentum", "average_gradient")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.rho = below_one("RMSprop", "rho", rho)
        self.momentum = as_real("RMSprop", "momentum", momentum, 0, 1)
        self.epsilon = as_real("RMSprop", "epsilon", epsilon, 0)
        self.centered = bool(centered)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the second moment and, if asked for, the momentum and the first moment."""
        groups = [("velocity",)]
        if self.momentum:
            groups.append(("momentum",))
        if self.centered:
            groups.append(("average_gradient",))
        return tuple(groups)

    def run(
        self,
        updates: ops.Updates,
        learning_rate: float,
        decays: list[float],
        grad_scales: list[float],
        clip: float,
    ) -> None:
        """Do one step with all weights."""
        rest = self.rho, self.momentum, self.epsilon
        updates.rmsprop(learning_rate, decays, grad_scales, clip, *rest)
