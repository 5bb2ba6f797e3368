"""Split floats: accuracy of each number of planes, edges of tiles, values that bfloat16 lacks."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import config, ops
from fastconv.kernels import isa
from fastconv.ops.algorithms import plan_conv2d
from fastconv.ops.conv2d import make_problem

from .. import reference
from .chains import chain, numbers, rms
from .compare import assert_same_bits, assert_within
from .problems import DIRECTIONS, Conv, cases, data, tolerance, truth

SIZES = (15, 16, 17, 31, 32, 33, 64, 65)
#: Around tiles of 16 and 32 pixels and channels, runs of taps, phases and images in a block.
EDGES = [
    *(
        Conv(f"C={C}", (2, 4, 5, C), (3, 3, C, 6), padding="same")
        for C in (15, 16, 31, 48, 95, 256)
    ),
    *(Conv(f"F={F}", (1, 4, 5, 7), (2, 3, 7, F)) for F in SIZES),
    *(Conv(f"OW={W}", (2, 7, W, 32), (3, 3, 32, 5), padding="same") for W in (12, 16, 22, 32)),
    *(Conv(f"pixels={M}", (1, 1, M, 3), (1, 1, 3, 4)) for M in SIZES),
    Conv("strides beyond the image", (2, 3, 1, 7), (1, 1, 7, 7), (1, 2)),
    Conv("phases", (3, 11, 13, 5), (5, 4, 5, 18), (2, 3), "same"),
    Conv("phases of gaps", (2, 13, 12, 6), (3, 3, 6, 9), (4, 2), "same", (3, 2)),
    Conv("more stride than kernel", (2, 9, 10, 33), (2, 1, 33, 5), (3, 4)),
    Conv("crowded pixels", (2, 5, 6, 512), (3, 3, 512, 34), padding="same"),
    Conv("wide rows", (2, 2, 700, 40), (2, 5, 40, 3), padding="same"),
    Conv("small images", (90, 3, 4, 30), (3, 3, 30, 33), padding="same"),
]


@pytest.mark.parametrize(
    ("problem", "direction", "algorithm"),
    [case for case in cases(DIRECTIONS, EDGES) if case.values[2] == "split"],
)
def test_edges_of_tiles(each_isa, problem, direction, algorithm):
    compute = DIRECTIONS[direction]
    exact = truth(problem, direction, integer=True)
    result = compute(ops, data(problem, integer=True), problem, algorithm=algorithm)
    np.testing.assert_array_equal(result, exact)
    expected = truth(problem, direction)
    result = compute(ops, data(problem), problem, algorithm=algorithm)
    assert_within(result, expected, tolerance(problem, direction, algorithm), factor=1)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_bits_do_not_depend_on_threads_at_any_precision(each_isa, direction):
    problem = Conv("odd sizes", (5, 17, 18, 37), (3, 3, 37, 70), padding="same")
    before = config.get_num_threads()
    for precision in ("highest", "high", "medium"):
        results = []
        for count in (1, 2):
            config.set_num_threads(count)
            with config.float32_matmul_precision(precision):
                results.append(
                    DIRECTIONS[direction](ops, data(problem), problem, algorithm="split")
                )
        config.set_num_threads(before)
        assert_same_bits(results[0], results[1], precision)


@pytest.mark.parametrize("kind", ["normal", "positive", "mixed"])
@pytest.mark.parametrize(("size", "C"), [(50, 3), (14, 16), (10, 64), (9, 256)])
def test_errors_by_precision(each_isa, rng, kind, size, C):
    """Three planes: at most a chain's errors. Two: at most ten times that. One: bfloat16's."""
    x, kernel = numbers(kind, rng, (1, size, size, C)), numbers("normal", rng, (3, 3, C, 8))
    dy = numbers("normal", rng, (1, size - 2, size - 2, 8))
    results = {}
    for precision in ("highest", "high", "medium"):
        with config.float32_matmul_precision(precision):
            results[precision] = (
                ops.conv2d(x, kernel, algorithm="split"),
                ops.conv2d_backward_filter(x, dy, kernel.shape, algorithm="split"),
            )
    for i, direction in enumerate(["forward", "backward_filter"]):
        true, of_chain = (links := chain(direction, x, kernel, dy)).exact, links.error
        errors = {precision: rms(result[i] - true) for precision, result in results.items()}
        assert errors["highest"] <= 1.02 * of_chain
        assert errors["high"] <= 10 * of_chain
        assert errors["high"] <= 2.0**-17 * rms(true)
        assert 2.0**-12 * rms(true) <= errors["medium"] <= 2.0**-8 * rms(true)


def test_one_plane_multiplies_bfloat16_numbers(each_isa, rng):
    x = rng.standard_normal((1, 6, 7, 40)).astype(np.float32)
    kernel = rng.standard_normal((3, 3, 40, 20)).astype(np.float32)
    with config.float32_matmul_precision("medium"):
        y = ops.conv2d(x, kernel, algorithm="split")
    x, kernel = bfloat16(x), bfloat16(kernel)
    expected = reference.conv2d(x, kernel)
    assert_within(y, expected, reference.conv2d(np.abs(x), np.abs(kernel)))


def bfloat16(x):
    """Round to the nearest number of eight significant bits, on a tie to the even one."""
    bits = x.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf, 3.4e38])
def test_an_image_without_finite_results_is_computed_directly(each_isa, rng, value):
    """The others' bits are those they have alone, and relu hides nothing of it."""
    x = rng.standard_normal((3, 8, 9, 20)).astype(np.float32)
    kernel = rng.standard_normal((3, 3, 20, 24)).astype(np.float32)
    bias = rng.standard_normal(24).astype(np.float32)
    kernel[:, :, 5, ::2] = 0.25  # bfloat16 holds it: the lower planes are zero
    alone = [ops.conv2d(x[i : i + 1], kernel, bias, algorithm="split") for i in range(3)]
    x[1, 4, 4, 5] = value
    for activation in (None, "relu"):
        y = ops.conv2d(x, kernel, bias, algorithm="split", activation=activation)
        spoiled = ops.conv2d(x[1:2], kernel, bias, algorithm="direct", activation=activation)
        assert_same_bits(y[1:2], spoiled)
        for i in (0, 2):
            expected = alone[i] if activation is None else ops.activation(alone[i], activation)
            assert_same_bits(y[i : i + 1], expected)


def test_emulations_agree_bit_by_bit(rng):
    """They compute what AMX does, in vectors of any length, with or without fused operations."""
    emulated, before = set(), isa.active()
    x = rng.standard_normal((2, 9, 9, 20)).astype(np.float32)
    kernel = rng.standard_normal((3, 3, 20, 40)).astype(np.float32)
    for name in isa.available():
        isa.use(name)
        if isa.split_cycles() == 0 or name == "amx":
            emulated.add(ops.conv2d(x, kernel, algorithm="split").tobytes())
    isa.use(before)
    assert len(emulated) == 1


def chosen(precision, C=64):
    p = make_problem("test", (1, 56, 56, C), (3, 3, C, 64), 1, "same", 1, 1)
    return plan_conv2d(p._replace(precision=precision), "forward").name


def test_plan_takes_split_floats_only_where_they_are_fast(each_isa):
    for precision in ("highest", "high", "medium"):
        if isa.split_cycles() == 0:
            assert chosen(precision) != "split"
    if each_isa == "amx":
        assert chosen("medium") == "split"


def test_groups_are_refused_with_a_reason():
    x, kernel = np.ones((1, 4, 4, 4), np.float32), np.ones((3, 3, 2, 4), np.float32)
    with pytest.raises(ValueError, match='"split" cannot do this: it has groups'):
        ops.conv2d(x, kernel, groups=2, algorithm="split")
