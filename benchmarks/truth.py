"""Float64 results of the problems, for sampled rows of the output.

A row is all channels of one output pixel, or all filters of one (tap, channel) of the kernel:
what is left when a result is reshaped to (-1, last axis). Sampling keeps the exact result
affordable for the largest problems.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial

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


#: What fastconv.ops calls those with one result.
OPS_DIRECTIONS = {"forward": "forward", "input": "backward_input", "kernel": "backward_filter"}

#: Precisions as in fastconv, best first.
PRECISIONS = ("highest", "high", "medium")


def precision_of(error: float, excess: float) -> str:
    """Return the class of a result by its rms error, and that in units of a plain chain's.

    "highest" leaves the chain half its error more, for its chance; a relative error of 1e-4 comes
    of shorter numbers than float32.
    """
    if excess <= 1.5:
        return "highest"
    return "high" if error < 1e-4 else "medium"


@lru_cache(maxsize=1)
def _chain_errors() -> np.ndarray:
    """Return the relative rms errors of chains of 1, 2, ... float32 multiply-adds."""
    rng = np.random.default_rng(0)
    lengths, samples = 4096, 1024
    a, b = rng.standard_normal((2, lengths, samples), dtype=np.float32).astype(np.float64)
    products = a * b  # exact in float64
    exact, chain = np.zeros(samples), np.zeros(samples, np.float32)
    errors = []
    for product in products:
        exact += product
        chain = (chain + product).astype(np.float32)
        errors.append(np.sqrt(np.mean((chain - exact) ** 2) / np.mean(exact**2)))
    return np.array(errors)


def chain_error(length: int) -> float:
    """Return the relative rms error of one chain of `length` multiply-adds of normal numbers.

    Longer chains than those tried grow as the square root, as the errors of a random walk do. A
    chain of very few has almost none: no one is asked for less than one rounding of the result.
    """
    errors = _chain_errors()
    beyond = math.sqrt(max(length / len(errors), 1))
    return max(float(errors[min(length, len(errors)) - 1]) * beyond, float(errors[0]))


class Truth:
    """Sampled rows of each result, and their exact values."""

    def __init__(self) -> None:
        self.rows: list[list[int]] = []
        self.values: list[np.ndarray] = []
        self.chains: list[float] = []

    def add(
        self, shape: Sequence[int], summed: int, exact: Callable[[np.ndarray], np.ndarray]
    ) -> None:
        """Add a result whose elements are sums of `summed` products."""
        total = math.prod(shape[:-1])
        rows = np.arange(total)
        if total > SAMPLED_ROWS:
            rows = np.sort(np.random.default_rng(0).choice(total, SAMPLED_ROWS, replace=False))
        self.rows.append(rows.tolist())
        self.values.append(exact(rows))

        self.chains.append(chain_error(summed))

    def errors(self, results: Sequence[np.ndarray]) -> tuple[float, float]:
        """Return the largest rms error of `results`, each relative to the rms of the truth.

        And the largest of them in units of the error of a plain chain of multiply-adds.
        """
        errors = [
            float(np.sqrt(np.mean((got.astype(np.float64) - want) ** 2) / np.mean(want**2)))
            for got, want in zip(results, self.values, strict=True)
        ]
        return max(errors), max(e / chain for e, chain in zip(errors, self.chains, strict=True))


def conv2d_truth(p: Problem, direction: str) -> Truth:
    truth = Truth()
    for result in DIRECTIONS[direction]:
        shape, exact = {
            "y": (p.output_shape, _forward_rows),
            "dx": (p.input_shape, _input_gradient_rows),
            "dkernel": (p.kernel_shape, _kernel_gradient_rows),
        }[result]
        truth.add(shape, p.summed(result), partial(exact, p))
    return truth


def gemm_truth(p: GemmProblem) -> Truth:
    truth = Truth()
    a = standard_normal("a", (p.M, p.K))
    b = standard_normal("b", (p.K, p.N)).astype(np.float64)
    truth.add((p.M, p.N), p.K, lambda rows: a[rows].astype(np.float64) @ b)
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
