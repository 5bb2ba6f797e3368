"""conv2d forward: every algorithm on every instruction set against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops
from fastconv.ops.algorithms import CONV2D_ALGORITHMS, ConvProblem, find, plan_conv2d

from .. import reference
from .compare import EPS, assert_within, poison
from .problems import (
    CONVS,
    DIRECTIONS,
    FORWARD,
    Conv,
    cases,
    data,
    describe,
    tolerance,
    truth,
)


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(FORWARD))
def test_conv2d_matches_reference(each_isa, problem, direction, algorithm):
    expected = truth(problem, direction)
    poison(expected.shape)
    y = FORWARD[direction](ops, data(problem), problem, algorithm=algorithm)
    assert_within(y, expected, tolerance(problem, direction, algorithm), factor=1)


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(FORWARD, exact=True))
def test_conv2d_integers_are_exact(each_isa, problem, direction, algorithm):
    expected = truth(problem, direction, integer=True)
    poison(expected.shape)
    y = FORWARD[direction](ops, data(problem, integer=True), problem, algorithm=algorithm)
    np.testing.assert_array_equal(y, expected)


def surrounded(array, margin=67):
    """Return a copy with NaN before and after it in memory, and those two margins."""
    memory = np.full(array.size + 2 * margin, np.nan, np.float32)
    inner = memory[margin:-margin].reshape(array.shape)
    inner[...] = array
    return inner, (memory[:margin], memory[-margin:])


@pytest.mark.parametrize(
    ("problem", "direction", "algorithm"),
    [case for case in cases(DIRECTIONS, CONVS[::3]) if case.values[2] != "auto"],
)
def test_conv2d_touches_only_what_is_its_own(each_isa, problem, direction, algorithm):
    """Every element of the result is written, nothing beside it is, and nothing beside is read."""
    arrays = data(problem, integer=True)
    x, kernel, bias, dy = (surrounded(array)[0] for array in arrays)
    expected = truth(problem, direction, integer=True)
    result, margins = surrounded(np.full(expected.shape, np.nan))
    p, driver = describe(problem), find(algorithm)
    if direction == "forward":
        driver.forward(p, x, kernel, bias, 0, result)
    elif direction == "backward_input":
        driver.backward_input(p, dy, kernel, result)
    else:
        driver.backward_filter(p, x, dy, result)
    room = 0 if driver.exact_integers else 1e-5 * np.abs(expected).max(initial=0)
    np.testing.assert_allclose(result, expected, rtol=0, atol=room)
    assert np.isnan(margins).all()


SPECIAL = [
    Conv("3x3", (2, 9, 8, 5), (3, 3, 5, 17), padding="same"),
    Conv("3x3 C=16", (1, 7, 7, 16), (3, 3, 16, 32)),
    Conv("1x1", (2, 5, 5, 20), (1, 1, 20, 9)),
    Conv("s2", (1, 9, 9, 3), (3, 3, 3, 8), (2, 2), "same"),
    Conv("1x7", (1, 7, 9, 5), (1, 7, 5, 9), padding="same"),
    Conv("3x1", (2, 9, 6, 5), (3, 1, 5, 9), padding="same"),
    Conv("5x5", (1, 9, 10, 4), (5, 5, 4, 8), padding="same"),
    Conv("2x2", (1, 7, 8, 4), (2, 2, 4, 17), padding="same"),
    Conv("g2", (1, 6, 6, 6), (3, 3, 3, 8), padding="same", groups=2),
]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(FORWARD, SPECIAL))
def test_conv2d_non_finite_inputs_reach_exactly_their_outputs(
    each_isa, problem, direction, algorithm, value
):
    arrays = data(problem)
    x = arrays.x.copy()
    x[-1, 2, 3, 1] = value
    arrays = arrays._replace(x=x)
    with np.errstate(invalid="ignore"):
        expected = FORWARD[direction](reference, arrays, problem)
    y = FORWARD[direction](ops, arrays, problem, algorithm=algorithm)
    assert_within(y, expected, tolerance(problem, direction, algorithm), factor=1)


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(FORWARD, SPECIAL))
def test_conv2d_nan_weight_spoils_only_its_filter(each_isa, problem, direction, algorithm):
    kernel = data(problem).kernel.copy()
    kernel[0, 0, 0, 3] = np.nan
    arrays = data(problem)._replace(kernel=kernel)
    y = FORWARD[direction](ops, arrays, problem, algorithm=algorithm)
    expected = truth(problem, direction)
    bound = tolerance(problem, direction, algorithm)
    others = [f for f in range(y.shape[3]) if f != 3]
    assert np.isnan(y[:, 3:, 3:, 3]).all()
    assert_within(
        np.ascontiguousarray(y[..., others]),
        expected[..., others],
        bound[..., others],
        factor=1,
    )


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(FORWARD, SPECIAL))
def test_conv2d_opposite_infinities_are_nan(each_isa, problem, direction, algorithm):
    x = np.full(problem.x, np.inf, np.float32)
    kernel = np.ones(problem.kernel, np.float32)
    kernel[1 % kernel.shape[0], 1 % kernel.shape[1], 0] = -1
    y = ops.conv2d(x, kernel, **problem.options, algorithm=algorithm)
    assert np.isnan(y[:, 2:-2, 2:-2]).all()


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(FORWARD, SPECIAL))
def test_conv2d_huge_and_subnormal_inputs(each_isa, problem, direction, algorithm):
    for scale in (1e-40, 1e-30, 1e30):
        arrays = data(problem)
        scaled = arrays._replace(
            x=(arrays.x * np.float32(scale)).astype(np.float32), bias=np.float32(0) * arrays.bias
        )
        y = FORWARD[direction](ops, scaled, problem, algorithm=algorithm)
        expected = FORWARD[direction](reference, scaled, problem)
        bound = tolerance(problem, direction, algorithm) * scale
        # Subnormal inputs may count as zero: K products of less than `tiny` each.
        flushed = np.finfo(np.float32).tiny * np.abs(arrays.kernel).sum(axis=(0, 1, 2)).max()
        assert (np.abs(y - expected) <= EPS * bound + flushed).all()


@pytest.mark.parametrize("activation", [None, "linear", "relu", "relu6", "tanh", "softmax"])
@pytest.mark.parametrize("with_bias", [False, True])
@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(FORWARD, SPECIAL[:3]))
def test_conv2d_activation_is_applied_after_the_bias(
    each_isa, problem, direction, algorithm, with_bias, activation
):
    arrays = data(problem)
    x = arrays.x.copy()
    x[0, 1, 1, 1] = np.nan  # which no activation hides
    bias = arrays.bias if with_bias else None
    options = {**problem.options, "algorithm": algorithm}
    y = ops.conv2d(x, arrays.kernel, bias, **options, activation=activation)
    linear = ops.conv2d(x, arrays.kernel, bias, **options)
    expected = linear if activation is None else ops.activation(linear, activation)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("padding", ["SAME", "Same", "VALID"])
def test_conv2d_padding_ignores_case(padding):
    arrays = data(SPECIAL[0])
    np.testing.assert_array_equal(
        ops.conv2d(arrays.x, arrays.kernel, padding=padding),
        ops.conv2d(arrays.x, arrays.kernel, padding=padding.lower()),
    )


def test_conv2d_integers_mean_pairs():
    arrays = data(SPECIAL[0])
    np.testing.assert_array_equal(
        ops.conv2d(arrays.x, arrays.kernel, strides=2, dilation=np.int64(1)),
        ops.conv2d(arrays.x, arrays.kernel, strides=[2, 2], dilation=(1, 1)),
    )


def test_conv2d_result_is_new():
    arrays = data(SPECIAL[2])
    first = ops.conv2d(arrays.x, arrays.kernel)
    kept = first.copy()
    second = ops.conv2d(2 * arrays.x, arrays.kernel)
    assert first.flags.writeable
    assert not np.shares_memory(first, second)
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_explain_conv2d_names_the_choice_and_all_others(each_isa, direction):
    for problem in SPECIAL:
        text = ops.explain_conv2d(problem.x, problem.kernel, **problem.options, direction=direction)
        chosen = plan_conv2d(describe(problem), direction).name
        assert each_isa in text
        for algorithm in CONV2D_ALGORITHMS:
            line = next(line for line in text.splitlines() if f"{algorithm.name}:" in line)
            assert ("chosen" in line) == (algorithm.name == chosen)
        macs = problem.y[0] * problem.y[1] * problem.y[2] * np.prod(problem.kernel, dtype=int)
        assert f"{2 * macs / 1e6:.2f} MFLOP" in text


def test_plan_does_not_look_at_the_batch_size(each_isa):
    for problem in CONVS:
        for direction in ("forward", "backward_input"):  # kernel gradients are sums over the batch
            chosen = {
                plan_conv2d(describe(problem)._replace(N=N), direction).name for N in (1, 2, 64)
            }
            assert len(chosen) == 1, problem


@pytest.mark.parametrize("strides", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2, 5])
@pytest.mark.parametrize("pads", [(0, 0), (2, 1), (-1, 3), (4, -2)])
def test_pairs_inside_are_those_whose_pixel_is_no_padding(strides, dilation, pads):
    size, taps = 9, 3
    outputs = max(0, (size + sum(pads) - (taps - 1) * dilation - 1) // strides + 1)
    p = ConvProblem(
        1, size, 1, 1, 1, taps, 1, (strides, 1), (pads, (0, 0)), (dilation, 1), 1, outputs, 1
    )
    pixels = [o * strides + k * dilation - pads[0] for o in range(outputs) for k in range(taps)]
    assert p.pairs_inside == sum(0 <= pixel < size for pixel in pixels)
