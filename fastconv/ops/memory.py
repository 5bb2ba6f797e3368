"""Memory of arrays: aligned, and on huge pages where there is much of it that is kept.

NumPy's own arrays begin wherever the system puts them, 16 bytes behind a cache line if they are
large: then each vector of 64 bytes lies on two lines. What touches memory for the first time waits
for each of its pages: with pages of 4 KB that may be longer than a step of a small network takes.
A huge page comes at once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Arrays begin on cache lines.
ALIGNMENT = 64
#: NumPy asks the system for huge pages where it allocates at least two of them, 4 MB.
HUGE_PAGE = 2 << 20
#: From so many bytes on a huge page comes faster than small ones, though they do not fill it.
FEWEST_HUGE = HUGE_PAGE // 4
#: No system has smaller pages.
PAGE = 4096


def rounded(nbytes: int) -> int:
    """Return how many bytes that many take up beside others."""
    return -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT


def taken(nbytes: int) -> int:
    """Return how many bytes `allocate` takes for that many: whole huge pages."""
    return nbytes if nbytes < FEWEST_HUGE else -(-nbytes // HUGE_PAGE) * HUGE_PAGE


def allocate(nbytes: int) -> NDArray[np.uint8]:
    """Return that many bytes of aligned memory; what they hold is arbitrary."""
    alignment = ALIGNMENT if nbytes < FEWEST_HUGE else HUGE_PAGE
    memory = np.empty(taken(nbytes) + alignment, np.uint8)
    skip = -memory.__array_interface__["data"][0] % alignment  # .ctypes takes longer
    return memory[skip : skip + nbytes]


def empty(shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return a float32 array that begins on a cache line, unless it is small."""
    nbytes = 4 * math.prod(shape)
    if nbytes < PAGE:
        return np.empty(shape, np.float32)
    memory = np.empty(nbytes + ALIGNMENT, np.uint8)
    skip = -memory.__array_interface__["data"][0] % ALIGNMENT
    return memory[skip : skip + nbytes].view(np.float32).reshape(shape)


def arrays(shapes: Sequence[tuple[int, ...]]) -> list[NDArray[np.float32]]:
    """Return float32 arrays of zeros, side by side in one piece of memory."""
    sizes = [4 * math.prod(shape) for shape in shapes]
    memory, begin, laid = allocate(sum(map(rounded, sizes))), 0, []
    memory.fill(0)
    for shape, size in zip(shapes, sizes, strict=True):
        laid.append(memory[begin : begin + size].view(np.float32).reshape(shape))
        begin += rounded(size)
    return laid


def touch(memory: NDArray[np.uint8]) -> None:
    """Have the system give all pages of memory now; what it holds is lost."""
    memory[::PAGE] = 0
