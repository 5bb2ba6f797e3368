"""Depthwise convolution and its gradients on every instruction set against the reference."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastconv import ops

from .. import reference
from .compare import assert_within, poison
from .problems import Conv, Data


def depthwise(name, x, kernel, *geometry):
    """Return a problem whose kernel is (KH, KW, C, M)."""
    return Conv(name, x, (*kernel, 1) if len(kernel) == 3 else kernel, *geometry)


S2 = (2, 2)

DEPTHWISE = [
    *(depthwise(f"C={C}", (2, 6, 5, C), (3, 3, C), (1, 1), "same")
      for C in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 130)),
    *(depthwise(f"C={C} M={M}", (2, 6, 5, C), (3, 3, C, M), S2, "same")
      for C, M in ((1, 2), (3, 3), (8, 2), (5, 4), (17, 2), (1, 17))),
    depthwise("valid", (2, 9, 8, 6), (3, 3, 6)),
    depthwise("s2 even", (1, 8, 8, 16), (3, 3, 16), S2, "same"),
    depthwise("s2 odd", (1, 9, 7, 16), (3, 3, 16), S2, "same"),
    depthwise("s3x1", (1, 9, 7, 5), (3, 3, 5), (3, 1)),
    depthwise("stride > kernel", (1, 11, 10, 5), (2, 2, 5), (3, 4)),
    depthwise("d2", (1, 9, 10, 5), (3, 3, 5), (1, 1), "same", S2),
    depthwise("d3x2 s2", (1, 12, 10, 5), (3, 3, 5), S2, "same", (3, 2)),
    depthwise("5x5", (1, 9, 9, 8), (5, 5, 8), (1, 1), "same"),
    depthwise("7x7 on 14x14", (1, 14, 14, 8), (7, 7, 8), (1, 1), "same"),
    depthwise("2x2", (1, 5, 6, 8), (2, 2, 8), (1, 1), "same"),
    depthwise("1x1", (2, 5, 6, 9), (1, 1, 9)),
    depthwise("1x5", (1, 5, 9, 4), (1, 5, 4), (1, 1), "same"),
    depthwise("H < KH", (1, 2, 1, 4), (5, 5, 4), (1, 1), "same"),
    depthwise("pads", (1, 6, 5, 4), (3, 3, 4), (1, 1), ((1, 2), (0, 3))),
    depthwise("wide", (1, 3, 65, 3), (3, 3, 3), (1, 1), "same"),
    *(depthwise(f"W={W} K={K} s{s}", (1, 3, W, 17), (K, K, 17), (s, s), "same")
      for W in (*range(1, 9), *range(10, 16), 22, 23) for K in (3, 5) for s in (1, 2)),
    depthwise("batch", (19, 4, 4, 3), (3, 3, 3), (1, 1), "same"),
    depthwise("N=0", (0, 4, 4, 3), (3, 3, 3)),
]  # fmt: skip

DIRECTIONS = {
    "forward": lambda module, d, p: module.depthwise_conv2d(d.x, d.kernel, d.bias, **p.geometry),
    "backward_input": lambda module, d, p: module.depthwise_conv2d_backward_input(
        d.dy, d.kernel, p.x, **p.geometry
    ),
    "backward_filter": lambda module, d, p: module.depthwise_conv2d_backward_filter(
        d.x, d.dy, p.kernel, **p.geometry
    ),
}


def draw_data(problem, integer):
    rng = np.random.default_rng(11)
    C, M = problem.kernel[2:]
    OH, OW = reference.output_size(problem.x[1:3], problem.kernel[:2], **problem.geometry)
    arrays = []
    for shape in (problem.x, problem.kernel, (C * M,), (problem.x[0], OH, OW, C * M)):
        values = rng.integers(-8, 9, shape) if integer else rng.standard_normal(shape)
        arrays.append(values.astype(np.float32))
        arrays[-1].flags.writeable = False
    return Data(*arrays)


data = functools.cache(draw_data)


@functools.cache
def truth(problem, direction, integer=False):
    arrays = data(problem, integer)
    compute = DIRECTIONS[direction]
    return (
        compute(reference, arrays, problem),
        compute(reference, Data(*map(np.abs, arrays)), problem),
    )


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("problem", DEPTHWISE, ids=str)
def test_depthwise_matches_reference(each_isa, problem, direction):
    expected, bound = truth(problem, direction)
    poison(expected.shape)
    assert_within(DIRECTIONS[direction](ops, data(problem, False), problem), expected, bound)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("problem", DEPTHWISE, ids=str)
def test_depthwise_integers_are_exact(each_isa, problem, direction):
    expected, _ = truth(problem, direction, integer=True)
    poison(expected.shape)
    result = DIRECTIONS[direction](ops, data(problem, True), problem)
    np.testing.assert_array_equal(result, expected)


@st.composite
def problems(draw):
    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    window, strides, dilation = pair(1, 5), pair(1, 3), pair(1, 3)
    size = tuple(
        (k - 1) * d + extra for k, d, extra in zip(window, dilation, pair(1, 7), strict=True)
    )
    C, M = draw(st.integers(1, 20)), draw(st.integers(1, 3))
    padding = draw(st.sampled_from(["valid", "same"]))
    x = (draw(st.integers(0, 3)), *size, C)
    return Conv("drawn", x, (*window, C, M), strides, padding, dilation)


@pytest.mark.parametrize("direction", DIRECTIONS)
@settings(
    derandomize=True,
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(problem=problems())
def test_depthwise_any_geometry(each_isa, direction, problem):
    arrays = draw_data(problem, True)
    compute = DIRECTIONS[direction]
    np.testing.assert_array_equal(
        compute(ops, arrays, problem), compute(reference, arrays, problem), str(problem)
    )


@pytest.mark.parametrize("activation", ["relu", "relu6", "tanh"])
def test_depthwise_activation_is_applied_after_the_bias(each_isa, activation):
    x, kernel, bias, _ = data(DEPTHWISE[12], False)
    x = x.copy()
    x[0, 1, 1, 1] = np.nan  # which no activation hides
    linear = ops.depthwise_conv2d(x, kernel, bias, padding="same")
    y = ops.depthwise_conv2d(x, kernel, bias, padding="same", activation=activation)
    np.testing.assert_array_equal(y, ops.activation(linear, activation))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_depthwise_non_finite_inputs_stay_in_their_channel(each_isa, value):
    problem = DEPTHWISE[14]
    x = data(problem, False).x.copy()
    x[1, 2, 2, 5] = value
    arrays = data(problem, False)._replace(x=x)
    expected = DIRECTIONS["forward"](reference, arrays, problem)
    _, bound = truth(problem, "forward")
    assert_within(DIRECTIONS["forward"](ops, arrays, problem), expected, bound)


def test_depthwise_is_a_grouped_convolution(each_isa):
    """Filter m of channel c is output channel c * M + m, as in a convolution with groups=C."""
    arrays = data(DEPTHWISE[21], True)
    KH, KW, C, M = arrays.kernel.shape
    grouped = ops.conv2d(arrays.x, arrays.kernel.reshape(KH, KW, 1, C * M), groups=C)
    np.testing.assert_array_equal(ops.depthwise_conv2d(arrays.x, arrays.kernel), grouped)
