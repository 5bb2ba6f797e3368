"""Axes that an op works along, brought to the end of an array and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


class AxesLast:
    """Moves some axes of C-contiguous arrays behind all others, and back; copies if it must.

    Parameters
    ----------
    ndim : int
    axes : sequence of int
        The ones to move, all from 0 to ndim - 1, in the order they are to have.
    """

    __slots__ = ("_back", "_order")

    def __init__(self, ndim: int, axes: Sequence[int]) -> None:
        self._order = [axis for axis in range(ndim) if axis not in axes] + list(axes)
        self._back = [self._order.index(axis) for axis in range(ndim)]

    def move(self, x: np.ndarray) -> np.ndarray:
        """Return `x` with the axes at the end."""
        return np.ascontiguousarray(x.transpose(self._order))

    def back(self, y: np.ndarray) -> np.ndarray:
        """Return an array of the moved shape with all axes where they were."""
        return np.ascontiguousarray(y.transpose(self._back))
