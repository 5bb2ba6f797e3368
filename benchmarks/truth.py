"""Float64 results of the problems, for sampled rows of the output.

A row is all channels of one output pixel, or all filters of one (tap, channel) of the kernel:
what is left when a result is reshaped to (-1, last axis). Sampling keeps the exact result
affordable for the largest problems.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from .inputs import standard_normal
from .problems import GemmProblem, Problem

#: Rows compared per result; all of them when there are no more than that.
SAMPLED_ROWS = 128

#: The results each direction makes, in the order in which workers return them.
DIRECTIONS: dict[str, tuple[str, ...]] = {
    "forward": ("y",),
    "input": ("dx",),
    "kernel": ("dkernel",),
    "backward": ("dx", "dkernel"),
}


class Truth:
    """Sampled rows of each result, and their exact values."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []
        self.values: list[np.ndarray] = []

    def add(self, shape: Sequence[int], exact: Callable[[np.ndarray], np.ndarray]) -> None:
        total = math.prod(shape[:-1])
        rows = np.arange(total)
        if total > SAMPLED_ROWS:
            rows = np.sort(np.random.default_rng(0).choice(total, SAMPLED_ROWS, replace=False))
        self.rows.append(rows.tolist())
        self.values.append(exact(rows))

    def error(self, results: Sequence[np.ndarray]) -> float:
        """Return the largest rms error of `results`, each relative to the rms of the truth."""
        return max(
            float(np.sqrt(np.mean((got.astype(np.float64) - want) ** 2) / np.mean(want**2)))
            for got, want in zip(results, self.values, strict=True)
        )


def conv2d_truth(p: Problem, direction: str) -> Truth:
    truth = Truth()
    for result in DIRECTIONS[direction]:
        shape, exact = {
            "y": (p.output_shape, _forward_rows),
            "dx": (p.input_shape, _input_gradient_rows),
            "dkernel": (p.kernel_shape, _kernel_gradient_rows),
        }[result]
        truth.add(shape, partial(exact, p))
    return truth


def gemm_truth(p: GemmProblem) -> Truth:
    truth = Truth()
    a = standard_normal("a", (p.M, p.K))
    b = standard_normal("b", (p.K, p.N)).astype(np.float64)
    truth.add((p.M, p.N), lambda rows: a[rows].astype(np.float64) @ b)
    return truth


def _forward_rows(p: Problem, rows: np.ndarray) -> np.ndarray:
    """y[n, oh, ow] = sum over taps of x[n, oh*SH + i*DH - PT, ow*SW + j*DW - PL] @ kernel[i, j]."""
    x = standard_normal("x", p.input_shape)
    kernel = _grouped_kernel(p)
    n, oh, ow = np.unravel_index(rows, p.output_shape[:3])
    (top, _), (left, _) = p.pads
    y = np.zeros((p.groups, len(rows), p.F // p.groups))
    for i, j in np.ndindex(p.KH, p.KW):
        h = oh * p.strides[0] + i * p.dilation[0] - top
        w = ow * p.strides[1] + j * p.dilation[1] - left
        y += _pixels(x, n, h, w, np.ones(len(rows), bool), p.groups) @ kernel[:, i, j]
    return y.transpose(1, 0, 2).reshape(len(rows), -1)


def _input_gradient_rows(p: Problem, rows: np.ndarray) -> np.ndarray:
    """The adjoint: dx[n, h, w] gathers dy of every output pixel whose window covers (h, w)."""
    dy = standard_normal("dy", p.output_shape)
    kernel = _grouped_kernel(p)
    n, h, w = np.unravel_index(rows, p.input_shape[:3])
    (top, _), (left, _) = p.pads
    dx = np.zeros((p.groups, len(rows), p.C // p.groups))
    for i, j in np.ndindex(p.KH, p.KW):
        oh, odd_h = np.divmod(h + top - i * p.dilation[0], p.strides[0])
        ow, odd_w = np.divmod(w + left - j * p.dilation[1], p.strides[1])
        on_grid = (odd_h == 0) & (odd_w == 0)
        dx += _pixels(dy, n, oh, ow, on_grid, p.groups) @ kernel[:, i, j].transpose(0, 2, 1)
    return dx.transpose(1, 0, 2).reshape(len(rows), -1)


def _kernel_gradient_rows(p: Problem, rows: np.ndarray) -> np.ndarray:
    """dkernel[i, j, c] = sum over pixels of x (shifted by the tap, channel c) times dy."""
    x = standard_normal("x", p.input_shape)
    dy = standard_normal("dy", p.output_shape)
    _, oh, ow, _ = p.output_shape
    tap_i, tap_j, channel = np.unravel_index(rows, p.kernel_shape[:3])
    first_channels = np.arange(0, p.C, p.C // p.groups)[:, None]  # (G, 1)
    dkernel = np.zeros((p.groups, len(rows), p.F // p.groups))
    taps = sorted(set(zip(tap_i.tolist(), tap_j.tolist(), strict=True)))
    for image, gradient in zip(x, dy, strict=True):
        padded = np.pad(image, (*p.pads, (0, 0)))
        grouped = gradient.reshape(oh * ow, p.groups, -1).transpose(1, 0, 2)
        grouped = grouped.astype(np.float64, order="C")  # (G, OH*OW, F // G)
        for i, j in taps:
            here = np.flatnonzero((tap_i == i) & (tap_j == j))
            shifted = padded[i * p.dilation[0] :: p.strides[0], j * p.dilation[1] :: p.strides[1]]
            seen = shifted[:oh, :ow][..., first_channels + channel[here]]  # (OH, OW, G, rows)
            seen = seen.transpose(2, 3, 0, 1).astype(np.float64, order="C")
            dkernel[:, here] += seen.reshape(p.groups, len(here), oh * ow) @ grouped
    return dkernel.transpose(1, 0, 2).reshape(len(rows), -1)


def _grouped_kernel(p: Problem) -> np.ndarray:
    """Return the kernel as float64 (groups, KH, KW, C // groups, F // groups)."""
    kernel = standard_normal("kernel", p.kernel_shape).astype(np.float64)
    return kernel.reshape(*p.kernel_shape[:3], p.groups, -1).transpose(3, 0, 1, 2, 4)


def _pixels(
    x: np.ndarray, n: np.ndarray, h: np.ndarray, w: np.ndarray, keep: np.ndarray, groups: int
) -> np.ndarray:
    """Return x[n, h, w] as float64 (groups, rows, channels // groups); 0 outside or not kept."""
    inside = keep & (h >= 0) & (h < x.shape[1]) & (w >= 0) & (w < x.shape[2])
    values = x[n, np.where(inside, h, 0), np.where(inside, w, 0)].astype(np.float64)
    values *= inside[:, None]
    return values.reshape(len(n), groups, -1).transpose(1, 0, 2)
