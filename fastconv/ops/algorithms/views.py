"""The taps of a convolution as kernels/taps.pxd wants them, for the forward pass and for dx."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ...kernels.conv import TapConvolution
from ...kernels.conv_filter import FilterGradient
from ...kernels.im2col import Folding
from ...kernels.split import SplitConvolution
from ...kernels.split_filter import SplitFilterGradient
from ...kernels.winograd import Winograd
from .problem import ConvProblem

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
    c, f = p.C // p.groups, p.F // p.groups
    return FilterGradient(p.x_shape, p.y_shape[1:], p.groups, c, f, forward_view(p), unfold)


@lru_cache(maxsize=CACHED)
def fold_driver(p: ConvProblem) -> Folding:
    """Return the driver that unfolds x, and folds dy @ kernel.T back to dx."""
    return Folding(p.x_shape, p.groups, p.C // p.groups, p.F, forward_view(p))


def _tiles(m: int, size: tuple[int, int], before: tuple[int, int]) -> View:
    """Return the view of m x m output tiles, each of which reads (m + 2) x (m + 2) pixels."""
    ty = [i - before[0] for i in range(m + 2) for _ in range(m + 2)]
    tx = [j - before[1] for _ in range(m + 2) for j in range(m + 2)]
    return -(-size[0] // m), -(-size[1] // m), 0, 0, 0, m, m, ty, tx, [0] * len(ty)


@lru_cache(maxsize=CACHED)
def winograd_driver(m: int, p: ConvProblem, turned: bool) -> Winograd:
    """Return the driver of the forward pass, or (turned) of the gradient for the input."""
    (top, _), (left, _) = p.pads
    if turned:
        tiles = _tiles(m, (p.H, p.W), (p.KH - 1 - top, p.KW - 1 - left))
        return Winograd(m, p.y_shape, p.x_shape[1:], (p.C, p.F), True, tiles)
    tiles = _tiles(m, (p.OH, p.OW), (top, left))
    return Winograd(m, p.x_shape, p.y_shape[1:], (p.C, p.F), False, tiles)


@lru_cache(maxsize=CACHED)
def split_driver(p: ConvProblem, planes: int, turned: bool) -> SplitConvolution:
    """Return the driver of the forward pass, or (turned) of the gradient for the input."""
    one = p._replace(N=1)
    if turned:
        size, views, direct = p.x_shape[1:], input_views(p), input_driver(one)
        return SplitConvolution(planes, p.y_shape, size, 1, p.F, views, direct)
    size, views, direct = p.y_shape[1:], [forward_view(p)], forward_driver(one, False)
    return SplitConvolution(planes, p.x_shape, size, p.F, 1, views, direct)


@lru_cache(maxsize=CACHED)
def split_filter_driver(p: ConvProblem, planes: int) -> SplitFilterGradient:
    """Return the driver of the gradient for the kernel."""
    direct = filter_driver(p, False)
    return SplitFilterGradient(planes, p.x_shape, p.y_shape[1:], forward_view(p), direct)
