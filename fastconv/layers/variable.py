"""A weight: its value, its gradient, and what an optimizer needs to know about it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..ops import PackedKernel, checks


class Edits:
    """A count; to count in an attribute of a class makes Python forget what it knows of it."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Variable:
    """A float32 array that training changes.

    Parameters
    ----------
    value : array_like
        First value; copied.
    name : str
        "kernel", "bias" ...
    path : str, optional
        Layer name and name, "conv2d/kernel"; the name alone if not given.
    trainable : bool
        False for weights that no optimizer may touch, such as moving statistics.
    regularizer : Regularizer, optional
    constraint : function of an array, optional
        What an optimizer replaces the value by after each update.

    Attributes
    ----------
    value : float32 array, C-contiguous, read-only
        Always the same memory; `edit` gives it to be changed.
    grad : float32 array or None
        Sum of the gradients since it was last set to None.
    version : int
        Counts changes of `value`; what is derived from it, such as packed kernels, is stale once
        this has moved. As nothing but `edit` gives write access, no change is ever missed.
    """

    __slots__ = (
        "_packed",
        "_writable",
        "constraint",
        "grad",
        "name",
        "path",
        "regularizer",
        "trainable",
        "value",
        "version",
    )

    #: Changes of any variable: what is derived from several is looked over when this has moved.
    edits: ClassVar[Edits] = Edits()

    def __init__(
        self,
        value: Any,
        name: str = "variable",
        *,
        path: str | None = None,
        trainable: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
    ) -> None:
        self.name = name
        self.path = path or name
        self._hold(checks.as_float32(self.path, "value", value).copy())
        self.grad: np.ndarray | None = None
        self.trainable = trainable
        self.regularizer = regularizer
        self.constraint = constraint
        self.version = 0

    def _hold(self, value: np.ndarray) -> None:
        self._writable = value
        self.value: np.ndarray = value.view()
        self.value.flags.writeable = False
        self._packed: PackedKernel | None = None

    def __getstate__(self) -> dict[str, Any]:
        left = ("_packed", "value")  # made from the rest
        return {name: getattr(self, name) for name in self.__slots__ if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._hold(self._writable)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the value."""
        return self.value.shape

    @property
    def dtype(self) -> str:
        """Type of the value, "float32"."""
        return self.value.dtype.name

    def assign(self, value: Any) -> None:
        """Copy `value` into the variable.

        Raises
        ------
        ValueError
            The shape is another one.
        """
        new = checks.as_float32(self.path, "value", value)
        self._check_shape("value", new)
        self.edit()[...] = new

    def edit(self) -> np.ndarray:
        """Return `value` to be changed in place, now: later changes need another call."""
        self.version += 1
        self.edits.count += 1
        if self._packed is not None:
            self._packed.version = self.version
        return self._writable

    @property
    def packed(self) -> PackedKernel:
        """The value as the kernel of a 2-D convolution, with the copies that were made of it."""
        if self._packed is None:
            self._packed = PackedKernel(self.value)
            self._packed.version = self.version
        return self._packed

    @property
    def packed_nbytes(self) -> int:
        """Bytes of the copies that convolutions have made of the value."""
        return 0 if self._packed is None else self._packed.nbytes

    def add_grad(self, gradient: np.ndarray) -> None:
        """Add `gradient` to `grad`; the first one is kept, not copied.

        Raises
        ------
        ValueError
            The gradient does not have the variable's shape.
        """
        self._check_shape("gradient", gradient)
        if self.grad is None:
            self.grad = gradient
        else:
            self.grad += gradient

    def numpy(self) -> np.ndarray:
        """Return a copy of the value."""
        return self.value.copy()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False and dtype not in (None, np.float32):
            raise ValueError(f"{self.path}: cannot be seen as {dtype} without a copy.")
        return self.value.astype(dtype or np.float32, copy=copy is not False)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}>"

    def _check_shape(self, what: str, array: np.ndarray) -> None:
        if array.shape != self.value.shape:
            raise ValueError(
                f"{self.path}: {what} must have shape {self.value.shape}, got {array.shape}."
            )
