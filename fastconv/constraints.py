"""Constraints: what a weight is brought back to after each update of an optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import backend, serialization
from .arguments import as_real
from .ops import checks
from .serialization import Configurable, serialize


class Constraint(Configurable):
    """Base class; a subclass defines `__call__(w)`. The base itself allows every weight."""

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Return the allowed float32 array that takes the place of `w`, which is left alone."""
        return w


class NonNeg(Constraint):
    """No weight below 0."""

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Return `w` with zeros in place of negative numbers."""
        allowed: np.ndarray = np.maximum(w, np.float32(0))
        return allowed


class _Norm(Constraint):
    """Scales vectors of weights so that their L2 norm is the one that is wanted."""

    axis: int | list[int]

    def __call__(self, w: np.ndarray) -> np.ndarray:
        """Return `w`, scaled; norms are summed in double precision."""
        axes = self.axis if isinstance(self.axis, int) else tuple(self.axis)
        if not all(-w.ndim <= a < w.ndim for a in np.atleast_1d(axes)):
            raise ValueError(
                f"{type(self).__name__}: axis must be among the {w.ndim} of the weight, "
                f"got {self.axis} for shape {w.shape}."
            )
        norms = np.sqrt(np.square(w, dtype=np.float64).sum(axis=axes, keepdims=True))
        scaled: np.ndarray = w * (self._wanted(norms) / (backend.epsilon() + norms))
        return scaled.astype(np.float32)

    def _wanted(self, norms: np.ndarray) -> Any:
        raise checks.must_define(self, "_wanted(norms)")


class UnitNorm(_Norm):
    """Norm 1.

    Parameters
    ----------
    axis : int or list of int
        Axes along which norms are taken: 0 for Dense, [0, 1, 2] for Conv2D.
    """

    config_keys = ("axis",)

    def __init__(self, axis: Any = 0) -> None:
        self.axis = _as_axis("UnitNorm", axis)

    def _wanted(self, norms: np.ndarray) -> Any:
        return 1.0


class MaxNorm(_Norm):
    """Norm of at most `max_value`. Srivastava et al., JMLR 15, 2014.

    Parameters
    ----------
    max_value : float >= 0
    axis : int or list of int
        Axes along which norms are taken: 0 for Dense, [0, 1, 2] for Conv2D.
    """

    config_keys = ("max_value", "axis")

    def __init__(self, max_value: float = 2, axis: Any = 0) -> None:
        self.max_value = as_real("MaxNorm", "max_value", max_value, 0)
        self.axis = _as_axis("MaxNorm", axis)

    def _wanted(self, norms: np.ndarray) -> Any:
        return np.minimum(norms, self.max_value)


class MinMaxNorm(_Norm):
    """Norm between `min_value` and `max_value`, or on the way there.

    Parameters
    ----------
    min_value, max_value : float >= 0
    rate : float in [0, 1]
        Part of the way that one update goes; 1 enforces the bounds at once.
    axis : int or list of int
        Axes along which norms are taken: 0 for Dense, [0, 1, 2] for Conv2D.
    """

    config_keys = ("min_value", "max_value", "rate", "axis")

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Any = 0,
    ) -> None:
        self.min_value = as_real("MinMaxNorm", "min_value", min_value, 0)
        self.max_value = as_real("MinMaxNorm", "max_value", max_value, self.min_value)
        self.rate = as_real("MinMaxNorm", "rate", rate, 0, 1)
        self.axis = _as_axis("MinMaxNorm", axis)

    def _wanted(self, norms: np.ndarray) -> Any:
        bounded = np.clip(norms, self.min_value, self.max_value)
        return self.rate * bounded + (1 - self.rate) * norms


def _as_axis(where: str, axis: Any) -> int | list[int]:
    if isinstance(axis, (list, tuple)):
        return [checks.as_int(where, "axis", item, minimum=-32) for item in axis]
    return checks.as_int(where, "axis", axis, minimum=-32)


max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

_TABLE = serialization.name_table((Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm), {})


def get(identifier: Any) -> Any:
    """Return a constraint for a name, config, class, instance or function of a weight.

    None stays None.

    Raises
    ------
    ValueError
        The identifier is unknown.
    """
    return serialization.get(identifier, _TABLE, "constraint", callable)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the constraint that `serialize` wrote, or that has the given name."""
    return serialization.deserialize(config, _TABLE, "constraint", custom_objects)


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
