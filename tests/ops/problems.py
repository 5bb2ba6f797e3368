"""Convolution problems, their data and their references, shared by the convolution tests.

The sizes sit around what kernels block by, whatever the instruction set: vectors of 4, 8 or 16
floats, register tiles of 6 to 14 pixels by 1 to 4 vectors, sums in blocks of 256 to 576 products,
blocks of some thousand pixels and some hundred thousand floats.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pytest

from fastconv.ops.algorithms import CONV2D_ALGORITHMS, ConvProblem, find, plan_conv2d

from .. import reference


class Conv(NamedTuple):
    """One convolution; `name` says what is special about it."""

    name: str
    x: tuple[int, int, int, int]
    kernel: tuple[int, int, int, int]
    strides: tuple[int, int] = (1, 1)
    padding: str | tuple = "valid"
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def geometry(self):
        return {"strides": self.strides, "padding": self.padding, "dilation": self.dilation}

    @property
    def options(self):
        return {**self.geometry, "groups": self.groups}

    @property
    def y(self):
        size = reference.output_size(self.x[1:3], self.kernel[:2], **self.geometry)
        return (self.x[0], *size, self.kernel[3])

    def __str__(self):
        parts = [self.name, "x".join(map(str, self.x)), "k" + "x".join(map(str, self.kernel))]
        for word, pair in (("s", self.strides), ("d", self.dilation)):
            parts += [word + "x".join(map(str, pair))] if pair != (1, 1) else []
        parts += [f"g{self.groups}"] if self.groups > 1 else []
        return "-".join([*parts, str(self.padding).replace(" ", "")])


def filters(F):
    return Conv(f"F={F}", (2, 5, 6, 3), (3, 3, 3, F))


def channels(C):
    return Conv(f"C={C}", (1, 5, 4, C), (3, 3, C, 9), padding="same")


def pixels(M):
    return Conv(f"pixels={M}", (1, 1, M, 8), (1, 1, 8, 17))


def depth(K):
    return Conv(f"K={K}", (1, 3, 3, K), (1, 1, K, 17))


S2, S3 = (2, 2), (3, 3)

CONVS = [
    *map(filters, [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 63, 64, 65, 130]),
    *map(channels, [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65]),
    *map(pixels, [*range(1, 18), 19, 20, 21, 24, 25, 29, 33, 240, 241]),
    *map(depth, [1, 255, 256, 257, 383, 384, 385, 511, 512, 513, 576, 577, 769, 1024, 1153]),
    Conv("K=576", (1, 6, 6, 64), (3, 3, 64, 32), padding="same"),
    Conv("mnist 1", (3, 28, 28, 1), (3, 3, 1, 32)),
    Conv("mnist 2", (2, 13, 13, 32), (3, 3, 32, 64)),
    Conv("rgb", (1, 32, 32, 3), (3, 3, 3, 16), padding="same"),
    Conv("stem", (1, 31, 33, 3), (7, 7, 3, 8), S2, "same"),
    Conv("many pixels", (1, 61, 67, 2), (3, 3, 2, 5)),
    Conv("more pixels", (1, 70, 71, 1), (2, 2, 1, 3), padding="same"),
    Conv("many floats", (1, 24, 25, 256), (3, 3, 256, 9), padding="same"),
    Conv("one row of many floats", (1, 2, 330, 400), (2, 3, 400, 5)),
    Conv("large kernel", (2, 13, 13, 256), (3, 3, 256, 256), padding="same"),
    Conv("large grouped kernel", (3, 5, 5, 512), (3, 3, 256, 300), padding="same", groups=2),
    Conv("wide", (1, 3, 200, 4), (3, 3, 4, 8), padding="same"),
    Conv("tall", (1, 200, 3, 4), (3, 3, 4, 8), padding="same"),
    Conv("many images", (33, 4, 4, 2), (3, 3, 2, 4), padding="same"),
    Conv("several images a block", (70, 9, 9, 3), (3, 3, 3, 10), padding="same"),
    Conv("many blocks", (40, 17, 17, 64), (3, 3, 64, 8), padding="same"),
    Conv("1x1", (2, 7, 7, 24), (1, 1, 24, 40)),
    Conv("1x1 s2", (2, 8, 7, 5), (1, 1, 5, 6), S2),
    Conv("1x1 s2 same", (2, 7, 8, 5), (1, 1, 5, 6), S2, "same"),
    Conv("1x1 padded", (1, 4, 4, 3), (1, 1, 3, 8), padding=((1, 0), (2, 3))),
    Conv("1x7", (1, 9, 9, 6), (1, 7, 6, 8), padding="same"),
    Conv("7x1", (1, 9, 9, 6), (7, 1, 6, 8), padding="same"),
    Conv("5x5", (2, 9, 8, 4), (5, 5, 4, 12), padding="same"),
    Conv("1x7 in parts of tiles", (2, 5, 17, 17), (1, 7, 17, 33), padding="same"),
    Conv("7x1 in parts of tiles", (2, 17, 5, 16), (7, 1, 16, 31), padding=((3, 2), (0, 1))),
    Conv("1x3 many tiles", (3, 33, 40, 9), (1, 3, 9, 15), padding="same"),
    Conv("3x1 many tiles", (3, 40, 33, 9), (3, 1, 9, 17)),
    Conv("5x1", (1, 8, 7, 8), (5, 1, 8, 16), padding="same"),
    Conv("1x2", (1, 6, 9, 7), (1, 2, 7, 9), padding="same"),
    Conv("1x9 wider than the image", (1, 3, 4, 5), (1, 9, 5, 8), padding="same"),
    Conv("5x5 in parts of tiles", (2, 23, 22, 15), (5, 5, 15, 33), padding=((2, 1), (0, 3))),
    Conv("7x7", (1, 11, 12, 5), (7, 7, 5, 9), padding="same"),
    Conv("2x2 many tiles", (2, 37, 38, 17), (2, 2, 17, 16), padding="same"),
    Conv("s2 many tiles", (2, 37, 38, 17), (3, 3, 17, 16), S2, "same"),
    Conv("s2 5x5", (1, 15, 14, 8), (5, 5, 8, 9), S2, "same"),
    Conv("s3 3x3", (1, 15, 14, 8), (3, 3, 8, 9), S3, "same"),
    Conv("s2x1", (1, 15, 14, 8), (3, 3, 8, 9), (2, 1), "same"),
    Conv("2x2 same", (2, 5, 6, 4), (2, 2, 4, 8), padding="same"),
    Conv("4x4 same", (1, 6, 5, 4), (4, 4, 4, 8), padding="same"),
    Conv("3x2", (2, 6, 7, 3), (3, 2, 3, 5)),
    Conv("s2 even", (2, 8, 8, 4), (3, 3, 4, 8), S2, "same"),
    Conv("s2 odd", (2, 9, 7, 4), (3, 3, 4, 8), S2, "same"),
    Conv("s2 valid", (2, 10, 9, 4), (3, 3, 4, 8), S2),
    Conv("s1x3", (2, 8, 11, 4), (3, 3, 4, 8), (1, 3), "same"),
    Conv("s3x1", (2, 11, 8, 4), (3, 3, 4, 8), (3, 1)),
    Conv("stride > kernel", (2, 11, 10, 3), (2, 2, 3, 8), S3),
    Conv("stride > kernel same", (2, 11, 9, 3), (2, 1, 3, 8), (4, 3), "same"),
    Conv("stride > image", (2, 3, 4, 3), (3, 3, 3, 4), (7, 9), "same"),
    Conv("d2", (2, 9, 10, 4), (3, 3, 4, 8), dilation=S2),
    Conv("d3 same", (1, 9, 10, 4), (3, 3, 4, 8), padding="same", dilation=S3),
    Conv("d2x1", (2, 9, 10, 4), (3, 2, 4, 8), padding="same", dilation=(2, 1)),
    Conv("d2 s2", (2, 11, 10, 4), (3, 3, 4, 8), S2, "same", S2),
    Conv("d5, all but the centre outside", (1, 4, 4, 3), (3, 3, 3, 8), padding="same",
         dilation=(5, 5)),
    Conv("H < KH", (2, 2, 3, 4), (5, 5, 4, 8), padding="same"),
    Conv("1 pixel", (3, 1, 1, 4), (3, 3, 4, 8), padding="same"),
    Conv("1 pixel big kernel", (1, 1, 1, 3), (7, 7, 3, 4), padding=((3, 4), (5, 3))),
    Conv("window = image", (4, 5, 6, 3), (5, 6, 3, 10)),
    Conv("pads", (2, 6, 5, 3), (3, 3, 3, 8), padding=((1, 2), (0, 3))),
    Conv("pads s2 d2", (1, 7, 8, 3), (3, 2, 3, 8), S2, ((2, 1), (3, 0)), S2),
    Conv("pads wider than the window", (1, 3, 3, 2), (2, 2, 2, 5), padding=((4, 3), (5, 6))),
    Conv("g2", (2, 6, 6, 8), (3, 3, 4, 16), padding="same", groups=2),
    Conv("g3", (2, 5, 6, 9), (3, 3, 3, 6), S2, "same", groups=3),
    Conv("g2 wide", (1, 4, 4, 34), (3, 3, 17, 66), groups=2),
    Conv("g4 1x1", (2, 3, 5, 12), (1, 1, 3, 8), groups=4),
    Conv("groups = C", (2, 6, 5, 9), (3, 3, 1, 9), padding="same", groups=9),
    Conv("groups = C, F = 2C", (1, 6, 5, 16), (3, 3, 1, 32), S2, "same", groups=16),
    Conv("N=0", (0, 5, 5, 3), (3, 3, 3, 4)),
    Conv("everything is 1", (1, 1, 1, 1), (1, 1, 1, 1)),
]  # fmt: skip


class Data(NamedTuple):
    x: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    dy: np.ndarray


@functools.cache
def data(problem, integer=False):
    """Return read-only float32 arrays: normal numbers, or integers that make every sum exact."""
    rng = np.random.default_rng(7)

    def draw(shape):
        # |v| <= 8 and fewer than 2**18 products: all partial sums are integers below 2**24, and
        # the halves and quarters of Winograd's F(2x2, 3x3) are exact too.
        values = rng.integers(-8, 9, shape) if integer else rng.standard_normal(shape)
        values = values.astype(np.float32)
        values.flags.writeable = False
        return values

    F = problem.kernel[3]
    return Data(draw(problem.x), draw(problem.kernel), draw((F,)), draw(problem.y))


#: What each direction computes, from (arrays, problem), with the module that computes it.
FORWARD = {
    "forward": lambda module, d, p, **options: module.conv2d(
        d.x, d.kernel, d.bias, **p.options, **options
    ),
}
GRADIENTS = {
    "backward_input": lambda module, d, p, **options: module.conv2d_backward_input(
        d.dy, d.kernel, p.x, **p.options, **options
    ),
    "backward_filter": lambda module, d, p, **options: module.conv2d_backward_filter(
        d.x, d.dy, p.kernel, **p.options, **options
    ),
}
DIRECTIONS = {**FORWARD, **GRADIENTS}


@functools.cache
def truth(problem, direction, integer=False):
    """Return the reference result."""
    return DIRECTIONS[direction](reference, data(problem, integer), problem)


def describe(problem):
    """Return the problem as the algorithms see it."""
    window = problem.kernel[:2]
    pads, size = reference.resolve(problem.x[1:3], window, *problem.geometry.values())
    return ConvProblem(
        *problem.x, problem.kernel[3], *window, problem.strides, pads, problem.dilation,
        problem.groups, *size,
    )  # fmt: skip


def algorithms(problem, direction):
    """Return the names of the algorithms that take this problem, "auto" first."""
    p = describe(problem)
    able = [a.name for a in CONV2D_ALGORITHMS if a.unsupported_reason(p, direction) is None]
    return ["auto", *able]


def tolerance(problem, direction, algorithm):
    """Return the bound on |error| / eps, by the algorithm's own account of its factor."""
    able = chosen(problem, direction, algorithm)
    factor = able.error_bound(describe(problem), direction)
    return factor * magnitudes(problem, direction, able.reach)


@functools.cache
def magnitudes(problem, direction, reach):
    """Return what errors are to be compared with, see `magnitudes_of`."""
    return magnitudes_of(data(problem), problem, direction, reach)


def magnitudes_of(arrays, problem, direction, reach):
    """Return the result for absolute values: of each element, or the largest one within `reach`.

    Where an algorithm computes results in tiles, their errors are alike, and come from all that
    their intermediate results hold: also from products that only an element beyond the border of
    the result would sum up, which have to cancel out.
    """
    reaches = (reach, reach)
    if reach:
        N, H, W, C = problem.x
        KH, KW, c, F = problem.kernel
        pads, _ = reference.resolve((H, W), (KH, KW), *problem.geometry.values())
        # In pixels of x, or backwards of y. A tile of taps holds those of one phase of the strides.
        steps = (-1, -1) if direction == "backward_input" else problem.strides
        padding = tuple(
            (before + reach * step, after + reach * step)
            for (before, after), step in zip(pads, steps, strict=True)
        )
        problem = problem._replace(padding=padding)
        if direction == "backward_input":
            problem = problem._replace(x=(N, H + 2 * reach, W + 2 * reach, C))
        if direction == "backward_filter":
            rh, rw = reaches = tuple(reach * step for step in steps)
            problem = problem._replace(kernel=(KH + 2 * rh, KW + 2 * rw, c, F))
    absolute = Data(*(None if array is None else np.abs(array) for array in arrays))
    largest = DIRECTIONS[direction](reference, absolute, problem)
    first = 0 if direction == "backward_filter" else 1
    for axis, distance in enumerate(reaches, first):
        largest = largest_neighbour(largest, axis, distance)
    return largest


def largest_neighbour(values, axis, reach):
    """Return the maximum of each window of 2 * reach + 1 elements along an axis."""
    windows = np.lib.stride_tricks.sliding_window_view(values, 2 * reach + 1, axis)
    return windows.max(axis=-1)


def chosen(problem, direction, algorithm):
    """Return the algorithm that a name stands for."""
    p = describe(problem)
    return plan_conv2d(p, direction) if algorithm == "auto" else find(algorithm)


def cases(directions, problems=CONVS, exact=False):
    """Return pytest parameters (problem, direction, algorithm), all that are supported.

    With `exact`, only those, by name, that sum small integers without rounding.
    """
    return [
        pytest.param(problem, direction, algorithm, id=f"{direction}-{algorithm}-{problem}")
        for problem in problems
        for direction in directions
        for algorithm in algorithms(problem, direction)
        if not exact or (algorithm != "auto" and find(algorithm).exact_integers)
    ]
