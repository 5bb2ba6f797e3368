"""Bad data, settings and files given to models: told before anything is trained."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest

from fastconv import callbacks, metrics, optimizers, utils
from fastconv.layers import Dense, Flatten, Input
from fastconv.models import Sequential, load_model

from .test_layers import check

X = np.random.default_rng(0).random((20, 4)).astype(np.float32)
LABELS = np.arange(20) % 3
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
CCE, SCCE = "categorical_crossentropy", "sparse_categorical_crossentropy"


def model(loss=SCCE, units=3, activation="softmax", **more):
    made = Sequential([Input((4,)), Dense(units, activation=activation, name="out")])
    made.compile("sgd", loss, **more)
    return made


def fit(x=X, y=LABELS, loss=SCCE, units=3, activation="softmax", **more):
    return model(loss, units, activation).fit(x, y, **{"verbose": 0, **more})


def with_value(array, index, value):
    array = np.array(array, np.float64 if isinstance(value, float) else None)
    array[index] = value
    return array


def tuples(*items):
    while True:
        yield items


DATA = {
    "47 other width": (lambda: fit(X[:, :3]), "4 3"),
    "53 complex": (lambda: fit(X.astype(complex)), "complex"),
    "54 ragged": (lambda: fit([[1, 2], [3]], [0, 1]), "same shape"),
    "54 strings": (lambda: fit(np.full((20, 4), "a")), "real numbers <U1"),
    "62 no samples": (lambda: fit(X[:0], LABELS[:0]), "0 samples"),
    "62 evaluate no samples": (lambda: model().evaluate(X[:0], LABELS[:0], verbose=0), "samples"),
    "64 lengths": (lambda: fit(X, LABELS[:-1]), "20 19"),
    "64 lengths of weights": (lambda: fit(sample_weight=np.ones(19)), "sample_weight 20 19"),
    "65 no y": (lambda: fit(y=None), "fit needs y"),
    "66 integers, categorical loss": (lambda: fit(loss=CCE), "sparse_categorical to_categorical"),
    "67 one-hot, sparse loss": (lambda: fit(y=ONE_HOT), "one-hot categorical_crossentropy"),
    "68 width": (lambda: fit(y=ONE_HOT, loss=CCE, units=4), "3 4"),
    "69 label too large": (lambda: fit(y=with_value(LABELS, 12, 7)), "7 12 3"),
    "69 label negative": (lambda: fit(y=with_value(LABELS, 5, -1)), "-1 5"),
    "69 labels from one": (lambda: fit(y=LABELS + 1), "3 subtract 1"),
    "70 float labels": (lambda: fit(y=with_value(LABELS, 3, 1.7)), "integer labels fraction (3,)"),
    "70b string labels": (lambda: fit(y=np.full(20, "cat")), "strings np.unique"),
    "73 one unit": (
        lambda: fit(y=ONE_HOT[:, :1], loss=CCE, units=1),
        "sigmoid binary_crossentropy",
    ),
    "74 shapes of mse": (lambda: fit(y=ONE_HOT[:, :1], loss="mse"), "3 1"),
    "74 flat y of mse": (lambda: fit(X[:3], np.zeros(3), loss="mse"), "3"),
    "75 batch_size 0": (lambda: fit(batch_size=0), "batch_size 0"),
    "76 batch_size negative": (lambda: fit(batch_size=-3), "batch_size -3"),
    "76 batch_size a float": (lambda: fit(batch_size=4.5), "batch_size 4.5"),
    "76 batch_size of predict": (lambda: model().predict(X, batch_size=0), "batch_size 0"),
    "78 epochs a float": (lambda: fit(epochs=1.5), "epochs 1.5"),
    "78 epochs negative": (lambda: fit(epochs=-1), "epochs -1"),
    "79 validation_split 1": (lambda: fit(validation_split=1.0), "validation_split 1"),
    "79 validation_split 1.5": (lambda: fit(validation_split=1.5), "validation_split 1.5"),
    "79 validation_split negative": (lambda: fit(validation_split=-0.2), "validation_split -0.2"),
    "81 class_weight": (lambda: fit(class_weight="balanced"), "class_weight"),
    "84 generator and y": (lambda: fit(tuples(X, LABELS), LABELS), "y"),
    "84 generator and split": (
        lambda: fit(tuples(X, LABELS), None, validation_split=0.1, steps_per_epoch=1),
        "validation_split",
    ),
    "85 four items": (
        lambda: fit(tuples(X, LABELS, LABELS, LABELS), None, steps_per_epoch=1),
        "(x, y) 4",
    ),
    "validation_data of one": (lambda: fit(validation_data=(X,)), "validation_data"),
    "initial_epoch": (lambda: fit(initial_epoch=-2), "initial_epoch -2"),
    "verbose": (lambda: fit(verbose="loud"), "verbose loud"),
    "callbacks": (lambda: fit(callbacks=[3]), "callback"),
    "steps_per_epoch": (lambda: fit(steps_per_epoch=0), "steps_per_epoch 0"),
}

COMPILE = {
    "91 fit first": (
        lambda: Sequential([Input((4,)), Dense(3)]).fit(X, LABELS),
        "compile",
    ),
    "91 evaluate first": (
        lambda: Sequential([Input((4,)), Dense(3)]).evaluate(X, LABELS),
        "compile",
    ),
    "92 loss": (lambda: model("categorical_crossentropyy"), f"loss did you mean {CCE}"),
    "92 optimizer": (
        lambda: Sequential([Dense(1)]).compile("adm", "mse"),
        "optimizer adm did you mean adam",
    ),
    "93 metric": (lambda: model(metrics=["acuracy"]), "metric acuracy did you mean accuracy"),
    "93 metric a number": (lambda: model(metrics=[3]), "metric int"),
    "96 no loss": (lambda: fit(loss=None), "no loss compile"),
    "98 rate of a schedule": (
        lambda: setattr(
            optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)),
            "learning_rate",
            0.1,
        ),
        "SGD learning_rate ExponentialDecay",
    ),
    "100 mode": (lambda: callbacks.EarlyStopping(mode="maxx"), "mode maxx"),
    "102 name of a checkpoint": (lambda: callbacks.ModelCheckpoint("x"), ".keras"),
    "103 template": (
        lambda: fit(callbacks=[callbacks.ModelCheckpoint("{val_loss:.2f}.keras")]),
        "val_loss loss",
    ),
    "104 negative": (lambda: utils.to_categorical([0, -1]), "-1 1"),
    "104 float": (lambda: utils.to_categorical([0, 1.5]), "1.5 1"),
    "104 too large": (lambda: utils.to_categorical([0, 3], 3), "3 1 num_classes"),
    "105 seed": (lambda: utils.set_random_seed("a"), "seed a"),
    "top k": (lambda: metrics.TopKCategoricalAccuracy(0), "k 0"),
    "threshold": (lambda: metrics.Precision(thresholds=2), "threshold 2"),
    "clipnorm": (lambda: optimizers.SGD(clipnorm=-1), "clipnorm -1"),
    "two clips": (lambda: optimizers.SGD(clipnorm=1, clipvalue=1), "clipnorm clipvalue"),
}


@pytest.mark.filterwarnings("ignore:Dense .* softmax over an axis of size 1")
@pytest.mark.parametrize("number", DATA)
def test_data(number):
    check(*DATA[number])


@pytest.mark.parametrize("number", COMPILE)
def test_compile(number):
    check(*COMPILE[number])


WARNINGS = {
    "22 lr": (lambda: optimizers.Adam(lr=0.1), "lr learning_rate"),
    "59 NaN": (lambda: fit(with_value(X, (17, 0), np.nan)), "NaN 17"),
    "72 rows of zeros": (lambda: fit(y=with_value(ONE_HOT, 4, 0.0), loss=CCE), "zero"),
    "80 sorted labels": (
        lambda: fit(y=np.sort(LABELS), validation_split=0.3),
        "classes validation",
    ),
    "83 class_weight": (lambda: fit(class_weight={0: 1.0, 9: 2.0}), "class 9"),
    "90 not scaled": (
        lambda: image_model().fit(np.arange(20 * 16).reshape(20, 4, 4, 1) % 256, LABELS, verbose=0),
        "0..255 Rescaling",
    ),
    "95 Accuracy": (
        lambda: model(CCE, metrics=[metrics.Accuracy()]).fit(X, ONE_HOT, verbose=0),
        'did you mean metrics=["accuracy"]',
    ),
    "100 nothing to monitor": (
        lambda: fit(callbacks=[callbacks.EarlyStopping("val_loss", mode="min")]),
        "val_loss loss",
    ),
}


def image_model():
    made = Sequential([Input((4, 4, 1)), Flatten(), Dense(3, activation="softmax")])
    made.compile("sgd", SCCE)
    return made


@pytest.mark.parametrize("number", WARNINGS)
def test_warning(number):
    call, words = WARNINGS[number]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    messages = [str(warning.message).lower() for warning in caught]
    assert any(all(word in m for word in words.lower().split()) for m in messages), messages


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a model in it, and bad copies of its file."""
    monkeypatch.chdir(tmp_path)
    model().save("m.keras")
    data = (tmp_path / "m.keras").read_bytes()
    (tmp_path / "cut.keras").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.keras").write_bytes(b"")
    (tmp_path / "text.keras").write_text("no archive")
    (tmp_path / "text.h5").write_text("no archive")
    middle = data.index(b"config.json") + 40
    (tmp_path / "flipped.keras").write_bytes(
        data[:middle] + bytes([data[middle] ^ 16]) + data[middle + 1 :]
    )
    other = Sequential([Input((5,)), Dense(3, name="out")])
    other.save_weights("other.weights.h5")
    return tmp_path


FILES = {
    "106 ending": (lambda: model().save("m.foo"), "m.foo .keras"),
    "107 no folder": (lambda: model().save("no/m.keras"), "no"),
    "109 no file": (lambda: load_model("none.keras"), "none.keras"),
    "109 no weights": (lambda: model().load_weights("none.weights.h5"), "none.weights.h5"),
    "110 cut off": (lambda: load_model("cut.keras"), "cut.keras zip"),
    "110 empty": (lambda: load_model("empty.keras"), "empty.keras zip"),
    "110 text": (lambda: load_model("text.keras"), "text.keras zip"),
    "110 text as h5": (lambda: load_model("text.h5"), "text.h5 not valid"),
    "111 flipped": (lambda: load_model("flipped.keras"), "flipped.keras"),
    "112 other shapes": (
        lambda: model().load_weights("other.weights.h5"),
        "other.weights.h5 out (4, 3) (5, 3)",
    ),
    "113 not built": (
        lambda: Sequential([Dense(3)]).load_weights("other.weights.h5"),
        "build",
    ),
    "114 ending of weights": (lambda: model().save_weights("w.foo"), ".weights.h5"),
    "121 a file object that is none": (lambda: load_model(io.BytesIO(b"")), ""),
    "121 a number": (lambda: load_model(3), "path int"),
}


@pytest.mark.parametrize("number", FILES)
def test_files(number, folder):
    check(*FILES[number])
