"""Convolutions and dense products with few outputs, whose sums may run in the lanes of a vector."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import config, ops
from fastconv.kernels.gemm import takes_dots
from fastconv.kernels.isa import vector_length

from .. import reference
from .compare import assert_same_bits, assert_within, poison
from .problems import Conv

ACTIVATIONS = {
    "linear": lambda y: y,
    "relu": lambda y: np.where(y < 0, 0, y),
    "relu6": lambda y: np.where(y < 0, 0, np.where(y > 6, 6, y)),
}

#: Channels around one, two and several vectors of any length, and more than one chain of additions.
CHANNELS = 7, 8, 9, 16, 17, 31, 32, 33, 40, 64, 65, 130, 600


def draw(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def check(p, x, kernel, bias, name):
    options = p.options
    poison(p.y)
    y = ops.conv2d(x, kernel, bias, activation=name, algorithm="direct", **options)
    expected = ACTIVATIONS[name](reference.conv2d(x, kernel, bias, **options))
    bound = reference.conv2d(*map(np.abs, (x, kernel, bias)), **options)
    assert_within(y, expected, bound)
    for image in range(len(x)):
        one = x[image : image + 1]
        alone = ops.conv2d(one, kernel, bias, activation=name, algorithm="direct", **options)
        assert_same_bits(alone, y[image : image + 1], "an image alone")
    return y


@pytest.mark.parametrize("F", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("C", CHANNELS)
def test_few_output_channels(each_isa, rng, C, F):
    for taps, name in ((1, "linear"), (3, "relu"), (2, "relu6")):
        p = Conv("few", (2, 5, 6, C), (taps, taps, C, F), padding="same")
        check(p, 4 * draw(rng, *p.x), draw(rng, *p.kernel), draw(rng, F), name)


@pytest.mark.parametrize("options", [
    {"strides": (2, 3)}, {"dilation": (1, 2)}, {"strides": (3, 1), "padding": "same"},
], ids=str)  # fmt: skip
def test_strides_and_dilations(each_isa, rng, options):
    p = Conv("few", (2, 9, 8, 36), (3, 2, 36, 2), **options)
    check(p, draw(rng, *p.x), draw(rng, *p.kernel), draw(rng, 2), "linear")


def test_groups(each_isa, rng):
    p = Conv("few", (2, 5, 6, 99), (3, 3, 33, 6), groups=3)
    check(p, draw(rng, *p.x), draw(rng, *p.kernel), draw(rng, 6), "relu")


def test_one_pixel_has_the_bits_of_many(each_isa, rng):
    """A single output pixel takes no other path than many do."""
    kernel = draw(rng, 3, 3, 40, 2)
    x = draw(rng, 5, 3, 3, 40)
    together = ops.conv2d(x, kernel, algorithm="direct")
    for i in range(5):
        alone = ops.conv2d(x[i : i + 1], kernel, algorithm="direct")
        assert_same_bits(alone, together[i : i + 1])


@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (4, 5)])
@pytest.mark.parametrize("C", [1, 2, 3, 4])
def test_input_gradient_of_few_channels(each_isa, rng, C, strides):
    p = Conv("few", (2, 9, 10, C), (3, 3, C, 37), strides, "same")
    dy, kernel = draw(rng, *p.y), draw(rng, *p.kernel)
    options = p.options
    poison(p.x)
    dx = ops.conv2d_backward_input(dy, kernel, p.x, algorithm="direct", **options)
    assert_within(
        dx,
        reference.conv2d_backward_input(dy, kernel, p.x, **options),
        reference.conv2d_backward_input(np.abs(dy), np.abs(kernel), p.x, **options),
    )


@pytest.mark.parametrize("F", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("K", [15, 16, 33, 64, 577, 1300])
def test_dense_rows_do_not_depend_on_how_many_there_are(each_isa, rng, K, F):
    x, kernel, bias = draw(rng, 300, K), draw(rng, K, F), draw(rng, F)
    y = ops.dense(x, kernel, bias)
    bound = reference.dense(*map(np.abs, (x, kernel, bias)))
    assert_within(y, reference.dense(x, kernel, bias), bound)
    for rows in (1, 2, 3, 5, 129):
        assert_same_bits(ops.dense(x[:rows], kernel, bias), y[:rows], f"{rows} rows")
    before = config.get_num_threads()
    config.set_num_threads(3)
    assert_same_bits(ops.dense(x, kernel, bias), y, "3 threads")
    config.set_num_threads(before)


def test_infinities_and_nan(each_isa, rng):
    x, kernel = draw(rng, 1, 4, 4, 40), draw(rng, 1, 1, 40, 3)
    x[0, 0, 0, 3], x[0, 1, 2, 39], x[0, 3, 3, 0] = np.inf, np.nan, -np.inf
    y = ops.conv2d(x, kernel, activation="relu", algorithm="direct")
    expected = reference.conv2d(x, kernel)
    np.testing.assert_array_equal(np.isnan(y), np.isnan(expected))
    assert (y[np.isposinf(expected)] == np.inf).all()
    assert (y[np.isneginf(expected)] == 0).all()


def test_integers_are_exact(each_isa, rng):
    x = rng.integers(-8, 9, (2, 6, 6, 65)).astype(np.float32)
    kernel = rng.integers(-8, 9, (3, 3, 65, 2)).astype(np.float32)
    y = ops.conv2d(x, kernel, algorithm="direct")
    np.testing.assert_array_equal(y, reference.conv2d(x, kernel))


def test_who_takes_them(each_isa):
    vl = vector_length()
    assert takes_dots(1, vl, 1000)
    assert not takes_dots(1, vl - 1, 1000)
    assert not takes_dots(1, vl, 10)
    assert not takes_dots(5, 1000, 1000)
    assert takes_dots(4, 1000, 1000) == (vl > 4)
