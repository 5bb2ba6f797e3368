"""Small models that tests of several files use."""

from __future__ import annotations

from fastconv.layers import Dense, Flatten, Input
from fastconv.models import Sequential

CCE, SCCE = "categorical_crossentropy", "sparse_categorical_crossentropy"


def model_for(units=3, activation="softmax", loss=SCCE, shape=(4,), metric=None):
    layers = [Input(shape), *([Flatten()] if len(shape) > 1 else [])]
    model = Sequential([*layers, Dense(units, activation=activation)])
    model.compile("sgd", loss, metrics=metric)
    return model
