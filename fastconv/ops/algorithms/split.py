"""Split floats: float32 products from bfloat16 ones, for which CPUs have instructions (AMX).

A float32 number is the sum of three bfloat16 numbers. Six of the nine products of two such sums
give its accuracy and more (sums are shorter than a chain of multiply-adds), three products of two
parts come near it, and one product is what "medium" precision means. Henry, Tang & Heinecke,
"Leveraging the bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations",
arXiv:1904.06376.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ...kernels import isa
from .algorithm import AddingAlgorithm, Float32, flat
from .costs import (
    KERNEL_SHARE,
    LONG_STRIPS,
    SHIFTED_STRIPS,
    SHORT_STRIPS,
    SPLIT_CALL_CYCLES,
    SPLIT_CYCLES,
    SPLIT_KERNEL_CYCLES,
    SPLIT_STORE_CYCLES,
    fma_per_cycle,
    read_cycles,
)
from .problem import ConvProblem
from .views import split_driver, split_filter_driver

if TYPE_CHECKING:
    from ...kernels.split import SplitConvolution

#: Two parts leave an error that does not grow with the length of the sum, as that of a chain of
#: multiply-adds does: with as many products it is at most ten times a chain's, which "high" allows.
#: Measured on normal numbers, their positive parts, and magnitudes from 1e-6 to 1e6 in one tensor.
LEAST_SUMMED = 2048
#: Each step adds six products to a sum, however few of its 32 floats are there: with fewer than
#: this, a chain is rounded less often. Measured on the same numbers.
LEAST_IN_STEP = 10
#: Multiply-adds of one product of tiles.
TILE_MACS = 16 * 16 * 32


class Split(AddingAlgorithm):
    """Products of planes of bfloat16 numbers, in tiles; emulated where a CPU has no instruction.

    Results below 1.2e-38 may become zero, also where the CPU would keep them.
    """

    name = "split"

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: it does no groups."""
        return None if p.groups == 1 else "it has groups"

    def inaccurate_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: steps of few products, or slow products of bfloat16 numbers."""
        few = _summed(p, direction) < LEAST_IN_STEP * _steps(p, direction)
        if p.precision == "highest" and few:
            return f"less accurate than direct sums with fewer than {LEAST_IN_STEP} products a step"
        cycles = isa.split_cycles()
        if cycles == 0:
            return "this CPU has no instructions for products of bfloat16 numbers"
        if _products(p, direction) * cycles * fma_per_cycle() > TILE_MACS:
            return "so many products of bfloat16 numbers are slower than float32's on this CPU"
        return None

    def error_bound(self, p: ConvProblem, direction: str) -> float:
        """Return it: a float is off by 1/2 eps, or by 2**-17 or 2**-9 of itself as fewer parts."""
        return {3: self.error_factor, 2: 2.0**8, 1: 2.0**16}[_planes(p, direction)]

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return products of whole tiles, those between two rows of pixels too, and copies."""
        taps = p.KH * p.KW
        rows, written, read = p.N * p.OH * _row(p.OW, p.KW), p.F, p.H * p.W * p.C
        pixels = p.OH * p.OW
        steps = _steps(p, direction)
        if direction == "backward_input":
            rows, written, read = p.N * p.H * _row(p.W, p.KW), p.C, p.OH * p.OW * p.F
            pixels = p.H * p.W
            # Each pixel meets the taps of its phase of the strides.
            steps = -(-p.KH * _row_steps(p, p.KW, p.F) // (p.strides[0] * p.strides[1]))
        elif direction == "backward_filter":
            rows, read = taps * -(-p.C // 16) * 16, read + p.OH * p.OW * p.F
        planes = _planes(p, direction)
        cycles = products_cycles(-(-rows // 16) * -(-written // 16) * steps, planes)
        kernel = taps * p.C * p.F
        if direction == "backward_filter":
            cycles *= SHORT_STRIPS if taps == 1 else SHIFTED_STRIPS
            cycles += SPLIT_STORE_CYCLES * taps * p.C * -(-p.F // 16)
        else:
            cycles *= LONG_STRIPS
            cycles += SPLIT_STORE_CYCLES * p.N * pixels * -(-written // 16)
            cycles += SPLIT_KERNEL_CYCLES * planes * KERNEL_SHARE[direction] * kernel
            cycles += read_cycles(p, planes / 2 * kernel)
        return cycles + SPLIT_CYCLES * planes * p.N * read + SPLIT_CALL_CYCLES

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return a block's planes, and those of the kernel or of dy."""
        if direction == "backward_filter":
            return split_filter_driver(p, _planes(p, direction)).workspace_bytes()
        return self.driver(p, direction).workspace_bytes()

    def bind_backward_filter(
        self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32
    ) -> Callable[[], None]:
        """Return `backward_filter` as a function without arguments."""
        driver = split_filter_driver(p, _planes(p, "backward_filter"))
        return partial(driver.run, *flat(x, dy, dkernel))

    def driver(self, p: ConvProblem, direction: str) -> SplitConvolution:
        """Return what computes y or dx."""
        return split_driver(p, _planes(p, direction), direction == "backward_input")


def _row(pixels: int, taps: int) -> int:
    """Return the pixels that a row of outputs takes up in tiles, see kernels/split_grids.pyx."""
    fits = 11 <= pixels <= 16 or (22 <= pixels <= 32 and pixels % 2 == 0)
    return pixels if fits else pixels + taps - 1


def products_cycles(tiles: float, planes: int) -> float:
    """Return the cycles of products of tiles of floats, 16 x 32 by 32 x 16, in so many parts."""
    cycles = isa.split_cycles() or TILE_MACS / isa.vector_length()
    return tiles * cycles * (planes * (planes + 1) // 2)


def _planes(p: ConvProblem, direction: str) -> int:
    """Return the parts of a float that the precision asks for."""
    few = _summed(p, direction) < LEAST_SUMMED
    if p.precision == "highest" or (p.precision == "high" and few):
        return 3
    return 2 if p.precision == "high" else 1


def _summed(p: ConvProblem, direction: str) -> int:
    """Return the products that a result sums up, at most."""
    if direction == "backward_filter":
        return p.N * p.OH * p.OW
    if direction == "forward":
        return p.KH * p.KW * p.C
    return math.prod(_taps_of_phase(p)) * p.F


def _steps(p: ConvProblem, direction: str) -> int:
    """Return the steps of up to 32 products that a result is summed in, at most."""
    if direction == "backward_filter":
        return p.N * -(-p.OH * (p.OW + p.KW - 1) // 32)
    if direction == "forward":
        phases = min(p.strides[1], p.KW)
        return p.KH * phases * _row_steps(p, -(-p.KW // phases), p.C)
    rows, cols = _taps_of_phase(p)
    return rows * _row_steps(p, cols, p.F)


def _taps_of_phase(p: ConvProblem) -> tuple[int, int]:
    """Return the most taps along each axis that a pixel of x meets."""
    return -(-p.KH // p.strides[0]), -(-p.KW // p.strides[1])


def _products(p: ConvProblem, direction: str) -> int:
    """Return the products of parts that make up a product of floats."""
    planes = _planes(p, direction)
    return planes * (planes + 1) // 2


def _row_steps(p: ConvProblem, taps: int, channels: int) -> int:
    """Return the steps of a row of taps, which are no neighbours if they are dilated."""
    if p.dilation[1] > 1:
        return taps * -(-channels // 32)
    return -(-taps * channels // 32)
