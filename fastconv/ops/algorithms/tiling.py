"""Winograd's tiles for a kernel of any size: which F(m, r), and the parts it is cut into.

Along one axis, F(m, r) makes m outputs with r taps from n = m + r - 1 products. Fewer taps leave
the last product out; more are summed in parts, each of which begins whole tiles further on, so that
one transform of the input serves all of them. With a stride of s, so do each s-th pixel and tap.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from ...kernels.winograd import members


class Part(NamedTuple):
    """Taps that one F(m, r) sums."""

    #: Which of the stride's phases of pixels it reads, and how many tiles further on.
    phase: int
    tiles: int
    taps: tuple[int, ...]


class Axis(NamedTuple):
    """One axis of a kernel, cut into parts."""

    m: int
    r: int
    stride: int
    parts: tuple[Part, ...]
    #: Multiplications for m outputs.
    products: int

    @property
    def n(self) -> int:
        """Inputs of a tile."""
        return self.m + self.r - 1

    @property
    def tiles_after(self) -> int:
        """How many more tiles are read than written."""
        return max(part.tiles for part in self.parts)

    def tiles(self, outputs: int) -> int:
        """Return how many tiles make so many outputs."""
        return -(-outputs // self.m)


class Tiling(NamedTuple):
    """Both axes."""

    rows: Axis
    cols: Axis

    @property
    def member(self) -> tuple[int, int, int, int]:
        """The tile, as kernels/winograd calls it."""
        return self.rows.m, self.rows.r, self.cols.m, self.cols.r

    @property
    def upright(self) -> tuple[int, int, int, int]:
        """The same for tiles that lie and those that stand."""
        return max(self.member, self.member[2:] + self.member[:2])

    @property
    def planes(self) -> int:
        """Products of one part."""
        return self.rows.n * self.cols.n

    @property
    def products(self) -> int:
        """Multiplications for one tile of outputs, for each pair of channels."""
        return self.rows.products * self.cols.products

    def parts(self, turned: bool) -> list[tuple[int, int, int, int, bool, bool, list[int]]]:
        """Return the parts as kernels/winograd wants them, of the kernel turned over or not."""
        height = sum(len(part.taps) for part in self.rows.parts)
        width = sum(len(part.taps) for part in self.cols.parts)
        last = height * width - 1
        parts = []
        for i in self.rows.parts:
            for j in self.cols.parts:
                taps = [-1] * (self.rows.r * self.cols.r)
                for a, kh in enumerate(i.taps):
                    for b, kw in enumerate(j.taps):
                        tap = kh * width + kw
                        taps[a * self.cols.r + b] = last - tap if turned else tap
                full = len(i.taps) == self.rows.r, len(j.taps) == self.cols.r
                parts.append((i.phase, j.phase, i.tiles, j.tiles, *full, taps))
        return parts


@lru_cache(maxsize=256)
def tiling(m: int, window: tuple[int, int], strides: tuple[int, int]) -> Tiling | None:
    """Return the tiling with m outputs along each axis of the kernel, or None if there is none.

    An axis with one tap is left alone.
    """
    able = [
        Tiling(rows, cols)
        for mv, rv, mh, rh in _lying_too()
        if (mv, mh) == tuple(1 if taps == 1 else m for taps in window)
        and (rows := _axis(mv, rv, window[0], strides[0])) is not None
        and (cols := _axis(mh, rh, window[1], strides[1])) is not None
    ]
    return min(able, key=lambda t: (t.products, t.planes), default=None)


def _lying_too() -> Iterator[tuple[int, int, int, int]]:
    for mv, rv, mh, rh in members():
        yield mv, rv, mh, rh
        if mv != mh:
            yield mh, rh, mv, rv


def _axis(m: int, r: int, taps: int, stride: int) -> Axis | None:
    if m == 1:
        return Axis(1, 1, 1, (Part(0, 0, (0,)),), 1) if taps == stride == 1 else None
    parts, products = [], 0
    for phase in range(stride):
        own = range(phase, taps, stride)
        if not own:
            return None
        begin = 0
        while begin < len(own):
            end = len(own) if begin + r >= len(own) else (begin + r) // m * m
            if end == begin:
                return None
            parts.append(Part(phase, begin // m, tuple(own[begin:end])))
            products += m + r - 1 - (end - begin < r)
            begin = end
    return Axis(m, r, stride, tuple(parts), products)
