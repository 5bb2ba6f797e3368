"""The taps of a convolution as kernels/taps.pxd wants them, for the forward pass and for dx."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...kernels.conv import TapConvolution
from ...kernels.winograd import Winograd
from .problem import ConvProblem
from .tiling import Tiling

if TYPE_CHECKING:  # those that not all processes need are loaded by the first that does
    from ...kernels.conv_filter import FilterGradient
    from ...kernels.im2col import Folding
    from ...kernels.split import SplitConvolution
    from ...kernels.split_filter import SplitFilterGradient

View = tuple[Any, ...]
#: Drivers kept; each holds a few kilobytes, whatever the arrays' sizes.
CACHED = 256


def forward_view(p: ConvProblem) -> View:
    """Return the view of all output pixels: tap kh, kw of y[i, j] is x[i*SH + kh*DH - PT, ...]."""
    (top, _), (left, _) = p.pads
    (sh, sw), (dh, dw) = p.strides, p.dilation
    taps = [(kh, kw) for kh in range(p.KH) for kw in range(p.KW)]
    ty = [kh * dh - top for kh, _ in taps]
    tx = [kw * dw - left for _, kw in taps]
    return p.OH, p.OW, 0, p.OW * p.F, p.F, sh, sw, ty, tx, _kernel_offsets(p, taps)


def input_views(p: ConvProblem) -> list[View]:
    """Return one view of dx for each phase of the strides.

    dx[h, w] = sum of dy[(h + PT - kh*DH) / SH, (w + PL - kw*DW) / SW] @ kernel[kh, kw].T over the
    taps that divide. Taps are listed backwards, so that dy is read from left to right.
    """
    (top, _), (left, _) = p.pads
    (sh, sw), (dh, dw) = p.strides, p.dilation
    views = []
    for ph in range(min(sh, p.H)):
        for pw in range(min(sw, p.W)):
            taps = [
                (kh, kw)
                for kh in reversed(range(p.KH))
                for kw in reversed(range(p.KW))
                if (ph + top - kh * dh) % sh == 0 and (pw + left - kw * dw) % sw == 0
            ]
            ty = [(ph + top - kh * dh) // sh for kh, _ in taps]
            tx = [(pw + left - kw * dw) // sw for _, kw in taps]
            rows, cols = -(-(p.H - ph) // sh), -(-(p.W - pw) // sw)
            offset, row, col = (ph * p.W + pw) * p.C, sh * p.W * p.C, sw * p.C
            views.append((rows, cols, offset, row, col, 1, 1, ty, tx, _kernel_offsets(p, taps)))
    return views


def _kernel_offsets(p: ConvProblem, taps: list[tuple[int, int]]) -> list[int]:
    return [(kh * p.KW + kw) * (p.C // p.groups) * p.F for kh, kw in taps]


@lru_cache(maxsize=CACHED)
def forward_driver(p: ConvProblem, unfold: bool) -> TapConvolution:
    """Return the driver of the forward pass."""
    c, f = p.C // p.groups, p.F // p.groups
    return TapConvolution(
        p.x_shape, p.y_shape[1:], p.groups, c, f, p.F, 1, f, [forward_view(p)], unfold
    )


@lru_cache(maxsize=CACHED)
def input_driver(p: ConvProblem) -> TapConvolution:
    """Return the driver of the gradient for the input: dy is read, the kernel turned over."""
    c, f = p.C // p.groups, p.F // p.groups
    return TapConvolution(
        p.y_shape, p.x_shape[1:], p.groups, f, c, 1, p.F, f, input_views(p), False
    )


@lru_cache(maxsize=CACHED)
def filter_driver(p: ConvProblem, unfold: bool) -> FilterGradient:
    """Return the driver of the gradient for the kernel."""
    from ...kernels.conv_filter import FilterGradient

    c, f = p.C // p.groups, p.F // p.groups
    return FilterGradient(p.x_shape, p.y_shape[1:], p.groups, c, f, forward_view(p), unfold)


@lru_cache(maxsize=CACHED)
def fold_driver(p: ConvProblem) -> Folding:
    """Return the driver that unfolds x, and folds dy @ kernel.T back to dx."""
    from ...kernels.im2col import Folding

    return Folding(p.x_shape, p.groups, p.C // p.groups, p.F, forward_view(p))


@lru_cache(maxsize=CACHED)
def winograd_driver(tiling: Tiling, p: ConvProblem, turned: bool, halves: int) -> Winograd:
    """Return the driver of the forward pass, or (turned) of the gradient for the input."""
    (top, _), (left, _) = p.pads
    read, written = p.x_shape, p.y_shape
    if turned:
        read, written = written, read
        top, left = p.KH - 1 - top, p.KW - 1 - left
    # A tile reads n pixels of each phase of the strides.
    rows, cols = tiling.rows, tiling.cols
    view = (
        rows.tiles(written[1]) + rows.tiles_after, cols.tiles(written[2]) + cols.tiles_after,
        0, 0, 0, rows.stride * rows.m, cols.stride * cols.m,
        [-top, rows.stride * rows.n - 1 - top], [-left, cols.stride * cols.n - 1 - left], [0, 0],
    )  # fmt: skip
    return Winograd(
        tiling.member, read, written[1:], p.kernel_shape, p.strides, turned, view,
        tiling.parts(turned), halves,
    )  # fmt: skip


@lru_cache(maxsize=CACHED)
def split_driver(p: ConvProblem, planes: int, turned: bool) -> SplitConvolution:
    """Return the driver of the forward pass, or (turned) of the gradient for the input."""
    from ...kernels.split import SplitConvolution

    one = p._replace(N=1)
    if turned:
        size, views, direct = p.x_shape[1:], input_views(p), input_driver(one)
        return SplitConvolution(planes, p.y_shape, size, 1, p.F, views, direct)
    size, views, direct = p.y_shape[1:], [forward_view(p)], forward_driver(one, False)
    return SplitConvolution(planes, p.x_shape, size, p.F, 1, views, direct)


@lru_cache(maxsize=CACHED)
def split_filter_driver(p: ConvProblem, planes: int) -> SplitFilterGradient:
    """Return the driver of the gradient for the kernel."""
    from ...kernels.split_filter import SplitFilterGradient

    direct = filter_driver(p, False)
    if p.KH * p.KW == 1 and p.y_shape[:3] == p.x_shape[:3] and not any(p.pads[0] + p.pads[1]):
        pixels = p.N * p.H * p.W  # a product of matrices
        p = p._replace(N=1, H=1, W=pixels, OH=1, OW=pixels, strides=(1, 1))
    return SplitFilterGradient(planes, p.x_shape, p.y_shape[1:], forward_view(p), direct)
