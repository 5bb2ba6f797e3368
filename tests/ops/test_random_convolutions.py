"""Convolutions drawn at random: every algorithm, instruction set, precision and direction.

    FASTCONV_EXAMPLES=2000 pytest -s tests/ops/test_random_convolutions.py

draws so many of each kind, new ones each time, and prints how near to their bounds the errors came;
without it a few are drawn, always the same.
"""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from fastconv import config, ops
from fastconv.kernels.winograd import members
from fastconv.ops.algorithms import CONV2D_ALGORITHMS, find, plan_conv2d
from fastconv.ops.algorithms.split_winograd import SplitWinograd
from fastconv.ops.algorithms.tiling import tiling
from fastconv.ops.precision import PRECISIONS

from .. import reference
from .compare import EPS, assert_same_bits, assert_within
from .problems import DIRECTIONS, Conv, Data, describe, magnitudes_of

EXAMPLES = os.environ.get("FASTCONV_EXAMPLES")

#: rms of the errors, in units of eps times the rms of what the products' magnitudes sum to.
RMS = {"highest": 0.5, "high": 5.0, "medium": 2.0**15}
#: The errors of few results may be large by chance: this, over the square root of how many, more.
CHANCE = 3.0


class Drawn(NamedTuple):
    """A convolution with all that it is computed from."""

    conv: Conv
    seed: int
    integers: bool
    bias: bool
    activation: str | None
    #: Which image of the batch is computed alone, and how many threads compute all of them.
    image: int
    threads: int

    def arrays(self):
        rng = np.random.default_rng(self.seed)

        def draw(shape):
            # Small integers: all partial sums are exact, and so are the halves and quarters of
            # Winograd's F(2x2, 3x3).
            values = rng.integers(-8, 9, shape) if self.integers else rng.standard_normal(shape)
            return values.astype(np.float32)

        x, kernel, dy = draw(self.conv.x), draw(self.conv.kernel), draw(self.conv.y)
        return Data(x, kernel, draw(self.conv.kernel[3:]) if self.bias else None, dy)


#: Around the vectors of all instruction sets, and anything else.
CHANNELS = st.sampled_from([7, 8, 9, 15, 16, 17, 31, 32, 33]) | st.integers(1, 40)
#: Around the blocks in which long sums are added up.
MANY_CHANNELS = st.sampled_from([255, 256, 257, 383, 384, 385, 577])

#: Winograd's tiles: member: the windows and strides that are cut into such tiles, stride 1 apart
#: because only there dx is computed in tiles too.
TILES = {member: ([], []) for member in members()}
for m, *window_and_strides in itertools.product((2, 3, 4), *[range(1, 8)] * 2, *[range(1, 4)] * 2):
    window, strides = tuple(window_and_strides[:2]), tuple(window_and_strides[2:])
    cut = tiling(m, window, strides)
    if cut is not None:
        TILES[cut.upright][strides != (1, 1)].append((window, strides))

#: What is drawn: convolutions that all algorithms but some are for, and those that these are for.
KINDS = ["any", "1x1", "grouped", "depthwise", *TILES]


@st.composite
def drawn(draw, kind):
    """A convolution of one kind whose output is not empty."""

    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    if kind in TILES:
        of_stride_1, others = map(st.sampled_from, TILES[kind])
        window, strides = draw(st.one_of(of_stride_1, of_stride_1, of_stride_1, others))
        dilation = (1, 1)
    elif kind == "1x1":
        window, strides, dilation = (1, 1), draw(st.sampled_from([(1, 1), (2, 2)])), (1, 1)
    else:
        window, strides, dilation = pair(1, 5), pair(1, 3), pair(1, 2)
    C, F, groups, largest = draw(CHANNELS), draw(CHANNELS), 1, 20
    many = draw(st.integers(0, 11))
    if many < 2:  # these sums are long enough without many pixels
        C, F = (draw(MANY_CHANNELS), F) if many else (C, draw(MANY_CHANNELS))
        largest = 8
    if kind == "grouped":
        groups = draw(st.integers(2, 5))
        C, F = -(-C // groups) * groups, -(-F // groups) * groups
    if kind == "depthwise":
        groups = C = max(C, 2)
        F = C * draw(st.integers(1, 3))
    padding = draw(st.sampled_from(["valid", "same", "explicit"]))
    if padding == "explicit":
        padding = (pair(0, 4), pair(0, 4))
    size = pair(1, largest)
    pads, _ = reference.resolve(size, window, strides, padding, dilation)
    # Grow the image until the window fits once.
    size = tuple(
        max(n, (k - 1) * d + 1 - sum(pad))
        for n, k, d, pad in zip(size, window, dilation, pads, strict=True)
    )
    images = draw(st.integers(0, 3))
    x, kernel = (images, *size, C), (*window, C // groups, F)
    return Drawn(
        Conv(str(kind), x, kernel, strides, padding, dilation, groups),
        seed=draw(st.integers(0, 2**32 - 1)),
        integers=draw(st.booleans()),
        bias=draw(st.booleans()),
        activation=draw(st.sampled_from([None, "relu", "relu6"])),
        image=draw(st.integers(0, max(images - 1, 0))),
        threads=draw(st.integers(2, 4)),
    )


def compute(module, direction, arrays, case, **options):
    """Return what a module makes of one direction, the activation included."""
    result = DIRECTIONS[direction](module, arrays, case.conv, **options)
    if direction == "forward" and case.activation:
        result = reference.ACTIVATIONS[case.activation][0](result)
    return result


def fused(direction, arrays, case, algorithm):
    """Return what ops make of it, with the activation in the store."""
    options = {"algorithm": algorithm}
    if direction == "forward":
        options["activation"] = case.activation
    return DIRECTIONS[direction](ops, arrays, case.conv, **options)


def precision_class(algorithm, p, direction):
    """Return the best precision that an algorithm claims to be of; it may be too slow for it."""
    for word in PRECISIONS[PRECISIONS.index(p.precision) :]:
        reason = algorithm.inaccurate_reason(p._replace(precision=word), direction)
        if reason is None or "less accurate" not in reason:
            return word
    raise AssertionError(f"{algorithm.name} is good enough for no precision")


@pytest.fixture(scope="module")
def worst():
    """The errors in units of their bounds: name: [how many results, largest, largest rms]."""
    seen = defaultdict(lambda: [0, 0.0, 0.0])
    yield seen
    if EXAMPLES:
        print("\nresults, the largest error and the largest rms error in units of their bounds")
        for name, (count, largest, rms) in sorted(seen.items()):
            print(f"{name:55} {count:8} {largest:8.3f} {rms:8.3f}")


@pytest.fixture
def threads_restored():
    before = config.get_num_threads()
    yield
    config.set_num_threads(before)


def check_error(result, expected, bound, factor, word):
    """Check elements and rms; return both errors in units of their bounds."""
    assert_within(result, expected, factor * bound, factor=1)
    if result.size == 0:
        return 0.0, 0.0
    error = np.abs(result - expected)
    rms, scale = np.sqrt(np.mean(error**2)), EPS * np.sqrt(np.mean(bound**2))
    allowed = RMS[word] * (1 + CHANCE / np.sqrt(result.size)) * scale
    assert rms <= allowed, f"rms error {rms:.3g} is more than {allowed:.3g}"
    nothing = np.finfo(np.float32).tiny
    return (error / (factor * EPS * bound + nothing)).max(), rms / (allowed + nothing)


def check_bits(result, direction, arrays, case, name):
    """Check that more threads change no bit, and neither does it to be alone in a batch."""
    config.set_num_threads(case.threads)
    assert_same_bits(
        fused(direction, arrays, case, name), result, f"{name}, {case.threads} threads"
    )
    if direction == "backward_filter" or len(arrays.x) == 0:
        return
    one = slice(case.image, case.image + 1)
    arrays = arrays._replace(x=arrays.x[one], dy=arrays.dy[one])
    case = case._replace(conv=case.conv._replace(x=(1, *case.conv.x[1:])))
    assert_same_bits(fused(direction, arrays, case, name), result[one], f"{name}, one image")


def check(case, isa_name, worst):
    arrays = case.arrays()
    for direction in DIRECTIONS:
        expected = compute(reference, direction, arrays, case)
        bounds = {a.reach: None for a in CONV2D_ALGORITHMS}
        for precision in PRECISIONS:
            p = describe(case.conv)._replace(precision=precision)
            able = [a for a in CONV2D_ALGORITHMS if a.unsupported_reason(p, direction) is None]
            for name in ["auto", *(a.name for a in able)]:
                algorithm = plan_conv2d(p, direction) if name == "auto" else find(name)
                what = f"{isa_name} {name} {precision} {direction}"
                note(f"{what} {algorithm.name}")
                with config.float32_matmul_precision(precision):
                    config.set_num_threads(1)
                    result = fused(direction, arrays, case, name)
                    check_bits(result, direction, arrays, case, name)
                errors = 0.0, 0.0
                if case.integers and algorithm.exact_integers:
                    np.testing.assert_array_equal(result, expected)
                else:
                    reach = algorithm.reach
                    if bounds[reach] is None:
                        bounds[reach] = magnitudes_of(arrays, case.conv, direction, reach)
                    word = precision_class(algorithm, p, direction)
                    factor = algorithm.error_bound(p, direction)
                    errors = check_error(result, expected, bounds[reach], factor, word)
                seen = worst[f"{what} {case.conv.name}"]
                seen[0] += 1
                seen[1:] = map(max, seen[1:], errors)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_any_convolution(each_isa, threads_restored, worst, kind):
    """Errors are within bounds; threads and the rest of the batch change no bit."""

    @settings(
        derandomize=not EXAMPLES,
        database=None,
        max_examples=int(EXAMPLES or (20 if kind in TILES else 60)),
        deadline=None,
    )
    @given(drawn(kind))
    def checked(case):
        check(case, each_isa, worst)

    checked()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_every_algorithm_is_for_some_kind(direction):
    """Each meets all problems of one of the kinds, so that as many are drawn for it."""
    typical = {
        "any": Conv("", (2, 9, 8, 5), (3, 4, 5, 6), (2, 1), "same", (1, 2)),
        "1x1": Conv("", (2, 9, 8, 5), (1, 1, 5, 6), (2, 2)),
        "grouped": Conv("", (2, 9, 8, 6), (3, 4, 3, 6), groups=2),
        "depthwise": Conv("", (2, 9, 8, 5), (3, 4, 1, 10), (2, 1), "same", (1, 2), 5),
    } | {
        member: Conv("", (2, 9, 8, 5), (*window, 5, 6), strides, "same")
        for member, ((window, strides), *_) in ((key, of[0]) for key, of in TILES.items())
    }
    assert list(typical) == KINDS
    for algorithm in CONV2D_ALGORITHMS:
        some = any(
            algorithm.unsupported_reason(describe(conv), direction) is None
            for conv in typical.values()
        )
        # The only one that leaves a direction to another.
        left_out = isinstance(algorithm, SplitWinograd) and direction == "backward_filter"
        assert some != left_out, algorithm.name
