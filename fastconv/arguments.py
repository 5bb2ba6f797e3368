"""Checks of arguments, for everything that stands above `ops`.

They add to `ops.checks`, in the same wording: "where: rule, got what".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .ops import checks


def no_others(where: str, options: Mapping[str, Any], function: Callable[..., Any]) -> None:
    """Raise TypeError if one of the `options` is no argument of a method."""
    code = function.__code__
    known = code.co_varnames[1 : code.co_argcount + code.co_kwonlyargcount]
    for name in options:
        if name not in known:
            hint = checks.did_you_mean(name, known)
            raise TypeError(f'{where}: there is no argument "{name}".{hint}')


def as_real(
    where: str,
    name: str,
    value: Any,
    minimum: float = -math.inf,
    maximum: float = math.inf,
) -> float:
    """Return `value` as a finite float in [minimum, maximum]; NumPy scalars are accepted.

    Raises
    ------
    TypeError
        `value` is not a real number (a bool, a string, an array of several values ...).
    ValueError
        `value` is NaN, infinite or out of range.
    """
    try:
        if isinstance(value, (bool, np.bool_, str, bytes)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{where}: {name} must be a number, got {type(value).__name__}.") from None
    if not math.isfinite(number):
        raise ValueError(f"{where}: {name} must be finite, got {number}.")
    if not minimum <= number <= maximum:
        if maximum == math.inf:
            rule = f"at least {minimum:g}"
        elif minimum == -math.inf:
            rule = f"at most {maximum:g}"
        else:
            rule = f"in [{minimum:g}, {maximum:g}]"
        raise ValueError(f"{where}: {name} must be {rule}, got {number:g}.")
    return number
