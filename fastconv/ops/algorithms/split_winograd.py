"""Winograd's tiles with products of split floats: fewer multiplications, and faster ones (AMX)."""

from __future__ import annotations

from ...kernels import isa
from .problem import ConvProblem
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

    def inaccurate_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: see Winograd, or slow products of bfloat16 numbers."""
        if isa.split_cycles() == 0:
            return "this CPU has no instructions for products of bfloat16 numbers"
        return super().inaccurate_reason(p, direction)
