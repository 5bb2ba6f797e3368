"""im2col: unfold the taps of a block of pixels side by side, then one matrix product.

Chellapilla, Puri & Simard, "High Performance Convolutional Neural Networks for Document
Processing", 2006 - but in blocks that stay in L2: the whole unfolded matrix never exists.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .algorithm import Bound, ConvAlgorithm, Float32, flat
from .costs import (
    COPY_CYCLES,
    SHORTEST_RUN,
    gradient_cycles,
    product_cycles,
    read_cycles,
    scatter_cycles,
)
from .problem import ConvProblem
from .views import filter_driver, fold_driver, forward_driver


class Im2col(ConvAlgorithm):
    """Products on unfolded blocks; dx is folded back from blocks of dy @ kernel.T (col2im)."""

    name = "im2col"

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return None: it takes every problem."""
        return None

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return products and the unfolded copy."""
        unfolded = p.N * p.OH * p.OW * p.KH * p.KW * p.C
        kernel = read_cycles(p, p.KH * p.KW * p.C // p.groups * p.F)
        if direction == "backward_input":
            added = unfolded * max(SHORTEST_RUN * p.groups / p.C, 1.0)
            products = product_cycles(p, p.KH * p.KW * p.C // p.groups)
            return products + scatter_cycles(added) + kernel
        products = product_cycles(p, p.F // p.groups)
        run = p.KW * p.C if p.dilation[1] == 1 and p.groups == 1 else p.C // p.groups
        copied = COPY_CYCLES * unfolded * max(SHORTEST_RUN / run, 1.0)
        if direction == "backward_filter":
            # Its sums run across the rows that were written, from one cache line to another.
            return products + 3 * copied + gradient_cycles(p, unfolded // 2)
        return products + copied + kernel

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return an unfolded block, a packed panel and row pointers."""
        if direction == "forward":
            return forward_driver(p, True).workspace_bytes()
        if direction == "backward_input":
            return fold_driver(p).workspace_bytes()
        return filter_driver(p, True).workspace_bytes()

    def bind_forward(
        self,
        p: ConvProblem,
        x: Float32,
        kernel: Float32,
        bias: Float32 | None,
        activation: int,
        y: Float32,
    ) -> Bound:
        """Return `forward` as a function of the packed kernel, which is None."""
        flat = x.reshape(-1), kernel.reshape(-1), y.reshape(-1)
        return forward_driver(p, True).bind(*flat, bias, activation)

    def bind_backward_input(
        self, p: ConvProblem, dy: Float32, kernel: Float32, dx: Float32
    ) -> Bound:
        """Return `backward_input` as a function of the packed kernel, which is None."""
        run = partial(fold_driver(p).run, dy.reshape(-1), kernel.reshape(-1), dx.reshape(-1))
        return lambda packed: run()

    def bind_backward_filter(
        self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32
    ) -> Callable[[], None]:
        """Return `backward_filter` as a function without arguments."""
        return partial(filter_driver(p, True).run, *flat(x, dy, dkernel))
