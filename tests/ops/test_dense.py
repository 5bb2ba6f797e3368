"""Dense products and their gradients on every instruction set against the reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastconv import ops
from fastconv.ops import bound
from fastconv.ops.packed import PackedKernel

from .. import reference
from .compare import assert_within, poison

# (M, K, F) around vectors, register tiles and blocks of 240 to 576; 1024 floats apart, rows collide
# in a cache, which a product may avoid by copying.
SIZES = [
    (1, 1, 1), (1, 17, 1), (1, 784, 128), (1, 64, 10), (2, 3, 4), (6, 16, 16), (7, 16, 17),
    (12, 8, 32), (13, 9, 33), (14, 255, 31), (15, 256, 48), (16, 257, 49), (17, 513, 15),
    (31, 5, 63), (32, 128, 10), (33, 1, 65), (64, 100, 100), (65, 31, 129), (3, 1025, 7),
    (200, 20, 3), (5, 7, 300), (239, 383, 255), (240, 384, 256), (241, 385, 257), (9, 577, 20),
    (7, 1024, 70), (13, 2048, 65), (70, 1030, 70), (130, 1025, 66), (600, 3, 5), (0, 4, 5),
]  # fmt: skip


def draw(rng, *shapes, integer=False):
    for shape in shapes:
        values = rng.integers(-8, 9, shape) if integer else rng.standard_normal(shape)
        values = values.astype(np.float32)
        values.flags.writeable = False
        yield values


@pytest.mark.parametrize(("M", "K", "F"), SIZES)
def test_dense_matches_reference(each_isa, rng, M, K, F):
    x, kernel, bias, dy = draw(rng, (M, K), (K, F), (F,), (M, F))
    poison((M, F))
    assert_within(
        ops.dense(x, kernel, bias),
        reference.dense(x, kernel, bias),
        reference.dense(*map(np.abs, (x, kernel, bias))),
    )
    poison((M, K))
    assert_within(
        ops.dense_backward_input(dy, kernel),
        reference.dense_backward_input(dy, kernel),
        reference.dense_backward_input(np.abs(dy), np.abs(kernel)),
    )
    poison((K, F))
    assert_within(
        ops.dense_backward_filter(x, dy),
        reference.dense_backward_filter(x, dy),
        reference.dense_backward_filter(np.abs(x), np.abs(dy)),
    )


def check_exact(x, kernel, bias, dy):
    np.testing.assert_array_equal(ops.dense(x, kernel), reference.dense(x, kernel))
    np.testing.assert_array_equal(ops.dense(x, kernel, bias), reference.dense(x, kernel, bias))
    np.testing.assert_array_equal(
        ops.dense_backward_input(dy, kernel), reference.dense_backward_input(dy, kernel)
    )
    np.testing.assert_array_equal(
        ops.dense_backward_filter(x, dy), reference.dense_backward_filter(x, dy)
    )


@pytest.mark.parametrize(("M", "K", "F"), SIZES)
def test_dense_integers_are_exact(each_isa, rng, M, K, F):
    check_exact(*draw(rng, (M, K), (K, F), (F,), (M, F), integer=True))


@settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    M=st.integers(0, 40),
    K=st.integers(1, 80),
    F=st.integers(1, 80),
    leading=st.sampled_from([(), (1,), (3,), (2, 2)]),
)
def test_dense_any_shape(each_isa, M, K, F, leading):
    rng = np.random.default_rng(3)
    check_exact(*draw(rng, (*leading, M, K), (K, F), (F,), (*leading, M, F), integer=True))


@pytest.mark.parametrize("leading", [(2, 3), (2, 1, 4), (0, 3)])
def test_dense_acts_on_the_last_axis(each_isa, rng, leading):
    check_exact(*draw(rng, (*leading, 9), (9, 5), (5,), (*leading, 5), integer=True))


@pytest.mark.parametrize("activation", [None, "linear", "relu", "relu6", "sigmoid", "softmax"])
def test_dense_activation_is_applied_after_the_bias(each_isa, rng, activation):
    x, kernel, bias = draw(rng, (9, 20), (20, 11), (11,))
    x = x.copy()
    x[3, 4] = np.nan  # which no activation hides
    linear = ops.dense(x, kernel, bias)
    expected = linear if activation is None else ops.activation(linear, activation)
    np.testing.assert_array_equal(ops.dense(x, kernel, bias, activation=activation), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_dense_non_finite_inputs_reach_exactly_their_row(each_isa, rng, value):
    x, kernel, bias = draw(rng, (15, 33), (33, 17), (17,))
    x = x.copy()
    x[7, 32] = value
    assert_within(
        ops.dense(x, kernel, bias),
        reference.dense(x, kernel, bias),
        reference.dense(*(np.abs(np.nan_to_num(a)) for a in (x, kernel, bias))),
    )


@pytest.mark.parametrize(("M", "K", "F"), SIZES)
def test_matmul(each_isa, rng, M, K, F):
    a, b = draw(rng, (M, K), (K, F))
    assert_within(ops.matmul(a, b), np.float64(a) @ b, np.float64(abs(a)) @ abs(b))


@pytest.mark.parametrize("rows", [1, 7, 13, 32, 130])
@pytest.mark.parametrize("depth", [1, 5, 383, 385, 576, 577, 800])
@pytest.mark.parametrize("units", [1, 10, 33, 70])
def test_packed_kernels_give_the_same_bits(each_isa, rows, depth, units):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, depth), np.float32)
    kernel = rng.standard_normal((depth, units), np.float32)
    bias = rng.standard_normal(units, np.float32)
    y, expected = np.empty((2, rows, units), np.float32)
    bound.dense(x, kernel, bias, 1, expected)()
    bound.dense_packed(x, PackedKernel(kernel), bias, 1, y)()
    assert y.tobytes() == expected.tobytes()
