"""The model, and how it is trained, that the tests of files share."""

from __future__ import annotations

import numpy as np

from fastconv import layers, optimizers, regularizers
from fastconv.models import Sequential

from ..models.helpers import CCE

ENDINGS = ["keras", "h5"]


def network(units=3):
    inner = Sequential(
        [layers.Input((3, 3, 4)), layers.Flatten(), layers.Dense(5, name="deep")], name="inner"
    )
    return Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer=regularizers.L2(0.01)),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25, seed=3),
            inner,
            layers.Dense(units, activation="softmax"),
        ],
        name="net",
    )


def make_data():
    """Return images and their classes."""
    rng = np.random.default_rng(0)
    return rng.random((24, 8, 8, 1)).astype(np.float32), np.eye(3)[np.arange(24) % 3]


def trained(data, optimizer=None, epochs=2):
    model = network()
    model.compile(optimizer or optimizers.Adam(0.003), CCE, metrics=["accuracy"])
    model.fit(*data, epochs=epochs, batch_size=8, verbose=0)
    return model


def assert_same(a, b):
    for one, two in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
