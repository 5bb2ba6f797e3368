"""Limits on weights, checked before they are allocated: what a file may hold, and the memory."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Sequence

from ..ops import checks


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


def check_memory(where: str, name: str, shape: Sequence[int]) -> None:
    """Check that this machine could hold a float32 weight.

    Raises
    ------
    ValueError
        Its memory is smaller.
    """
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    needed = 4 * math.prod(shape)
    if needed > memory:
        raise ValueError(
            f"{where}: {name} of shape {tuple(shape)} would take "
            f"{checks.readable_bytes(needed)}, and this machine has "
            f"{checks.readable_bytes(memory)} of memory; make the layer or its input smaller."
        )
