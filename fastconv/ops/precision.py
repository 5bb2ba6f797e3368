"""How accurate convolutions and matrix products have to be: a process-wide setting.

    highest   rms error against float64 at most that of a chain of float32 multiply-adds
    high      at most ten times that: also Winograd's larger tiles where sums are short, and two
              bfloat16 parts of floats where the CPU multiplies these
    medium    products of bfloat16 numbers, summed in float32; like "high" where that is faster

Names as in PyTorch and JAX.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from . import checks

PRECISIONS = ("highest", "high", "medium")


class Changes:
    """A count of changes in its attribute `count`; a number never comes back."""

    __slots__ = ("_numbers", "count")

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self.count = 0

    def note(self) -> None:
        """Count a change that was made."""
        self.count = next(self._numbers)


#: Of the precision, in whatever thread, and of where the choice of algorithms comes from: who keeps
#: what was made under some settings looks whether it has moved.
changes = Changes()

_default = "highest"
_override: ContextVar[str | None] = ContextVar("float32_matmul_precision", default=None)


def get_float32_matmul_precision() -> str:
    """Return the precision in force here: "highest", "high" or "medium"."""
    return _override.get() or _default


def set_float32_matmul_precision(precision: Any) -> None:
    """Choose how accurate convolutions and matrix products have to be, for the whole process.

    Parameters
    ----------
    precision : "highest", "high" or "medium"
        At most the rms error of a chain of float32 multiply-adds, at most ten times that, or what
        products of bfloat16 numbers give.

    Raises
    ------
    ValueError
        `precision` is none of these.
    """
    global _default
    _default = checks.one_of("set_float32_matmul_precision", "precision", precision, PRECISIONS)
    changes.note()


@contextmanager
def float32_matmul_precision(precision: Any) -> Iterator[None]:
    """Choose the precision within a `with` block, for the current thread (or task) alone.

    Raises
    ------
    ValueError
        `precision` is not "highest", "high" or "medium".
    """
    where = "float32_matmul_precision"
    token = _override.set(checks.one_of(where, "precision", precision, PRECISIONS))
    changes.note()
    try:
        yield
    finally:
        _override.reset(token)
        changes.note()
