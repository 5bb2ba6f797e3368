"""A convolution without its arrays: what the choice of an algorithm may look at."""

from __future__ import annotations

from typing import NamedTuple

from .. import shapes

#: The three products of a convolution.
DIRECTIONS = ("forward", "backward_input", "backward_filter")


class ConvProblem(NamedTuple):
    """Sizes of y[n] = x[n] * kernel, NHWC; kernel (KH, KW, C // groups, F)."""

    N: int
    H: int
    W: int
    C: int
    F: int
    KH: int
    KW: int
    strides: tuple[int, int]
    pads: shapes.Pads
    dilation: tuple[int, int]
    groups: int
    OH: int
    OW: int
    #: The accuracy that is asked for, see ops.precision.
    precision: str = "highest"

    @property
    def x_shape(self) -> tuple[int, int, int, int]:
        """Shape of x and dx."""
        return self.N, self.H, self.W, self.C

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        """Shape of kernel and dkernel."""
        return self.KH, self.KW, self.C // self.groups, self.F

    @property
    def y_shape(self) -> tuple[int, int, int, int]:
        """Shape of y and dy."""
        return self.N, self.OH, self.OW, self.F

    @property
    def pairs_inside(self) -> int:
        """Pairs of an output and a tap, of one image and channel, whose pixel is not padding."""
        (top, _), (left, _) = self.pads
        (sh, sw), (dh, dw) = self.strides, self.dilation
        rows = _pairs_inside(self.H, self.OH, self.KH, sh, dh, top)
        return rows * _pairs_inside(self.W, self.OW, self.KW, sw, dw, left)

    @property
    def macs(self) -> int:
        """Multiply-adds of one direction, products with padding included."""
        return self.N * self.OH * self.OW * self.KH * self.KW * self.C // self.groups * self.F


def _pairs_inside(size: int, outputs: int, taps: int, stride: int, dilation: int, pad: int) -> int:
    """Return the pairs along one axis: tap k reads pixels k * dilation - pad + stride * output."""
    pairs = 0
    for begin in range(-pad, taps * dilation - pad, dilation):
        first = max(0, -(begin // stride))
        pairs += max(0, min(outputs, -((begin - size) // stride)) - first)
    return pairs
