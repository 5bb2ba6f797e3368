"""Dropout, and the seeds it draws."""

from __future__ import annotations

import random

import numpy as np
import pytest

from fastconv.layers import Dropout
from fastconv.random import SeedGenerator, splitmix64

X = np.ones((200, 50), np.float32)


def test_training_scales_what_is_kept():
    y = Dropout(0.2, seed=1)(X, training=True)
    assert set(np.unique(y)) == {0, np.float32(1.25)}
    assert np.mean(y == 0) == pytest.approx(0.2, abs=0.02)


def test_inference_changes_nothing():
    np.testing.assert_array_equal(Dropout(0.5)(X), X)


def test_rate_one_drops_everything():
    assert not Dropout(1)(X, training=True).any()


def test_masks_follow_from_the_seed():
    first, second = Dropout(0.5, seed=3), Dropout(0.5, seed=3)
    a, b = first(X, training=True), first(X, training=True)
    assert (a != b).any()
    np.testing.assert_array_equal(second(X, training=True), a)
    second.seed_generator.state = (3, 1)
    np.testing.assert_array_equal(second(X, training=True), b)


def test_python_random_seeds_the_rest():
    random.seed(7)
    a = Dropout(0.5)(X, training=True)
    random.seed(7)
    np.testing.assert_array_equal(Dropout(0.5)(X, training=True), a)


def test_noise_shape_drops_whole_channels():
    y = Dropout(0.5, seed=2, noise_shape=(None, 1, 1, None))(
        np.ones((8, 5, 5, 6), np.float32), training=True
    )
    assert (y == y[:, :1, :1]).all()
    assert {0, 2} == set(np.unique(y))


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"rate": 1.5}, ValueError, r"rate must be in \[0, 1\], got 1.5. Did you mean 0.015?"),
        ({"rate": 50}, ValueError, r"rate must be in \[0, 1\], got 50. Did you mean 0.5?"),
        ({"rate": -0.1}, ValueError, r"rate must be in \[0, 1\], got -0.1\.$"),
        ({"rate": float("nan")}, ValueError, "rate must be finite, got nan"),
        ({"rate": "half"}, TypeError, "rate must be a number, got str"),
        ({"rate": 0.5, "seed": 1.5}, TypeError, "seed must be an integer"),
        ({"rate": 0.5, "noise_shape": 3}, ValueError, "noise_shape must be a tuple"),
    ],
)
def test_bad_arguments(kwargs, error, message):
    with pytest.raises(error, match=f'^Dropout "d": {message}'):
        Dropout(name="d", **kwargs)


@pytest.mark.parametrize("noise_shape", [(None, 1), (None, 2, 1)])
def test_noise_shape_that_does_not_fit(noise_shape):
    with pytest.raises(ValueError, match=r"noise_shape .* got input shape"):
        Dropout(0.5, noise_shape=noise_shape)(np.ones((4, 3, 5)))


def test_splitmix64():
    """The first numbers of the reference implementation for seed 1234567."""
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [splitmix64(1234567, i) for i in range(3)] == expected


def test_seed_generator():
    generator = SeedGenerator(1234567, name="g")
    assert [generator.next() for _ in range(2)] == [splitmix64(1234567, i) for i in range(2)]
    assert generator.state == (1234567, 2)
    assert generator.get_config() == {"seed": 1234567, "name": "g"}
    with pytest.raises(ValueError, match="seed must be at least 0"):
        SeedGenerator(-1)
