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
        ys = (o * sh + k * dh - top for o in range(self.OH) for k in range(self.KH))
        xs = (o * sw + k * dw - left for o in range(self.OW) for k in range(self.KW))
        return sum(0 <= y < self.H for y in ys) * sum(0 <= x < self.W for x in xs)

    @property
    def macs(self) -> int:
        """Multiply-adds of one direction, products with padding included."""
        return self.N * self.OH * self.OW * self.KH * self.KW * self.C // self.groups * self.F
