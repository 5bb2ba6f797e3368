"""Winograd's F(m, r): m outputs along an axis from m + r - 1 multiplications, not m r.

Its sums are shorter than a chain over all taps, but its transforms amplify rounding errors, the
more the larger the tile. Tiles that hold infinities or NaN are computed directly, because the
transforms would spread them. Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks",
arXiv:1509.09308.
"""

from __future__ import annotations

from collections.abc import Callable

from ...kernels import isa
from ...kernels.winograd import Winograd as WinogradDriver
from ...kernels.winograd import members
from .algorithm import Float32, FusingAlgorithm, flat
from .costs import (
    BLOCK_PIXELS,
    COPY_CYCLES,
    KERNEL_SHARE,
    kernel_transform_cycles,
    product_cycles,
    read_cycles,
    store_cycles,
    transform_cycles,
)
from .problem import ConvProblem
from .tiling import Tiling, tiling
from .views import filter_driver, winograd_driver

#: For each tile (see Tiling.upright), from how many summed products of an output (taps times
#: channels), and of an element of dkernel (pixels), on its rms error is at most that of one chain
#: of multiply-adds, whose error grows with its length while the transforms' does not. Measured on
#: normal numbers, their positive parts, and magnitudes from 1e-6 to 1e6 in one tensor.
LEAST_SUMMED = {
    (2, 3, 2, 3): (144, 144),
    (3, 3, 3, 3): (360, 576),
    (4, 3, 4, 3): (2016, 1536),
    (3, 2, 3, 2): (144, 192),
    (4, 2, 4, 2): (512, 576),
    (2, 3, 1, 1): (112, 144),
    (3, 3, 1, 1): (144, 192),
    (4, 3, 1, 1): (240, 288),
    (3, 4, 1, 1): (224, 288),
}


class Winograd(FusingAlgorithm):
    """Convolutions in tiles of m outputs along each axis of the kernel that has several taps.

    The kernel is cut into parts that fit the tiles, by the stride's phases too (see tiling). dx of
    stride 1 is the same of dy and the kernel turned.

    Parameters
    ----------
    m : 2, 3 or 4
        Outputs of a tile along each such axis.
    error_factor : float
        See ConvAlgorithm: the errors of one output come from its neighbours' magnitudes too.
    """

    #: Bfloat16 numbers that transformed floats are split into for the products; 0: none.
    halves = 0

    def __init__(self, m: int, error_factor: float) -> None:
        self.m = m
        self.name = f"winograd{m}"
        self.error_factor = error_factor
        # All products of a tile's m + r - 1 pixels with a part's r taps.
        self.reach = max(m + r - 2 for outputs, r, *_ in members() if outputs == m)
        self.exact_integers = m == 2  # the other points are fractions

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: it is for kernels that its tiles can be cut into, without groups."""
        if p.dilation != (1, 1):
            return "the kernel is dilated"
        if p.groups != 1:
            return "it has groups"
        if p.strides != (1, 1) and direction == "backward_input":
            return "the stride is not 1"
        if self.tiling(p) is None:
            return f"no tiles for {p.KH}x{p.KW} kernels of strides {p.strides}"
        return None

    def tiling(self, p: ConvProblem) -> Tiling | None:
        """Return its tiles for a problem, None if there are none."""
        return tiling(self.m, (p.KH, p.KW), p.strides)

    def inaccurate_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: too short sums to be as accurate as a chain of multiply-adds."""
        if p.precision != "highest":
            return None
        t = self.tiling(p)
        assert t is not None  # see unsupported_reason
        least, least_pixels = LEAST_SUMMED[t.upright]
        if direction == "backward_filter":
            summed, least = p.N * p.OH * p.OW, least_pixels
        else:
            forward = direction == "forward"
            summed = p.KH * p.KW * (p.C if forward else p.F)
            pairs = p.KH * p.KW * (p.OH * p.OW if forward else p.H * p.W)
            if 2 * p.pairs_inside < pairs:
                return "less accurate than direct sums where most taps lie outside the image"
        # What else it suffers from: taps left out; SSE2, which fuses no multiply-adds; products of
        # split floats, which are more additions to a sum.
        suffers = (t.products < t.planes) + (isa.vector_length() < 8) + (self.halves > 0)
        least += least // 2 * suffers
        if summed < least:
            return f"less accurate than direct sums of fewer than {least} products, here {summed}"
        return None

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return the products of tiles, and the transforms of tiles and kernel."""
        t = self.tiling(p)
        assert t is not None  # see unsupported_reason
        forward = direction != "backward_input"
        height, width = (p.OH, p.OW) if forward else (p.H, p.W)
        read, written = (p.C, p.F) if forward else (p.F, p.C)
        rows, cols = t.rows.tiles(height), t.cols.tiles(width)
        tiles = p.N * rows * cols
        loaded = p.N * (rows + t.rows.tiles_after) * (cols + t.cols.tiles_after)
        phases = p.strides[0] * p.strides[1]
        copied = COPY_CYCLES * loaded * phases * t.rows.m * t.cols.m * read
        vl = isa.vector_length()
        vectors = loaded * phases * -(-read // vl) + tiles * -(-written // vl)
        moved = transform_cycles(max(t.rows.n, t.cols.n), t.planes * vectors)
        transformed = KERNEL_SHARE[direction] * kernel_transform_cycles(p, t.products)
        stored = store_cycles(tiles * t.products * -(-written // vl))
        products = self.multiplied(p, t, tiles, loaded * phases, read, written)
        return products + stored + moved + transformed + copied

    def multiplied(
        self, p: ConvProblem, t: Tiling, tiles: int, loaded: int, read: int, written: int
    ) -> float:
        """Return the cycles of the products of `tiles` tiles, for which `loaded` are read."""
        share = tiles * t.products / max(p.N * p.OH * p.OW * p.KH * p.KW, 1)
        kernel = read_cycles(
            p, t.products * p.C * p.F, -(-tiles * t.rows.m * t.cols.m // BLOCK_PIXELS)
        )
        return product_cycles(p, written) * share + kernel

    def driver(self, p: ConvProblem, direction: str) -> WinogradDriver:
        """Return what computes y or dx."""
        t = self.tiling(p)
        assert t is not None  # see unsupported_reason
        return winograd_driver(t, p, direction == "backward_input", self.halves)

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return the transformed kernel and a block of transformed tiles."""
        return self.driver(p, direction).workspace_bytes()

    def bind_backward_filter(
        self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32
    ) -> Callable[[], None]:
        """Return `backward_filter` as a function without arguments."""
        from ...kernels.winograd_filter import kernel_gradient

        driver, arrays = self.driver(p, "backward_filter"), flat(x, dy, dkernel)

        def run() -> None:
            if not kernel_gradient(driver, *arrays):
                filter_driver(p, False).run(*arrays)

        return run
