"""A limit on the weights that a file may ask for, checked before they are allocated."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence


class _Current(threading.local):
    def __init__(self) -> None:
        self.budget: WeightBudget | None = None


_current = _Current()


class WeightBudget:
    """Let the layers that are built within a `with` block have so many bytes of weights.

    Their weights are zero: whoever sets a budget has values for them.

    Parameters
    ----------
    nbytes : int
    where : str
        For messages: whose budget it is.
    """

    def __init__(self, nbytes: int, where: str) -> None:
        self.left = nbytes
        self._nbytes = nbytes
        self._where = where
        self._outer: WeightBudget | None = None

    def __enter__(self) -> WeightBudget:
        self._outer = _current.budget
        _current.budget = self
        return self

    def __exit__(self, *exception: object) -> None:
        _current.budget = self._outer

    def take(self, where: str, name: str, shape: Sequence[int]) -> None:
        """Take a float32 weight out of the budget.

        Raises
        ------
        ValueError
            It is spent.
        """
        self.left -= 4 * math.prod(shape)
        if self.left < 0:
            raise ValueError(
                f"{self._where}: {where}: {name} of shape {tuple(shape)} and the weights before it "
                f"need more than the {self._nbytes} bytes that a file of this size can hold."
            )


def current() -> WeightBudget | None:
    """Return the budget that holds in this thread at this moment, None if there is none."""
    return _current.budget
