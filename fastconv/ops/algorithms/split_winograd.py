"""Winograd's tiles with products of split floats: fewer multiplications, and faster ones (AMX)."""

from __future__ import annotations

from ...kernels import isa
from .costs import BLOCK_PIXELS, SHORT_STRIPS, SPLIT_CYCLES, read_cycles
from .problem import ConvProblem
from .split import products_cycles
from .tiling import Tiling
from .winograd import Winograd


class SplitWinograd(Winograd):
    """As Winograd; transformed tiles and kernels are multiplied as in algorithms/split.

    Three bfloat16 numbers hold a float, and six products of them its products: what rounding errors
    there are come from the transforms.
    """

    halves = 3

    def __init__(self, m: int, error_factor: float) -> None:
        super().__init__(m, error_factor)
        self.name = f"split_winograd{m}"

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: see Winograd, whose gradient for the kernel multiplies floats."""
        if direction == "backward_filter":
            return "it does not sum over tiles"
        return super().unsupported_reason(p, direction)

    def inaccurate_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: see Winograd, or slow products of bfloat16 numbers."""
        if self.m == 4 and p.precision == "highest":
            return "less accurate than direct sums, however long"
        reason = super().inaccurate_reason(p, direction)
        if reason is None and isa.split_cycles() == 0:
            return "this CPU has no instructions for products of bfloat16 numbers"
        return reason

    def multiplied(
        self, p: ConvProblem, t: Tiling, tiles: int, loaded: int, read: int, written: int
    ) -> float:
        """Return the cycles of products of split floats, and of splitting the tiles."""
        products = -(-tiles // 16) * -(-written // 16) * -(-read // 32) * t.products
        split = SPLIT_CYCLES * self.halves * t.planes * loaded * read
        blocks = -(-tiles * t.rows.m * t.cols.m // BLOCK_PIXELS)
        kernel = read_cycles(p, self.halves / 2 * t.products * p.C * p.F, blocks)
        return SHORT_STRIPS * products_cycles(products, self.halves) + split + kernel
