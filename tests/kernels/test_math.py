"""Accuracy of the vector functions over all of float32, measured in units in the last place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastconv import ops

TINY = float(np.finfo(np.float32).tiny)  # smaller results may become zero


def all_sizes(step):
    """Return every `step`-th of the 2^32 floats: all signs and exponents, infinities, NaN."""
    return np.arange(0, 1 << 32, step, dtype=np.uint64).astype(np.uint32).view(np.float32)


def worst_ulp(result, expected):
    """Return the largest error in ulp; special values and tiny results are checked here."""
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected))
    with np.errstate(over="ignore"):
        rounded = expected.astype(np.float32)
    special = np.isinf(rounded) | np.isinf(result)
    largest = float(np.finfo(np.float32).max)
    same = (rounded == result) | (np.minimum(np.abs(expected), np.abs(result)) > 0.999999 * largest)
    assert same[special].all()
    tiny = np.abs(expected) < TINY
    assert (np.abs(result[tiny]) <= TINY).all()
    ordinary = np.isfinite(expected) & ~special & ~tiny
    error = np.abs(result[ordinary] - expected[ordinary])
    return (error / np.spacing(np.abs(rounded[ordinary])).astype(np.float64)).max()


@pytest.mark.parametrize(
    ("name", "truth", "limit"),
    [
        ("exponential", np.exp, 1.2),
        ("tanh", np.tanh, 2.6),
        ("sigmoid", lambda x: 1 / (1 + np.exp(-x)), 2.6),
        ("elu", lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))), 1.8),
        ("softplus", lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), 2.2),
    ],
)
def test_function_is_accurate_everywhere(each_isa, name, truth, limit):
    x = all_sizes(3001)
    with np.errstate(all="ignore"):
        expected = truth(x.astype(np.float64))
    assert worst_ulp(ops.activation(x, name), expected) <= limit


def test_log_is_accurate(each_isa):
    """log_softmax([0, x]) = (-log(1 + e^x), x - log(1 + e^x)); sums of 1 to 2 and of many."""
    for columns in (2, 3, 1000):
        x = np.zeros((1, columns), np.float32)
        assert worst_ulp(ops.log_softmax(x)[0, :1], np.array([-math.log(columns)])) <= 1


def test_gelu_keeps_its_lower_tail(each_isa):
    """1 + erf(x) would lose every digit there; so does Keras's own formula in float32."""
    x = np.linspace(-12.5, 0, 5001, dtype=np.float32)[:-1]
    expected = np.array([v * 0.5 * math.erfc(-v / math.sqrt(2)) for v in x.tolist()])
    assert worst_ulp(ops.activation(x, "gelu"), expected) <= 6


@pytest.mark.parametrize("name", sorted(set(ops.ACTIVATIONS) - {"glu"}))
def test_signed_zero_and_huge_numbers(each_isa, name):
    x = np.array([0.0, -0.0, 3e38, -3e38], np.float32)
    y = ops.activation(x.reshape(4, 1), name).ravel()
    dx = ops.activation_backward(
        np.ones((4, 1), np.float32), x.reshape(4, 1), y.reshape(4, 1), name
    )
    assert y[0] == y[1]
    assert not np.isnan(y).any()
    assert not np.isnan(dx).any()
