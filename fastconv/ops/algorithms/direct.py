"""Direct convolution: no unfolding; the register tile walks over the taps of the (padded) image.

Takes every problem. Rows of neighbouring taps are summed as one run when a pixel's channels lie
side by side, which is what makes few channels (a first layer's 1 or 3) affordable.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ...kernels import isa
from ...kernels.conv import TapConvolution
from ...kernels.gemm import takes_dots
from .algorithm import Float32, FusingAlgorithm, flat
from .costs import COPY_CYCLES, RUN_CYCLES, dot_cycles, gradient_cycles, product_cycles, read_cycles
from .problem import ConvProblem
from .views import filter_driver, forward_driver, input_driver


class Direct(FusingAlgorithm):
    """Register-blocked NHWC convolution; dx as a convolution of dy, by phases of the strides."""

    name = "direct"

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return None: it takes every problem."""
        return None

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return products, starts of runs of taps, and the padded copy."""
        _, cols = isa.tile_shape()
        # Taps of one row are one run unless dilation, strides of dx or other groups lie between.
        merged = p.dilation[1] == 1 and (direction != "backward_input" or p.strides[1] == 1)
        taps = p.KH * p.KW
        run = p.KW if merged and p.groups == 1 else 1
        runs = taps // run
        pixels, summed, channels = p.N * p.OH * p.OW, p.C // p.groups, p.F // p.groups
        share = 1.0
        if direction == "backward_input":
            # All taps of all pixels of dx that a phase of the strides leaves, at the border too.
            pixels, summed, channels = p.N * p.H * p.W, channels, summed
            share = p.H * p.W / (p.OH * p.OW * p.strides[0] * p.strides[1])
        if direction != "backward_filter" and takes_dots(channels, run * summed, taps * summed):
            products = dot_cycles(p, pixels * channels * p.groups) * share
        else:
            products = product_cycles(p, channels) * share
        starts = pixels * p.groups * -(-channels // cols) * runs
        copied = p.N * p.H * p.W * p.C if any(map(sum, p.pads)) else 0
        if direction == "backward_filter":
            # Rows of pixels are the runs here.
            starts = p.N * p.OH * p.groups * -(-channels // cols) * p.KH * p.KW * p.C // p.groups
            kernel = gradient_cycles(p, p.N * max(p.H * p.W * p.C, p.OH * p.OW * p.F))
        else:
            kernel = read_cycles(p, taps * p.C // p.groups * p.F)
        return products + RUN_CYCLES * starts + COPY_CYCLES * copied + kernel

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return a padded block, a packed panel and row pointers."""
        if direction == "forward":
            return forward_driver(p, False).workspace_bytes()
        if direction == "backward_input":
            return input_driver(p).workspace_bytes()
        return filter_driver(p, False).workspace_bytes()

    def driver(self, p: ConvProblem, direction: str) -> TapConvolution:
        """Return what computes y or dx."""
        return input_driver(p) if direction == "backward_input" else forward_driver(p, False)

    def packed_floats(self, p: ConvProblem, direction: str) -> int:
        """Return the size of the packed kernel."""
        if direction == "backward_input" and p.strides != (1, 1):
            return 0  # its phases read the taps apart
        return super().packed_floats(p, direction)

    def bind_backward_filter(
        self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32
    ) -> Callable[[], None]:
        """Return `backward_filter` as a function without arguments."""
        return partial(filter_driver(p, False).run, *flat(x, dy, dkernel))
