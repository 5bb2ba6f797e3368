"""Winograd's F(m x m, 3x3): (m + 2)^2 multiplications where direct convolution does 9 m^2.

Its sums are shorter than a chain over all taps, but its transforms amplify rounding errors, the
more the larger the tile. Tiles that hold infinities or NaN are computed directly, because the
transforms would spread them. Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks",
arXiv:1509.09308.
"""

from __future__ import annotations

from ...kernels.winograd import Winograd as WinogradDriver
from .algorithm import DrivenAlgorithm, Float32
from .costs import (
    COPY_CYCLES,
    KERNEL_SHARE,
    TRANSFORM_CYCLES,
    kernel_transform_cycles,
    product_cycles,
)
from .problem import ConvProblem
from .views import filter_driver, winograd_driver


class Winograd(DrivenAlgorithm):
    """F(m x m, 3x3) for stride 1, in all directions; dx is the same of dy and the kernel turned.

    Parameters
    ----------
    m : 2, 3 or 4
        Outputs of a tile along each axis.
    least_channels, least_pixels : int
        From how many summed channels (of y and dx) or pixels (of dkernel) on its rms error is at
        most that of one chain of multiply-adds, whose error grows with its length while the
        transforms' does not. Measured on normal numbers, their positive parts, and
        magnitudes from 1e-6 to 1e6 in one tensor.
    error_factor : float
        See ConvAlgorithm: the errors of one output come from its neighbours' magnitudes too.
    """

    def __init__(self, m: int, least_channels: int, least_pixels: int, error_factor: float) -> None:
        self.m = m
        self.name = f"winograd{m}"
        self.least_channels = least_channels
        self.least_pixels = least_pixels
        self.error_factor = error_factor
        self.reach = m + 1  # all products of m + 2 pixels with 3 taps
        self.exact_integers = m == 2  # the other points are fractions

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: it is for 3x3 kernels of stride 1 without groups."""
        if (p.KH, p.KW) != (3, 3):
            return "the kernel is not 3x3"
        if p.strides != (1, 1):
            return "the stride is not 1"
        if p.dilation != (1, 1):
            return "the kernel is dilated"
        if p.groups != 1:
            return "it has groups"
        return None

    def inaccurate_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: too short a sum to be as accurate as a chain of multiply-adds."""
        if p.precision != "highest":
            return None
        if direction == "backward_filter":
            summed, least = p.N * p.OH * p.OW, self.least_pixels
        else:
            forward = direction == "forward"
            summed, least = p.C if forward else p.F, self.least_channels
            if 2 * p.pairs_inside < 9 * (p.OH * p.OW if forward else p.H * p.W):
                return "less accurate than direct sums where most taps lie outside the image"
        if summed < least:
            return f"less accurate than direct sums unless {least} are summed, here {summed}"
        return None

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return the products of tiles, and the transforms of tiles and kernel."""
        m, planes = self.m, (self.m + 2) ** 2
        forward = direction != "backward_input"
        height, width = (p.OH, p.OW) if forward else (p.H, p.W)
        read, written = (p.C, p.F) if forward else (p.F, p.C)
        tiles = p.N * -(-height // m) * -(-width // m)
        share = tiles * planes / max(p.N * p.OH * p.OW * 9, 1)
        copied = COPY_CYCLES * tiles * m * m * read
        moved = TRANSFORM_CYCLES * planes * tiles * (read + written)
        transformed = KERNEL_SHARE[direction] * kernel_transform_cycles(p, planes)
        return product_cycles(p, written) * share + moved + transformed + copied

    def driver(self, p: ConvProblem, direction: str) -> WinogradDriver:
        """Return what computes y or dx."""
        return winograd_driver(self.m, p, direction == "backward_input")

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return the transformed kernel and a block of transformed tiles."""
        return self.driver(p, direction).workspace_bytes()

    def backward_filter(self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32) -> None:
        """Write dkernel."""
        arrays = x.reshape(-1), dy.reshape(-1), dkernel.reshape(-1)
        if not winograd_driver(self.m, p, False).run_filter(*arrays):
            filter_driver(p, False).run(*arrays)
