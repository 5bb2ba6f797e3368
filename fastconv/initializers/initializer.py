"""The base of initializers, and those that draw no numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arguments import as_real
from ..ops import checks
from ..serialization import Configurable

Shape = Sequence[int]


class Initializer(Configurable):
    """Base class. A subclass defines `__call__(shape, dtype=None)`."""

    def __call__(self, shape: Shape, dtype: Any = None) -> np.ndarray:
        """Return a new array of `shape`; float32 unless `dtype` says otherwise."""
        values = self._values(tuple(shape))
        return np.asarray(values, np.float32 if dtype is None else dtype, order="C")

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        raise checks.must_define(self, "__call__(shape, dtype=None)")


class Zeros(Initializer):
    """All zeros."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.zeros(shape, np.float32)


class Ones(Initializer):
    """All ones."""

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.ones(shape, np.float32)


class Constant(Initializer):
    """One number everywhere."""

    config_keys = ("value",)

    def __init__(self, value: float = 0.0) -> None:
        self.value = as_real("Constant", "value", value)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        return np.full(shape, self.value, np.float32)


class Identity(Initializer):
    """The identity matrix times `gain`; for 2-D shapes only."""

    config_keys = ("gain",)

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = as_real("Identity", "gain", gain)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        if len(shape) != 2:
            raise ValueError(f"Identity: the shape must have 2 dimensions, got {shape}.")
        return np.eye(*shape, dtype=np.float32) * np.float32(self.gain)


class Given(Initializer):
    """Values that the user brought as an array."""

    def __init__(self, given: Any) -> None:
        self._given = checks.as_float32("initializer", "array", given)

    def _values(self, shape: tuple[int, ...]) -> np.ndarray:
        if shape != self._given.shape:
            raise ValueError(
                f"initializer: the array must have the weight's shape {shape}, "
                f"got {self._given.shape}."
            )
        return self._given.copy()

    def get_config(self) -> dict[str, Any]:
        """Raise TypeError."""
        raise TypeError("initializer: an array cannot be written to a config; use Constant(...).")
