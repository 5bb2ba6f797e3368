"""Buffers: the arrays of a compiled program, laid into one piece of memory before it runs.

Two buffers share memory if no instruction needs both: when one comes to life after the other's last
use. Offsets are found by playing the program through with a best-fit allocator.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..ops import memory


class Buffer:
    """An array that exists from the first to the last instruction that names it.

    Parameters
    ----------
    shape : tuple of int
    dtype : NumPy dtype
    of : Buffer, optional
        The buffer whose memory this one is, under another shape.
    is_own : bool
        Whether it gets memory of its own, by `take`.

    Attributes
    ----------
    first, last : int
        Numbers of instructions.
    offset : int
        Bytes from the start of the memory.
    """

    __slots__ = ("_array", "dtype", "first", "is_own", "last", "of", "offset", "shape")

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: type = np.float32,
        of: Buffer | None = None,
        is_own: bool = False,
    ) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.of = of.root if of is not None else None
        self.first, self.last = -1, -1
        self.offset = 0
        self._array: np.ndarray | None = None
        self.is_own = is_own

    @property
    def root(self) -> Buffer:
        """The buffer that has the memory."""
        return self if self.of is None else self.of

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def array(self) -> np.ndarray:
        """The array, once memory is laid out."""
        if self._array is None:
            assert self.of is not None
            self._array = self.of.array.reshape(self.shape)
        return self._array

    def use(self, at: int) -> None:
        """Note that an instruction reads or writes it."""
        root = self.root
        if root.first < 0:
            root.first = at
        root.last = max(root.last, at)

    def lay(self, block: np.ndarray) -> None:
        """Take the place in a block of memory that `plan_memory` found."""
        part = block[self.offset : self.offset + self.nbytes]
        self.take(part.view(self.dtype).reshape(self.shape))

    def take(self, array: np.ndarray) -> None:
        """Be this array."""
        self._array = array


def plan_memory(buffers: Iterable[Buffer]) -> int:
    """Give each buffer an offset, and return the bytes that are needed."""
    born = sorted(buffers, key=lambda buffer: buffer.first)
    living: list[Buffer] = []
    free: list[tuple[int, int]] = []  # offset and size of gaps, by offset
    top = 0
    for buffer in born:
        for dead in [other for other in living if other.last < buffer.first]:
            living.remove(dead)
            _release(free, dead.offset, memory.rounded(dead.nbytes))
        size = memory.rounded(buffer.nbytes)
        fitting = [gap for gap in free if gap[1] >= size]
        if fitting:
            gap = min(fitting, key=lambda gap: gap[1])
            free.remove(gap)
            buffer.offset = gap[0]
            if gap[1] > size:
                _release(free, gap[0] + size, gap[1] - size)
        else:
            if free and sum(free[-1]) == top:  # a gap at the end grows
                top = free.pop()[0]
            buffer.offset, top = top, top + size
        living.append(buffer)
    return top


def _release(free: list[tuple[int, int]], offset: int, size: int) -> None:
    """Add a gap to the list, joined with its neighbours."""
    free.append((offset, size))
    free.sort()
    joined: list[tuple[int, int]] = []
    for gap in free:
        if joined and sum(joined[-1]) == gap[0]:
            joined[-1] = joined[-1][0], joined[-1][1] + gap[1]
        else:
            joined.append(gap)
    free[:] = joined
