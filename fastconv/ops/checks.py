"""All argument checks of the ops, and their wording: "where: rule, got what".

A wrong shape or value is a ValueError, a wrong type a TypeError. Array contents are never printed.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np


def as_float32(where: str, name: str, x: Any, ndim: int | None = None) -> np.ndarray:
    """Return `x` as a C-contiguous, aligned, native float32 array; copies only when it must.

    Integers, booleans and other floats are cast, as Keras does.

    Raises
    ------
    TypeError
        `x` is complex, a string, or an object array (often a ragged list).
    ValueError
        `ndim` is given and `x` has another rank.
    """
    if not (type(x) is np.ndarray and x.dtype == np.float32):
        if is_masked(x):
            raise TypeError(f"{where}: {name} must not be a masked array; fill it first.")
        x = np.asarray(x)
        if x.dtype.kind not in "fiub":
            hint = (
                "; usually a ragged list: all items need the same shape"
                if x.dtype == object
                else ""
            )
            raise TypeError(f"{where}: {name} must hold real numbers, got dtype {x.dtype}{hint}.")
    if not (
        x.dtype.isnative and x.dtype == np.float32 and x.flags.c_contiguous and x.flags.aligned
    ):
        shape = x.shape  # `require` gives a scalar one dimension
        x = np.require(np.asarray(x, np.float32), requirements=["C", "A"]).reshape(shape)
    if ndim is not None and x.ndim != ndim:
        raise ValueError(f"{where}: {name} must have {ndim} dimensions, got shape {x.shape}.")
    checked: np.ndarray = x
    return checked


def is_masked(x: Any) -> bool:
    """Return whether `x` is a masked array.

    There are none before somebody has loaded NumPy's module of them, which is large.
    """
    module = sys.modules.get("numpy.ma")
    return module is not None and isinstance(x, module.MaskedArray)


def as_int(where: str, name: str, value: Any, minimum: int = 1) -> int:
    """Return `value` as an int of at least `minimum`; NumPy integers are accepted."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        result = operator.index(value)
    except TypeError:
        raise TypeError(
            f"{where}: {name} must be an integer, got {value!r} ({type(value).__name__})."
        ) from None
    if result < minimum:
        raise ValueError(f"{where}: {name} must be at least {minimum}, got {result}.")
    return result


def at_least_zero(where: str, name: str, value: Any) -> float:
    """Return `value`, which must not be negative or NaN, as a float."""
    if not value >= 0:
        raise ValueError(f"{where}: {name} must be at least 0, got {value}.")
    return float(value)


def as_axis(where: str, axis: Any, ndim: int) -> int:
    """Return `axis` of an array with `ndim` dimensions, counted from 0."""
    number = as_int(where, "axis", axis, minimum=-32)
    if not -ndim <= number < ndim:
        raise ValueError(f"{where}: axis must be one of the {ndim} of x, got {axis}.")
    return number % ndim


def as_pair(where: str, name: str, value: Any, minimum: int = 1) -> tuple[int, int]:
    """Return an int or a sequence of two ints as a pair (height, width)."""
    pair = as_tuple(where, name, value, 2, minimum)
    return pair[0], pair[1]


def as_tuple(where: str, name: str, value: Any, rank: int, minimum: int = 1) -> tuple[int, ...]:
    """Return an int or a sequence of `rank` ints as a tuple of `rank` ints."""
    if type(value) is tuple and len(value) == rank:
        for item in value:
            if type(item) is not int or item < minimum:
                break
        else:
            return value  # what layers pass, once for every call: not built anew
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        return (as_int(where, name, value, minimum),) * rank
    items: Sequence[Any] = list(value)
    if len(items) != rank:
        raise ValueError(
            f"{where}: {name} must be an integer or {rank} integers, got {tuple(items)!r}."
        )
    return tuple(as_int(where, name, item, minimum) for item in items)


def one_of(where: str, name: str, value: Any, allowed: Iterable[str]) -> str:
    """Return `value` if it is one of the strings `allowed`, else raise with a suggestion."""
    choices = list(allowed)
    if isinstance(value, str) and value in choices:
        return value
    listed = ", ".join(f'"{choice}"' for choice in choices)
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    raise ValueError(
        f"{where}: {name} must be one of {listed}, got {shown}.{did_you_mean(value, choices)}"
    )


def did_you_mean(value: Any, choices: Iterable[str]) -> str:
    """Return ' Did you mean "..."?' when `value` is close to one of `choices`, else ''."""
    import difflib  # slow to load, and only needed for messages

    near = difflib.get_close_matches(str(value), list(choices), n=1)
    return f' Did you mean "{near[0]}"?' if near else ""


def no_attribute(module: str, name: str, known: Iterable[str]) -> str:
    """Return the message of an AttributeError of a module, with a suggestion."""
    # The import system asks for names like __path__, and takes "no" for an answer.
    hint = "" if name.startswith("__") else did_you_mean(name, known)
    return f"module {module!r} has no attribute {name!r}.{hint}"


def readable_bytes(size: float) -> str:
    """Return a number of bytes as Keras writes it: 9.65 KB."""
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024:
            return f"{size:.2f} {unit}"
        size /= 1024
    return f"{size:.2f} PB"


def must_define(owner: Any, method: str) -> NotImplementedError:
    """Return what the base of a family of classes raises where a subclass has to do something."""
    where = getattr(owner, "where", type(owner).__name__)
    return NotImplementedError(f"{where} must define {method}.")
