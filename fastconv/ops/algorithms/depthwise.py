"""Depthwise convolution: every group is one channel, with M = F / C filters of its own.

Bound by memory, so it is worked off along channels: one read of x, one write of y.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ...kernels import depthwise as kernels
from .algorithm import Bound, ConvAlgorithm, Float32
from .costs import TOUCH_CYCLES, product_cycles
from .problem import ConvProblem


class Depthwise(ConvAlgorithm):
    """Vectors of channels; copied rows repeat a channel for each of its filters."""

    name = "depthwise"

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why not: it is for one channel a group, and more than one of them."""
        return None if p.groups == p.C > 1 else "a group is not a single channel"

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return products over all channels as one vector, and the passes over x and y."""
        passes = p.N * (p.H * p.W * p.C + p.OH * p.OW * p.F) * (2 if p.F > p.C else 1)
        return product_cycles(p, p.F) + TOUCH_CYCLES * passes

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return the copied rows and kernel of a block."""
        backward = direction == "backward_input"
        images = (p.y_shape, p.x_shape) if backward else (p.x_shape, p.y_shape)
        return kernels.workspace_bytes(*images, (p.KH, p.KW, p.F), _geometry(p), backward)

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
        arrays = x, _flat(p, kernel), bias, y
        return kernels.BoundDepthwise(*arrays, _geometry(p), activation, False)

    def bind_backward_input(
        self, p: ConvProblem, dy: Float32, kernel: Float32, dx: Float32
    ) -> Bound:
        """Return `backward_input` as a function of the packed kernel, which is None."""
        flat, geometry = _flat(p, kernel), _geometry(p)
        if p.F == p.C:
            return kernels.BoundDepthwise(dy, flat, None, dx, geometry, 0, True)

        def run(packed: Float32 | None) -> None:
            full = np.empty((p.N, p.H, p.W, p.F), np.float32)
            kernels.BoundDepthwise(dy, flat, None, full, geometry, 0, True)()
            kernels.sum_channels(full.reshape(-1), dx.reshape(-1))

        return run

    def bind_backward_filter(
        self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32
    ) -> Callable[[], None]:
        """Return `backward_filter` as a function without arguments."""
        arrays = x, dy, _flat(p, dkernel)
        return partial(kernels.depthwise_conv2d_backward_filter, *arrays, _geometry(p))


def _geometry(p: ConvProblem) -> tuple[int, int, int, int, int, int]:
    """Return (SH, SW, DH, DW, PT, PL), as the drivers want it."""
    return (*p.strides, *p.dilation, p.pads[0][0], p.pads[1][0])


def _flat(p: ConvProblem, kernel: Float32) -> Float32:
    """Return the kernel as (KH, KW, F)."""
    return kernel.reshape(p.KH, p.KW, p.F)
