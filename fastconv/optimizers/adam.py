"""Adam and AdamW."""

from __future__ import annotations

import math
from typing import Any

from .. import ops
from ..arguments import as_real
from .hyperparameters import below_one
from .kernel_optimizer import KernelOptimizer
from .optimizer import Optimizer


class Adam(KernelOptimizer):
    """Adam. D. P. Kingma, J. Ba, arXiv:1412.6980.

    In the form of Keras, in which epsilon is added to the uncorrected root ("epsilon hat" in the
    paper, just before its section 2.1), so that other libraries give slightly other numbers::

        m += (1 - beta_1) * (g - m)
        v += (1 - beta_2) * (g**2 - v)
        alpha = learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t)     t = iterations + 1
        w -= alpha * m / (sqrt(v) + epsilon)

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    beta_1, beta_2 : number in [0, 1)
    epsilon : number >= 0
    amsgrad : bool
        Divide by the largest v so far (S. J. Reddi et al., arXiv:1904.09237).
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (*Optimizer.config_keys, "beta_1", "beta_2", "epsilon", "amsgrad")

    slot_order = ("momentum", "velocity", "velocity_hat")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        where = type(self).__name__
        self.beta_1 = below_one(where, "beta_1", beta_1)
        self.beta_2 = below_one(where, "beta_2", beta_2)
        self.epsilon = as_real(where, "epsilon", epsilon, 0)
        self.amsgrad = bool(amsgrad)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return both moments and, for amsgrad, the largest second moment."""
        moments = ("momentum", "velocity")
        return (moments, ("velocity_hat",)) if self.amsgrad else (moments,)

    def run(
        self,
        updates: ops.Updates,
        learning_rate: float,
        decays: list[float],
        grad_scales: list[float],
        clip: float,
    ) -> None:
        """Do one step with all weights."""
        t = self.iterations + 1
        correction = math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)
        rate = learning_rate * correction
        updates.adam(rate, decays, grad_scales, clip, self.beta_1, self.beta_2, self.epsilon)


class AdamW(Adam):
    """Adam with decoupled weight decay. I. Loshchilov, F. Hutter, arXiv:1711.05101.

    The same as `Adam(weight_decay=0.004)`, which decays in the same way.

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    weight_decay : number >= 0
    **kwargs
        The arguments of `Adam`, and those that all optimizers share, see `Optimizer`.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: Any = 0.004,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-7,
        amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        if weight_decay is None:
            raise ValueError("AdamW: weight_decay must be a number, got None; use Adam.")
        super().__init__(
            learning_rate,
            beta_1,
            beta_2,
            epsilon,
            amsgrad,
            weight_decay=weight_decay,
            **kwargs,
        )
