"""Penalties on weights and activities, each with its gradient."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from . import backend, ops, serialization
from .arguments import as_real
from .ops import checks
from .serialization import Configurable, serialize


class Regularizer(Configurable):
    """Base class. A subclass defines the penalty and its gradient."""

    def __call__(self, x: np.ndarray) -> float:
        """Return the penalty of `x`, summed in double precision."""
        raise checks.must_define(self, "__call__(x)")

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Return the gradient of the penalty, float32, shaped like `x`."""
        raise checks.must_define(self, "gradient(x)")


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


class OrthogonalRegularizer(Regularizer):
    """Mean of the absolute cosines between different rows, or columns, of a matrix.

    Parameters
    ----------
    factor : float >= 0
        The penalty is `factor` times that mean.
    mode : "rows" or "columns"
    """

    config_keys: ClassVar[tuple[str, ...]] = ("factor", "mode")

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = as_real("OrthogonalRegularizer", "factor", factor, 0)
        self.mode = checks.one_of("OrthogonalRegularizer", "mode", mode, ("rows", "columns"))

    def __call__(self, x: np.ndarray) -> float:
        """Return the penalty of a matrix; 0 if it has a single row or column."""
        rows = self._rows(x)
        weight = self._weight(len(rows))
        return weight * float(np.abs(self._cosines(self._unit(rows)[0])).sum(dtype=np.float64))

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """Return the gradient of the penalty, float32, shaped like `x`."""
        rows = self._rows(x)
        unit, inverse = self._unit(rows)
        slope = np.float32(2 * self._weight(len(rows)))
        dunit = slope * ops.matmul(np.sign(self._cosines(unit)), unit)
        # A row only as long as epsilon, or shorter, is scaled by a constant.
        along = np.where(inverse < 1 / backend.epsilon(), unit, 0)
        drows = inverse * (dunit - along * (dunit * unit).sum(axis=1, keepdims=True))
        drows = drows.astype(np.float32)
        return drows if self.mode == "rows" else np.ascontiguousarray(drows.T)

    def _rows(self, x: np.ndarray) -> np.ndarray:
        if x.ndim != 2:
            raise ValueError(
                f"OrthogonalRegularizer: the weight must have 2 dimensions, got shape {x.shape}."
            )
        return x if self.mode == "rows" else x.T

    def _weight(self, count: int) -> float:
        """Return what one cosine counts; each pair of rows has two."""
        return self.factor / (count * (count - 1)) if count > 1 else 0.0

    def _unit(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return rows of length 1, and the inverse of the length that they had."""
        norm = np.sqrt(np.square(rows, dtype=np.float64).sum(axis=1, keepdims=True))
        inverse = 1 / np.maximum(norm, backend.epsilon())
        return (rows * inverse).astype(np.float32), inverse

    def _cosines(self, unit: np.ndarray) -> np.ndarray:
        cosines = ops.matmul(unit, np.ascontiguousarray(unit.T))
        np.fill_diagonal(cosines, 0)
        return cosines


l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

_TABLE = serialization.name_table((L1, L2, L1L2, OrthogonalRegularizer), {"l1_l2": L1L2})


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
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
