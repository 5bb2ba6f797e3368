"""Penalties on weights and activities, each with its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from . import ops, serialization
from .arguments import as_real
from .serialization import Configurable, serialize


class Regularizer(Configurable):
    """Base class. A subclass defines the penalty and its gradient."""

    def __call__(self, x: np.ndarray) -> float:
        """Return the penalty of `x`, summed in double precision."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(x).")

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Return the gradient of the penalty, float32, shaped like `x`."""
        raise NotImplementedError(f"{type(self).__name__} must define gradient(x).")


class L1L2(Regularizer):
    """`l1 * sum(|x|) + l2 * sum(x**2)`."""

    config_keys: ClassVar[tuple[str, ...]] = ("l1", "l2")

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        where = type(self).__name__
        self.l1 = 0.0 if l1 is None else as_real(where, "l1", l1, 0)
        self.l2 = 0.0 if l2 is None else as_real(where, "l2", l2, 0)

    def __call__(self, x: np.ndarray) -> float:
        """Return the penalty of `x`, summed in double precision."""
        penalty = 0.0
        if self.l1:
            penalty += self.l1 * float(np.abs(x).sum(dtype=np.float64))
        if self.l2:
            penalty += self.l2 * ops.sum_of_squares(x)
        return penalty

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Return `l1 * sign(x) + 2 * l2 * x`, float32."""
        gradient = x * np.float32(2 * self.l2)
        if self.l1:
            gradient += np.float32(self.l1) * np.sign(x)
        return gradient


class L1(L1L2):
    """`l1 * sum(|x|)`."""

    config_keys: ClassVar[tuple[str, ...]] = ("l1",)

    def __init__(self, l1: float | None = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)


class L2(L1L2):
    """`l2 * sum(x**2)`."""

    config_keys: ClassVar[tuple[str, ...]] = ("l2",)

    def __init__(self, l2: float | None = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)


l1 = L1
l2 = L2
l1_l2 = L1L2

_TABLE = serialization.name_table((L1, L2, L1L2), {"l1_l2": L1L2})


def _is_regularizer(obj: Any) -> bool:
    return callable(obj) and callable(getattr(obj, "gradient", None))


def get(identifier: Any) -> Any:
    """Return a regularizer for a name, config, class or instance. None stays None.

    An instance of the user's own needs `__call__(x)` and `gradient(x)`.

    Raises
    ------
    ValueError
        The identifier is unknown, or a bare function, whose gradient cannot be known.
    """
    if (
        callable(identifier)
        and not isinstance(identifier, type)
        and not _is_regularizer(identifier)
    ):
        raise ValueError(
            "Could not interpret regularizer identifier: a regularizer needs a gradient; give a "
            "subclass of regularizers.Regularizer with __call__(x) and gradient(x)."
        )
    return serialization.get(identifier, _TABLE, "regularizer", _is_regularizer)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """Return the regularizer that `serialize` wrote, or that has the given name."""
    return serialization.deserialize(config, _TABLE, "regularizer", custom_objects)


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "serialize",
]
