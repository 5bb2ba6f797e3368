"""Checks of hyperparameters whose interval is open at one end."""

from __future__ import annotations

from typing import Any

from ..arguments import as_real


def positive(where: str, name: str, value: Any) -> float:
    """Return `value` as a finite float greater than 0; raises as `as_real` does."""
    number = as_real(where, name, value, 0.0)
    if number == 0.0:
        raise ValueError(f"{where}: {name} must be greater than 0, got 0.")
    return number


def below_one(where: str, name: str, value: Any) -> float:
    """Return `value` as a float in [0, 1), the share of a moving average that stays."""
    number = as_real(where, name, value, 0.0, 1.0)
    if number == 1.0:
        raise ValueError(f"{where}: {name} must be less than 1, got 1.")
    return number
