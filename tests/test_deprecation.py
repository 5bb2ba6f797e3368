"""Spellings of older versions of Keras: understood, with one warning; or refused, with a word."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest

import fastconv
from fastconv import callbacks, deprecation, layers, models, optimizers, saving
from fastconv.layers import Conv2D, Dense, Embedding, Input, LeakyReLU
from fastconv.models import Sequential

X = np.random.default_rng(0).random((12, 4)).astype(np.float32)
Y = np.arange(12) % 3
TABLE = [np.arange(8.0).reshape(4, 2), np.ones(2)]


def model(units=3):
    made = Sequential([Input((4,)), Dense(units, activation="softmax" if units > 1 else "sigmoid")])
    loss = "sparse_categorical_crossentropy" if units > 1 else "mse"
    made.compile("sgd", loss, metrics=["accuracy"])
    return made


def batches():
    while True:
        yield X[:6], Y[:6]


def fit(**options):
    return model().fit(X, Y, **{"epochs": 1, "verbose": 0, **options})


def checkpoint(folder):
    fit(epochs=5, callbacks=[callbacks.ModelCheckpoint(folder / "{epoch}.keras", period=2)])
    return sorted(path.stem for path in folder.iterdir())


class Look(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.seen = logs.get("acc"), logs["val_acc"], logs.get("nothing", 7)


def logs_of_callbacks():
    look = Look()
    record = fit(validation_split=0.25, shuffle=False, callbacks=[look]).history
    return look.seen == (record["accuracy"][0], record["val_accuracy"][0], 7)


def stopped():
    stop = callbacks.EarlyStopping("val_acc", patience=0, baseline=1.5)
    return len(fit(epochs=9, validation_split=0.25, shuffle=False, callbacks=[stop]).epoch)


def from_module(name, what):
    return getattr(importlib.import_module(f"fastconv.{name}"), what)


def classes(units):
    made = model(units)
    outputs = made.predict(X, verbose=0)
    expected = outputs.argmax(axis=-1) if units > 1 else (outputs > 0.5).astype(int)
    return np.array_equal(made.predict_classes(X), expected)


#: What is done, what it gives, and the spelling that is warned of.
ACCEPTED = {
    "lr": (lambda: optimizers.SGD(lr=0.5).learning_rate, 0.5, "lr"),
    "alpha": (lambda: LeakyReLU(alpha=0.1).negative_slope, 0.1, "alpha"),
    "input_length": (lambda: Embedding(3, 2, input_length=5).input_dim, 3, "input_length"),
    "batch_input_shape": (
        lambda: Sequential([Dense(1, batch_input_shape=(5, 8))]).input_shape,
        (5, 8),
        "batch_input_shape",
    ),
    "weights": (
        lambda: Sequential([Input((4,)), Dense(2, weights=TABLE)])(np.eye(4)[:1]).tolist(),
        [[1, 2]],
        "weights",
    ),
    "input_shape": (lambda: model().layers[0].input_shape, (None, 4), "input_shape"),
    "output_shape": (lambda: model().layers[0].output_shape, (None, 3), "output_shape"),
    "nb_epoch": (lambda: len(fit(nb_epoch=2).epoch), 2, "nb_epoch"),
    "workers": (lambda: len(fit(workers=4).epoch), 1, "workers"),
    "fit_generator": (
        lambda: model().fit_generator(batches(), 12 / 8, epochs=2, verbose=0).epoch,
        [0, 1],
        "fit_generator",
    ),
    "evaluate_generator": (
        lambda: len(model().evaluate_generator(batches(), steps=2)),
        2,
        "evaluate_generator",
    ),
    "predict_generator": (
        lambda: model().predict_generator(batches(), steps=2, workers=2).shape,
        (12, 3),
        "predict_generator",
    ),
    "predict_proba": (lambda: model().predict_proba(X).shape, (12, 3), "predict_proba"),
    "predict_classes": (lambda: classes(3), True, "predict_classes"),
    "predict_classes of one unit": (lambda: classes(1), True, "predict_classes"),
    "acc in history": (lambda: len(fit().history["acc"]), 1, "acc"),
    "val_acc to monitor": (stopped, 2, "val_acc"),
    "np_utils": (lambda: from_module("utils.np_utils", "to_categorical")([1]).shape, (1, 2), None),
    "np_utils by attribute": (
        lambda: fastconv.utils.np_utils.to_categorical([1]).tolist(),
        [[0, 1]],
        "fastconv.utils.np_utils",
    ),
    "layers.core": (
        lambda: from_module("layers.core", "Dense"),
        Dense,
        "fastconv.layers.core",
    ),
    "layers.convolutional": (
        lambda: from_module("layers.convolutional", "Convolution2D"),
        Conv2D,
        "fastconv.layers.convolutional",
    ),
    "layers.experimental.preprocessing": (
        lambda: layers.experimental.preprocessing.Rescaling,
        layers.Rescaling,
        "fastconv.layers.experimental.preprocessing",
    ),
    "optimizers.legacy": (lambda: optimizers.legacy.Adam, optimizers.Adam, "legacy.Adam"),
}


def messages(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    return result, [(w.category, str(w.message), w.filename) for w in caught]


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted_with_one_warning(case):
    call, expected, spelling = ACCEPTED[case]
    result, told = messages(call)
    assert result == expected
    assert [category for category, _, _ in told] == [DeprecationWarning], told
    assert f"{spelling or ''} is deprecated" in told[0][1]
    assert told[0][2] == __file__  # else Python does not show it
    again, told = messages(call)
    assert not told
    assert again == expected


def test_every_spelling_has_a_case():
    cases = {spelling for _, _, spelling in ACCEPTED.values()}
    tested_below = {"decay", "period", "save_format"}
    like_others = {"use_multiprocessing", "max_queue_size"}
    assert set(deprecation.SPELLINGS) <= cases | tested_below | like_others


def test_decay_is_ignored_with_one_warning():
    for count in (1, 0):
        _, told = messages(lambda: optimizers.SGD(0.1, decay=1e-3))
        assert [category for category, _, _ in told] == [UserWarning] * count


def test_period(tmp_path):
    files, told = messages(lambda: checkpoint(tmp_path))
    assert files == ["2", "4"]
    assert [text for _, text, _ in told] == [
        "ModelCheckpoint: period is deprecated, use save_freq, which counts batches."
    ]


def test_logs_of_callbacks():
    result, told = messages(logs_of_callbacks)
    assert result
    assert len(told) == 2


def test_save_format(tmp_path):
    made = model()
    for name, options in {
        "m.keras": {"save_format": "keras"},
        "m.h5": {"save_format": "h5", "include_optimizer": False},
    }.items():
        deprecation._told.clear()
        _, told = messages(lambda n=name, o=options: made.save(tmp_path / n, **o))
        assert [text for _, text, _ in told if "save_format" in text]
        assert models.load_model(tmp_path / name).count_params() == made.count_params()
    deprecation._told.clear()
    with pytest.warns(DeprecationWarning, match="save_format is deprecated, the ending"):
        made.save_weights(tmp_path / "w.weights.h5", save_format="h5")
    with pytest.raises(ValueError, match=r'must end in "\.h5" or "\.hdf5", got'):
        made.save(tmp_path / "m", save_format="h5")
    with pytest.raises(ValueError, match="there is no save_format 'tf'"):
        saving.save_model(made, tmp_path / "m.keras", save_format="tf")
    with pytest.raises(ValueError, match="there is no save_format 'keras'"):
        made.save_weights(tmp_path / "w.weights.h5", save_format="keras")


def test_weights_that_do_not_fit():
    with pytest.warns(DeprecationWarning), pytest.raises(ValueError, match="kernel must have"):
        Sequential([Input((3,)), Dense(2, weights=TABLE)])


@pytest.mark.parametrize("name", deprecation.KERAS_1)
def test_arguments_of_keras_1(name):
    with pytest.raises(
        ValueError, match=f"{name} is of Keras 1, and called {deprecation.KERAS_1[name]}"
    ):
        Conv2D(8, 3, **{name: 3})


def test_own_attributes_of_old_names():
    class Mine(layers.Layer):
        def __init__(self):
            super().__init__()
            self.input_shape = (1, 2)

        def forward(self, x, training=False):
            return x, None

    assert Mine().input_shape == (1, 2)


def test_shapes_of_a_layer_without_call():
    with pytest.raises(AttributeError, match="was never called"):
        _ = Dense(1).input_shape


@pytest.mark.parametrize("name", deprecation.GONE)
def test_methods_that_are_gone(name):
    with pytest.raises(AttributeError, match=f"Dense has no attribute {name}: a layer may be"):
        getattr(Dense(1), name)(0)


def test_names_that_are_nowhere():
    with pytest.raises(AttributeError, match="no attribute 'Dence'"):
        _ = layers.core.Dence
    with pytest.raises(KeyError, match="acc"):
        _ = deprecation.Logs()["acc"]
    with pytest.raises(
        TypeError, match=r'fit: there is no argument "epoch"\. Did you mean "epochs"'
    ):
        fit(epoch=2)
    with pytest.raises(TypeError, match=r'argument "monitr"\. Did you mean "monitor"'):
        callbacks.ModelCheckpoint("m.keras", monitr="loss")


def test_files_are_read_in_silence():
    config = {"class_name": "Dense", "config": {"units": 1, "batch_input_shape": [None, 4]}}
    layer, told = messages(lambda: layers.deserialize(config))
    assert layer.batch_input_shape == (None, 4)
    assert not told
