"""Pooling and its gradients on every instruction set against the reference."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastconv import ops

from .. import reference
from .compare import assert_within, poison


class Pool(NamedTuple):
    x: tuple[int, int, int, int]
    pool_size: tuple[int, int] = (2, 2)
    strides: tuple[int, int] = (2, 2)
    padding: str | tuple = "valid"

    @property
    def geometry(self):
        return {"strides": self.strides, "padding": self.padding}

    @property
    def y(self):
        size = reference.output_size(self.x[1:3], self.pool_size, **self.geometry)
        return (self.x[0], *size, self.x[3])

    def __str__(self):
        shown = ["x".join(map(str, part)) for part in self[:3]]
        return f"{shown[0]}-k{shown[1]}-s{shown[2]}-{self.padding}"


POOLS = [
    *(Pool((2, 6, 5, C))
      for C in (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 127)),
    Pool((1, 26, 26, 32)),
    Pool((2, 7, 9, 5), padding="same"),
    Pool((1, 5, 5, 3), padding="same"),
    Pool((2, 9, 9, 6), (3, 3), (2, 2)),  # overlapping
    Pool((2, 9, 8, 6), (3, 3), (2, 2), "same"),
    Pool((2, 8, 8, 17), (3, 3), (1, 1), "same"),
    Pool((1, 7, 6, 4), (2, 2), (1, 1)),
    Pool((1, 9, 8, 4), (3, 2), (3, 2)),
    Pool((1, 9, 8, 4), (1, 3), (2, 1), "same"),
    Pool((1, 11, 10, 4), (2, 2), (3, 4)),  # stride > window
    Pool((1, 10, 11, 4), (2, 2), (3, 4), "same"),
    Pool((3, 4, 5, 7), (4, 5), (4, 5)),  # global
    Pool((1, 3, 2, 4), (5, 6), (2, 2), "same"),  # window > image
    Pool((2, 4, 4, 3), (1, 1), (1, 1)),
    Pool((2, 8, 6, 3), (4, 3), (2, 3), "same"),
    Pool((1, 20, 21, 5), (16, 8), (2, 3)),  # 128 and 129 positions: where bytes end
    Pool((1, 5, 60, 19), (3, 43), (1, 5), "same"),
    Pool((2, 5, 6, 9), (3, 2), (2, 2), ((1, 2), (0, 1))),
    Pool((40, 4, 4, 3)),
    Pool((0, 4, 4, 3)),
]  # fmt: skip


@functools.cache
def data(problem, integer=False):
    rng = np.random.default_rng(13)
    x, dy = (
        (rng.integers(-8, 9, shape) if integer else rng.standard_normal(shape)).astype(np.float32)
        for shape in (problem.x, problem.y)
    )
    x.flags.writeable = dy.flags.writeable = False
    return x, dy


@pytest.mark.parametrize("integer", [False, True], ids=["distinct", "ties"])
@pytest.mark.parametrize("problem", POOLS, ids=str)
def test_max_pool2d(each_isa, problem, integer):
    x, dy = data(problem, integer)
    expected, expected_argmax = reference.max_pool2d(x, problem.pool_size, **problem.geometry)
    poison(expected.shape)
    y, argmax = ops.max_pool2d(x, problem.pool_size, **problem.geometry, return_argmax=True)
    assert y.dtype == np.float32
    assert argmax.dtype in (np.int8, np.int32)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(argmax, expected_argmax)
    np.testing.assert_array_equal(ops.max_pool2d(x, problem.pool_size, **problem.geometry), y)

    expected_dx = reference.max_pool2d_backward(
        dy, argmax, problem.x, problem.pool_size, **problem.geometry
    )
    bound = reference.max_pool2d_backward(
        np.abs(dy), argmax, problem.x, problem.pool_size, **problem.geometry
    )
    dx = ops.max_pool2d_backward(dy, argmax, problem.x, problem.pool_size, **problem.geometry)
    assert_within(dx, expected_dx, bound)
    if integer:
        np.testing.assert_array_equal(dx, expected_dx)


@pytest.mark.parametrize("problem", POOLS, ids=str)
def test_average_pool2d(each_isa, problem):
    x, dy = data(problem)
    size, geometry = problem.pool_size, problem.geometry
    poison(problem.y)
    assert_within(
        ops.average_pool2d(x, size, **geometry),
        reference.average_pool2d(x, size, **geometry),
        reference.average_pool2d(np.abs(x), size, **geometry),
    )
    poison(problem.x)
    assert_within(
        ops.average_pool2d_backward(dy, problem.x, size, **geometry),
        reference.average_pool2d_backward(dy, problem.x, size, **geometry),
        reference.average_pool2d_backward(np.abs(dy), problem.x, size, **geometry),
    )


@st.composite
def problems(draw):
    def pair(low, high):
        return draw(st.tuples(st.integers(low, high), st.integers(low, high)))

    window, strides = pair(1, 4), pair(1, 4)
    size = tuple(k - 1 + extra for k, extra in zip(window, pair(1, 8), strict=True))
    x = (draw(st.integers(0, 3)), *size, draw(st.integers(1, 20)))
    return Pool(x, window, strides, draw(st.sampled_from(["valid", "same"])))


@settings(
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(problem=problems())
def test_pooling_any_geometry(each_isa, problem):
    x, dy = data.__wrapped__(problem, integer=True)
    size, geometry = problem.pool_size, problem.geometry
    expected, expected_argmax = reference.max_pool2d(x, size, **geometry)
    y, argmax = ops.max_pool2d(x, size, **geometry, return_argmax=True)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(argmax, expected_argmax)
    np.testing.assert_array_equal(
        ops.max_pool2d_backward(dy, argmax, problem.x, size, **geometry),
        reference.max_pool2d_backward(dy, argmax, problem.x, size, **geometry),
    )
    assert_within(
        ops.average_pool2d(x, size, **geometry),
        reference.average_pool2d(x, size, **geometry),
        reference.average_pool2d(np.abs(x), size, **geometry),
    )


def test_pooling_strides_default_to_the_window(each_isa):
    x, _ = data(Pool((2, 9, 9, 6)))
    for pool in (ops.max_pool2d, ops.average_pool2d):
        np.testing.assert_array_equal(pool(x, (3, 2)), pool(x, (3, 2), strides=(3, 2)))
        np.testing.assert_array_equal(pool(x), pool(x, 2, strides=2))


@pytest.mark.parametrize("C", [1, 4, 17])
def test_max_pool2d_nan_propagates_and_takes_the_gradient(each_isa, C):
    x = np.zeros((1, 4, 4, C), np.float32)
    x[0, 0, 1] = np.nan  # beside larger numbers and another NaN
    x[0, 1, 0] = np.inf
    x[0, 1, 1] = np.nan
    y, argmax = ops.max_pool2d(x, 2, return_argmax=True)
    expected, expected_argmax = reference.max_pool2d(x, (2, 2), strides=(2, 2))
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(argmax, expected_argmax)
    np.testing.assert_array_equal(ops.max_pool2d(x, 2), expected)
    assert np.isnan(y[0, 0, 0]).all()
    assert np.isnan(y).sum() == C


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_max_pool2d_padding_never_wins(each_isa, padding):
    """Windows of -inf, or of large negative numbers, at a padded border."""
    for value in (-np.inf, -3.4e38):
        x = np.full((1, 5, 5, 3), value, np.float32)
        y, argmax = ops.max_pool2d(x, 3, strides=2, padding=padding, return_argmax=True)
        expected, expected_argmax = reference.max_pool2d(x, (3, 3), strides=(2, 2), padding=padding)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(argmax, expected_argmax)
        np.testing.assert_array_equal(ops.max_pool2d(x, 3, strides=2, padding=padding), expected)
        dx = ops.max_pool2d_backward(
            np.ones_like(y), argmax, x.shape, 3, strides=2, padding=padding
        )
        assert dx.sum() == y.size  # no gradient is lost to the padding


def test_max_pool2d_of_nothing_but_padding(each_isa):
    x = np.ones((1, 2, 2, 5), np.float32)
    geometry = {"strides": (2, 2), "padding": ((2, 0), (0, 2))}
    y, argmax = ops.max_pool2d(x, 2, return_argmax=True, **geometry)
    expected, expected_argmax = reference.max_pool2d(x, (2, 2), **geometry)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(argmax, expected_argmax)
    np.testing.assert_array_equal(ops.max_pool2d(x, 2, **geometry), expected)
    dx = ops.max_pool2d_backward(np.ones_like(y), argmax, x.shape, 2, **geometry)
    np.testing.assert_array_equal(dx[0, :, :, 0], [[1, 0], [0, 0]])


def test_average_pool2d_non_finite(each_isa):
    x = np.ones((1, 4, 6, 5), np.float32)
    x[0, 0, 0, 1], x[0, 2, 3, 4], x[0, 1, 5, 0] = np.nan, np.inf, -np.inf
    assert_within(
        ops.average_pool2d(x, 2), reference.average_pool2d(x, (2, 2), strides=(2, 2)), 1.0
    )


GLOBAL = [(2, 7, 7, 64), (1, 1, 1, 5), (3, 4, 9, 17), (9, 13, 2, 1), (2, 30, 31, 33), (0, 4, 4, 2)]


@pytest.mark.parametrize("shape", GLOBAL, ids=str)
def test_global_average_pool2d(each_isa, rng, shape):
    x = rng.standard_normal(shape).astype(np.float32)
    dy = rng.standard_normal((shape[0], shape[3])).astype(np.float32)
    assert_within(
        ops.global_average_pool2d(x),
        np.float64(x).mean(axis=(1, 2)),
        np.abs(np.float64(x)).mean(axis=(1, 2)),
    )
    expected = np.broadcast_to(np.float64(dy)[:, None, None] / (shape[1] * shape[2]), shape)
    assert_within(ops.global_average_pool2d_backward(dy, shape), expected, np.abs(expected))


@pytest.mark.parametrize("shape", GLOBAL, ids=str)
def test_global_max_pool2d(each_isa, rng, shape):
    x = rng.integers(-8, 9, shape).astype(np.float32)
    dy = rng.integers(-8, 9, (shape[0], shape[3])).astype(np.float32)
    size = shape[1:3]
    expected, expected_argmax = reference.max_pool2d(x, size, strides=size)
    y, argmax = ops.global_max_pool2d(x, return_argmax=True)
    np.testing.assert_array_equal(y, expected[:, 0, 0])
    np.testing.assert_array_equal(argmax, expected_argmax[:, 0, 0])
    np.testing.assert_array_equal(ops.global_max_pool2d(x), y)
    np.testing.assert_array_equal(
        ops.global_max_pool2d_backward(dy, argmax, shape),
        reference.max_pool2d_backward(
            dy[:, None, None], argmax[:, None, None], shape, size, strides=size
        ),
    )
