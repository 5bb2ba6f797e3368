"""Arrays in one piece of memory: apart, aligned, and whole huge pages where there is much of it."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.ops import memory


@pytest.mark.parametrize(
    "shapes",
    [[], [()], [(0,), (3,)], [(5, 7), (1,), (0, 4), (33,)], [(600, 500), (7,), (300, 400)]],
)
def test_arrays_are_zero_aligned_and_apart(shapes: list[tuple[int, ...]]) -> None:
    arrays = memory.arrays(shapes)
    assert [a.shape for a in arrays] == shapes
    for i, a in enumerate(arrays):
        assert a.dtype == np.float32
        assert a.flags.c_contiguous
        assert a.ctypes.data % memory.ALIGNMENT == 0
        assert not a.any()
        a.fill(i + 1)
    assert all((a == i + 1).all() for i, a in enumerate(arrays))


@pytest.mark.parametrize("nbytes", [1, memory.FEWEST_HUGE - 1, memory.FEWEST_HUGE, 5 << 20])
def test_much_memory_fills_huge_pages(nbytes: int) -> None:
    block = memory.allocate(nbytes)
    assert len(block) == nbytes
    huge = nbytes >= memory.FEWEST_HUGE
    assert block.ctypes.data % (memory.HUGE_PAGE if huge else memory.ALIGNMENT) == 0
    assert memory.taken(nbytes) % (memory.HUGE_PAGE if huge else 1) == 0
    assert nbytes <= memory.taken(nbytes) < nbytes + memory.HUGE_PAGE
    memory.touch(block)
    assert not block[:: memory.PAGE].any()


@pytest.mark.parametrize("shape", [(), (0, 4), (3, 5), (1024,), (7, 33, 65)])
def test_empty_arrays_are_whole_and_aligned_if_they_are_large(shape: tuple[int, ...]) -> None:
    array = memory.empty(shape)
    assert array.shape == shape
    assert array.dtype == np.float32
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert array.nbytes < memory.PAGE or array.ctypes.data % memory.ALIGNMENT == 0
