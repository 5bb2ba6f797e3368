"""Adamax, Nadam and Lamb: relatives of Adam with other uses of its two moments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..arguments import as_real
from .elementwise import ElementwiseOptimizer, Scratch, follow, norm
from .hyperparameters import below_one
from .optimizer import Optimizer
from .state import Slots

#: How fast Nadam's momentum approaches beta_1, from T. Dozat's paper.
SCHEDULE_DECAY = 0.96


class MomentOptimizer(ElementwiseOptimizer):
    """What the three share.

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    beta_1, beta_2 : number in [0, 1)
    epsilon : number >= 0
    **kwargs
        The arguments that all optimizers share, see `Optimizer`.
    """

    config_keys = (*Optimizer.config_keys, "beta_1", "beta_2", "epsilon")
    n_scratch = 2

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: Any = 0.9,
        beta_2: Any = 0.999,
        epsilon: Any = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        where = type(self).__name__
        self.beta_1 = below_one(where, "beta_1", beta_1)
        self.beta_2 = below_one(where, "beta_2", beta_2)
        self.epsilon = as_real(where, "epsilon", epsilon, 0)

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return both moments."""
        return (("momentum", "velocity"),)

    def _moments(self, g: np.ndarray, slots: Slots, scratch: Scratch) -> np.ndarray:
        """Update both moments; return sqrt(v / (1 - beta_2**t)) + epsilon in `scratch[0]`."""
        v, (root, t) = slots["velocity"], scratch
        follow(slots["momentum"], g, 1 - self.beta_1, t)
        np.square(g, out=root)
        follow(v, root, 1 - self.beta_2, t)
        np.divide(v, np.float32(1 - self.beta_2 ** (self.iterations + 1)), out=root)
        np.sqrt(root, out=root)
        root += np.float32(self.epsilon)
        return root


class Adamax(MomentOptimizer):
    """Adam with the largest gradient instead of the second moment. arXiv:1412.6980, section 7.

    ::

        m += (1 - beta_1) * (g - m)
        u = max(beta_2 * u, abs(g))
        w -= learning_rate / (1 - beta_1**t) * m / (u + epsilon)      t = iterations + 1

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, **kwargs
        As in `Adam`.
    """

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the first moment and the largest gradient."""
        return (("momentum", "norm"),)

    def update(
        self, w: np.ndarray, g: np.ndarray, slots: Slots, learning_rate: float, scratch: Scratch
    ) -> None:
        """Update `w` and its `slots` in place."""
        m, u, t = slots["momentum"], slots["norm"], scratch[0]
        follow(m, g, 1 - self.beta_1, t)
        u *= np.float32(self.beta_2)
        np.maximum(u, np.abs(g, out=g), out=u)
        np.add(u, np.float32(self.epsilon), out=t)
        np.divide(m, t, out=t)
        t *= np.float32(learning_rate / (1 - self.beta_1 ** (self.iterations + 1)))
        w -= t


class Nadam(MomentOptimizer):
    """Adam with Nesterov's momentum. T. Dozat, "Incorporating Nesterov momentum into Adam", 2016.

    ::

        u(t) = beta_1 * (1 - 0.96**t / 2);  U = u(1) * ... * u(t)      t = iterations + 1
        m, v as in Adam
        n = u(t+1) * m / (1 - U * u(t+1)) + (1 - u(t)) * g / (1 - U)
        w -= learning_rate * n / (sqrt(v / (1 - beta_2**t)) + epsilon)

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, **kwargs
        As in `Adam`.
    """

    def scalars(self) -> dict[str, float]:
        """Return U."""
        return {"u_product": 1.0}

    def begin_update(self) -> None:
        """Multiply the next factor into U."""
        self._scalars["u_product"] *= np.float32(self._factor(self.iterations + 1))

    def update(
        self, w: np.ndarray, g: np.ndarray, slots: Slots, learning_rate: float, scratch: Scratch
    ) -> None:
        """Update `w` and its `slots` in place."""
        product = float(self._scalars["u_product"])
        now, after = (self._factor(self.iterations + t) for t in (1, 2))
        root, t = self._moments(g, slots, scratch), scratch[1]
        g *= np.float32((1 - now) / (1 - product))
        np.multiply(slots["momentum"], np.float32(after / (1 - product * after)), out=t)
        g += t
        g *= np.float32(learning_rate)
        g /= root
        w -= g

    def _factor(self, t: int) -> float:
        return self.beta_1 * (1 - 0.5 * float(SCHEDULE_DECAY**t))


class Lamb(MomentOptimizer):
    """Adam with steps as long as the weights, for large batches. Y. You et al., arXiv:1904.00962.

    ::

        r = m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + epsilon)      m, v as in Adam
        w -= learning_rate * norm(w) / norm(r) * r      (a ratio of 1 if a norm is 0)

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon, **kwargs
        As in `Adam`.
    """

    def update(
        self, w: np.ndarray, g: np.ndarray, slots: Slots, learning_rate: float, scratch: Scratch
    ) -> None:
        """Update `w` and its `slots` in place."""
        root = self._moments(g, slots, scratch)
        np.divide(slots["momentum"], root, out=g)
        g /= np.float32(1 - self.beta_1 ** (self.iterations + 1))
        lengths = norm(w), norm(g)
        ratio = lengths[0] / lengths[1] if all(lengths) else 1.0
        g *= np.float32(ratio * learning_rate)
        w -= g
