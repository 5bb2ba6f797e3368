"""The same bits for any number of threads and any batch size; memory that does not grow."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import config, layers, utils
from fastconv.models import Sequential

from .. import programs


def network():
    utils.set_random_seed(3)
    model = Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture
def data(rng):
    return rng.random((640, 28, 28, 1), np.float32), rng.integers(0, 10, 640)


def test_training_on_one_and_two_threads_gives_the_same_weights(data):
    """60 steps: a single differing bit would have spread to all weights by then."""
    before = config.get_num_threads()
    weights = []
    for count in (1, 2):
        config.set_num_threads(count)
        model = network()
        model.fit(*data, batch_size=32, epochs=3, verbose=0)
        weights.append([w.tobytes() for w in model.get_weights()])
    config.set_num_threads(before)
    assert weights[0] == weights[1]


def test_prediction_does_not_depend_on_the_batch(data):
    model = network()
    x = data[0][:64]
    results = {size: model.predict(x, batch_size=size, verbose=0) for size in (1, 7, 32)}
    assert results[1].tobytes() == results[7].tobytes() == results[32].tobytes()
    assert model(x[5:6]).tobytes() == results[32][5:6].tobytes()


PRELUDE = """
import numpy as np
from fastconv.kernels import isa
from tests.models.test_reproducible import network

def status(field):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith(field)) / 1024

model = network()
"""
PREDICT = """
x = np.zeros((10000, 28, 28, 1), np.float32)
model.predict(x[:64], verbose=0)
before = status("VmRSS")
model.predict(x, verbose=0)
print(status("VmHWM") - before)
"""
STEPS = """
x, y = np.zeros((32, 28, 28, 1), np.float32), np.zeros(32, int)
model.train_on_batch(x, y)
for _ in range(200):
    model.train_on_batch(x, y)
before = status("VmRSS")
for _ in range(800):
    model.train_on_batch(x, y)
print(status("VmRSS") - before)
"""
BATCHES = """
for size in range(1, 51):
    model.predict(np.zeros((size, 28, 28, 1), np.float32), batch_size=64, verbose=0)
before = status("VmRSS")
for size in range(1, 51):
    model.predict(np.zeros((size, 28, 28, 1), np.float32), batch_size=64, verbose=0)
print(status("VmRSS") - before)
"""


@pytest.mark.parametrize(("program", "megabytes"), [(PREDICT, 150), (STEPS, 8), (BATCHES, 8)])
def test_memory_does_not_grow(program, megabytes):
    """Prediction needs a batch's memory, not the data set's; a thousand steps need one step's."""
    assert float(programs.run("-c", PRELUDE + program)) < megabytes
