"""Small models that tests of several files use."""

from __future__ import annotations

import numpy as np

from fastconv import optimizers
from fastconv.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from fastconv.models import Sequential

CCE, SCCE = "categorical_crossentropy", "sparse_categorical_crossentropy"


def model_for(units=3, activation="softmax", loss=SCCE, shape=(4,), metric=None):
    layers = [Input(shape), *([Flatten()] if len(shape) > 1 else [])]
    model = Sequential([*layers, Dense(units, activation=activation)])
    model.compile("sgd", loss, metrics=metric)
    return model


def images(rng):
    """Images whose class is where they are bright, in random order."""
    labels = rng.integers(0, 3, 60)
    x = rng.random((60, 6, 6, 1)).astype(np.float32) * 0.5
    for image, label in zip(x, labels, strict=True):
        image[2 * label : 2 * label + 2] += 0.5
    return x, labels


def cnn(loss=SCCE, optimizer="adam", metric="accuracy"):
    """A small network for `images`."""
    layers = [Input((6, 6, 1)), Conv2D(4, 3, activation="relu"), MaxPooling2D(), Flatten()]
    model = Sequential([*layers, Dense(3, activation="softmax")])
    model.compile(optimizer, loss, metrics=[metric])
    return model


def dense(units=1, activation=None, loss="mse", optimizer=None, **kwargs):
    """One layer, whose formulas can be written down."""
    model = Sequential([Input((2,)), Dense(units, activation=activation, **kwargs)])
    model.compile(optimizer or optimizers.SGD(0.1), loss)
    return model
