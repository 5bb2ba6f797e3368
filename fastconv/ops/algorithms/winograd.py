"""Winograd's F(2x2, 3x3): 16 multiplications where direct convolution does 36.

Its sums are shorter than a chain over all taps, so it is about as accurate. Tiles that hold
infinities or NaN are computed directly, because the transforms would spread them.
Lavin & Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308.
"""

from __future__ import annotations

from .algorithm import ConvAlgorithm, Float32
from .costs import COPY_CYCLES, TRANSFORM_CYCLES, kernel_transform_cycles, product_cycles
from .problem import ConvProblem
from .views import filter_driver, winograd_driver


class Winograd(ConvAlgorithm):
    """F(2x2, 3x3) for stride 1, in all directions; dx is the same of dy and the kernel turned."""

    name = "winograd2"
    # A transform adds up to 16 inputs of a tile, of which a window of direct convolution sees 9:
    # the rounding errors of one output come from its neighbours' magnitudes too.
    error_factor = 16.0

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

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return 16 products a tile, and the transforms of tiles and kernel."""
        forward = direction != "backward_input"
        height, width = (p.OH, p.OW) if forward else (p.H, p.W)
        read, written = (p.C, p.F) if forward else (p.F, p.C)
        tiles = p.N * -(-height // 2) * -(-width // 2)
        share = tiles * 16 / max(p.N * p.OH * p.OW * 9, 1)
        copied = COPY_CYCLES * tiles * 4 * read
        moved = TRANSFORM_CYCLES * 16 * tiles * (read + written) + kernel_transform_cycles(p, 16)
        return product_cycles(p, written) * share + moved + copied

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return the transformed kernel and a block of transformed tiles."""
        return winograd_driver(p, direction == "backward_input").workspace_bytes()

    def forward(
        self,
        p: ConvProblem,
        x: Float32,
        kernel: Float32,
        bias: Float32 | None,
        activation: int,
        y: Float32,
    ) -> None:
        """Write y."""
        winograd_driver(p, False).run(
            x.reshape(-1), kernel.reshape(-1), y.reshape(-1), bias, activation
        )

    def backward_input(self, p: ConvProblem, dy: Float32, kernel: Float32, dx: Float32) -> None:
        """Write dx."""
        winograd_driver(p, True).run(dy.reshape(-1), kernel.reshape(-1), dx.reshape(-1))

    def backward_filter(self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32) -> None:
        """Write dkernel."""
        arrays = x.reshape(-1), dy.reshape(-1), dkernel.reshape(-1)
        if not winograd_driver(p, False).run_filter(*arrays):
            filter_driver(p, False).run(*arrays)
