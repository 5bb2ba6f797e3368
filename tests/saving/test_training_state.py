"""Training that is interrupted goes on bit for bit, in a process that knows nothing of it."""

from __future__ import annotations

import random

import numpy as np
import pytest

from fastconv import utils
from fastconv.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input
from fastconv.models import Sequential
from fastconv.random import global_state, set_global_state

from ..models.helpers import SCCE, images


def network(rate=0.3):
    layers = [Input((6, 6, 1)), Conv2D(4, 3), BatchNormalization(), Dropout(rate), Flatten()]
    model = Sequential([*layers, Dropout(rate), Dense(3, activation="softmax")])
    model.compile("adam", SCCE)
    return model


def assert_same(a, b):
    for one, two in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("seed", range(3))
def test_training_goes_on_bit_for_bit(seed, tmp_path):
    utils.set_random_seed(seed)
    x, y = images(np.random.default_rng(seed))
    model = network()
    model.fit(x, y, epochs=2, batch_size=16, verbose=0)
    path = tmp_path / "latest.weights.h5"
    model.save_training_state(path, {"epoch": 2, "best": 0.1})
    model.fit(x, y, epochs=2, batch_size=16, verbose=0)
    utils.set_random_seed(1000 + seed)
    other = network()
    assert other.load_training_state(path) == {"epoch": 2, "best": 0.1}
    other.fit(x, y, epochs=2, batch_size=16, verbose=0)
    assert_same(model, other)
    assert other.optimizer.iterations == model.optimizer.iterations


def test_loading_weights_sets_the_counters_but_no_global_state(tmp_path):
    model = network()
    for _ in range(3):
        model(np.zeros((1, 6, 6, 1)), training=True)
    model.save_weights(tmp_path / "m.weights.h5")
    other = network()
    np.random.seed(5)
    random.seed(5)
    before = random.random(), np.random.random()
    np.random.seed(5)
    random.seed(5)
    other.load_weights(tmp_path / "m.weights.h5")
    assert (random.random(), np.random.random()) == before
    assert other.layers[2].seed_generator.state == model.layers[2].seed_generator.state
    assert other.layers[2].seed_generator.state[1] == 3


def test_files_without_state(tmp_path):
    import h5py

    model = network()
    path = tmp_path / "m.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["fastconv"]
    model.load_weights(path)
    with pytest.raises(ValueError, match="has no state of training: it was not written by fast"):
        model.load_training_state(path)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "this is no JSON"),
        ('{"version": 1}', "counters must be a dictionary"),
        ('{"version": 1, "counters": {"a": 3}, "random": {}, "position": {}}', "two integers"),
        ('{"version": 1, "counters": {}, "random": {}, "position": {}}', "no state of the random"),
    ],
)
def test_damaged_state(text, match, tmp_path):
    import h5py

    model = network()
    path = tmp_path / "m.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        file["fastconv"].attrs["state"] = text
    before = global_state()
    with pytest.raises(ValueError, match=match):
        model.load_training_state(path)
    assert before["numpy_position"] == global_state()["numpy_position"]


def test_global_state_there_and_back():
    state = global_state()
    first = random.random(), random.gauss(0, 1), np.random.normal(size=3).tolist()
    set_global_state(state)
    assert (random.random(), random.gauss(0, 1), np.random.normal(size=3).tolist()) == first
    with pytest.raises(ValueError, match="no state of the random numbers"):
        set_global_state({**state, "numpy": [1, 2]})
