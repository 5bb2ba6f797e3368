"""Side by side with Keras, where it is installed: training, files in both directions, JSON."""

from __future__ import annotations

import os
import warnings

import h5py
import numpy as np
import pytest

from fastconv import layers, models, optimizers, regularizers

from .helpers import CCE, SCCE

os.environ.setdefault("KERAS_BACKEND", "jax")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore")


def network(source, last="softmax", units=3, regularized=False):
    """Build the same network from Keras (`source` is keras) or from fastconv (None)."""
    n = source.layers if source else layers
    reg = source.regularizers if source else regularizers
    extra = {"kernel_regularizer": reg.L2(0.01)} if regularized else {}
    penalty = {"activity_regularizer": reg.L1(0.01)} if regularized else {}
    model = (source or models).Sequential()
    for layer in (
        n.Input((8, 8, 1)),
        n.Conv2D(4, 3, activation="relu", **extra, **penalty),
        n.BatchNormalization(),
        n.MaxPooling2D(),
        n.Conv2D(3, 2, padding="same", activation="tanh"),
        n.Flatten(),
        n.Dense(units, activation=last, **extra),
    ):
        model.add(layer)
    return model


@pytest.fixture
def data(rng):
    x = rng.random((70, 8, 8, 1)).astype(np.float32)
    return x, (x.mean((1, 2, 3)) * 50).astype(int) % 3


def assert_same_weights(ours, theirs, tolerance=0.0):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


# name: (last activation, units, targets, loss, arguments of compile, arguments of fit)
RUNS = {
    "one-hot": ("softmax", 3, np.eye(3), CCE, {"metrics": ["accuracy", "mse"]}, {}),
    "labels": (
        "softmax",
        3,
        np.arange(3),
        SCCE,
        {"metrics": ["acc"], "weighted_metrics": ["accuracy"]},
        {"sample_weight": np.linspace(0, 2, 70), "validation_split": 0.3},
    ),
    "binary": (
        "sigmoid",
        1,
        np.array([0, 1, 1]),
        "bce",
        {"metrics": ["accuracy", "mae"]},
        {"class_weight": {1: 3.0}, "steps_per_epoch": 2, "epochs": 5},
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_training(name, data):
    last, units, targets, loss, compiling, fitting = RUNS[name]
    x, labels = data
    y = targets[labels].astype(np.float32)
    theirs, ours = (network(source, last, units, regularized=True) for source in (keras, None))
    ours.set_weights(theirs.get_weights())
    theirs.compile(keras.optimizers.SGD(0.05), loss, **compiling)
    ours.compile(optimizers.SGD(0.05), loss, **compiling)
    fitting = {"epochs": 3, "batch_size": 16, "shuffle": False, "verbose": 0, **fitting}
    expected = theirs.fit(x, y, **fitting).history
    history = ours.fit(x, y, **fitting).history
    assert list(history) == list(expected)
    for key in expected:
        np.testing.assert_allclose(history[key], expected[key], rtol=2e-5, err_msg=key)
    assert_same_weights(ours, theirs, 5e-6)
    expected = theirs.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(ours.evaluate(x, y, verbose=0), expected, rtol=2e-5)
    expected = theirs.predict(x, verbose=0)
    np.testing.assert_allclose(ours.predict(x, verbose=0), expected, atol=5e-6)


def compiled(optimizer):
    theirs, ours = network(keras), network(None)
    theirs.compile(optimizer, CCE, metrics=["accuracy"])
    ours.compile(optimizer, CCE, metrics=["accuracy"])
    theirs.optimizer.build(theirs.trainable_variables)
    return theirs, ours


@pytest.mark.parametrize("optimizer", ["adam", "rmsprop"])
def test_weight_files_in_both_directions(optimizer, data, tmp_path):
    x, labels = data
    y = np.eye(3, dtype=np.float32)[labels]
    theirs, ours = compiled(optimizer)
    theirs.fit(x, y, verbose=0)
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_same_weights(ours, theirs)
    assert ours.optimizer.iterations == int(theirs.optimizer.iterations)

    ours.train_on_batch(x, y)
    ours.save_weights(tmp_path / "ours.weights.h5")
    other, _ = compiled(optimizer)
    other.load_weights(tmp_path / "ours.weights.h5")
    assert_same_weights(ours, other)
    for a, b in zip(ours.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, np.asarray(b))


def tree(path):
    """Return every group and data set of a file with its attributes, shape and type."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update(
                {name: (dict(item.attrs), getattr(item, "shape", None), getattr(item, "dtype", 0))}
            )
        )
    # What Keras does not keep lies in a group of its own.
    return {name: item for name, item in found.items() if not name.startswith("fastconv")}


def test_files_have_the_same_structure(data, tmp_path):
    x, labels = data
    theirs, ours = compiled("adam")
    named = {**theirs.get_config(), "name": ours.name}
    for layer, own in zip(named["layers"][1:], ours.layers, strict=True):
        layer["config"]["name"] = own.name
    theirs = keras.Sequential.from_config(named)
    theirs.compile(keras.optimizers.Adam(name=ours.optimizer.name), CCE)
    for model, name in ((theirs, "theirs"), (ours, "ours")):
        model.fit(x, np.eye(3)[labels], verbose=0)
        model.save_weights(tmp_path / f"{name}.weights.h5")
    assert tree(tmp_path / "ours.weights.h5") == tree(tmp_path / "theirs.weights.h5")


def test_json_in_both_directions(data):
    x, _ = data
    theirs, ours = compiled("adam")
    read = keras.models.model_from_json(ours.to_json())
    assert read.loss == CCE and type(read.optimizer).__name__ == "Adam"
    read.set_weights(ours.get_weights())
    np.testing.assert_allclose(read.predict(x, verbose=0), ours.predict(x, verbose=0), atol=1e-6)
    back = models.model_from_json(theirs.to_json())
    assert back.metrics_names == ["loss", "accuracy"]
    assert [layer.name for layer in back.layers] == [layer.name for layer in theirs.layers]
    back.set_weights(theirs.get_weights())
    np.testing.assert_allclose(back.predict(x, verbose=0), theirs.predict(x, verbose=0), atol=1e-6)


@pytest.mark.parametrize("arguments", [{}, {"show_trainable": True}, {"line_length": 60}])
def test_summary(arguments, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    ours = network(None)
    ours.layers[0].trainable = False
    theirs = keras.Sequential.from_config(ours.get_config())
    theirs.layers[0].trainable = False
    shown = []
    for model in (theirs, ours):
        model.summary(print_fn=lambda text, **_: shown.append(text), **arguments)
    assert shown[0] == shown[1]
