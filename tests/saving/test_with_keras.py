"""Files of Keras are read here, and files from here by Keras. Needs Keras, and a backend for it."""

from __future__ import annotations

import os

import numpy as np
import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras", reason="needs Keras 3 and a backend")

from fastconv import layers, losses, optimizers  # noqa: E402
from fastconv.models import Model, Sequential, clone_model, load_model  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


def network(layers, Sequential):
    inner = [layers.Input((3, 3, 4)), layers.Flatten(), layers.Dense(5, name="deep")]
    return Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", kernel_regularizer="l2"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Dropout(0.25),
            Sequential(inner, name="inner"),
            layers.LeakyReLU(),
            layers.Dense(3, activation="softmax"),
        ],
        name="net",
    )


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    return rng.random((24, 8, 8, 1)).astype(np.float32), np.eye(3)[np.arange(24) % 3]


@pytest.fixture(scope="module")
def theirs(data):
    model = network(keras.layers, keras.Sequential)
    optimizer = keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(0.01, 99))
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(optimizer, loss, metrics=["accuracy", keras.metrics.TopKCategoricalAccuracy(2)])
    model.fit(*data, batch_size=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def ours(data):
    model = network(layers, Sequential)
    optimizer = optimizers.SGD(optimizers.schedules.CosineDecay(0.1, 99), momentum=0.9)
    loss = losses.CategoricalCrossentropy(label_smoothing=0.1)
    model.compile(optimizer, loss, metrics=["accuracy"], weighted_metrics=["mse"])
    model.fit(*data, batch_size=8, verbose=0)
    return model


def assert_agree(a, b, x):
    for one, two in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_allclose(
        a.predict(x, verbose=0), b.predict(x, verbose=0), rtol=1e-4, atol=1e-6
    )


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_files_of_keras(ending, theirs, data, tmp_path):
    theirs.save(tmp_path / f"m.{ending}")
    model = load_model(tmp_path / f"m.{ending}")
    assert_agree(theirs, model, data[0])
    assert model.metrics_names[1:] == ["accuracy", "top_k_categorical_accuracy"]
    assert model.get_compile_config()["loss"]["config"]["label_smoothing"] == 0.1
    assert model.optimizer.iterations == 3
    for one, two in zip(model.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, np.asarray(two))
    assert [layer.name for layer in model.layers] == [layer.name for layer in theirs.layers]
    found = model.evaluate(*data, verbose=0)
    np.testing.assert_allclose(found, theirs.evaluate(*data, verbose=0), rtol=1e-4)
    model.fit(*data, epochs=1, verbose=0)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_files_for_keras(ending, ours, data, tmp_path):
    ours.save(tmp_path / f"m.{ending}")
    model = keras.models.load_model(tmp_path / f"m.{ending}")
    assert_agree(ours, model, data[0])
    assert model.loss.label_smoothing == 0.1
    if ending == "h5":  # Keras forgets the optimizer's slots of these files, also of its own
        return
    assert int(model.optimizer.iterations) == 3
    for one, two in zip(ours.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, np.asarray(two))
    np.testing.assert_allclose(
        model.evaluate(*data, verbose=0)[0], ours.evaluate(*data, verbose=0)[0], rtol=1e-4
    )
    model.fit(*data, epochs=1, verbose=0)


@pytest.mark.parametrize("loss", ["mse", "MAE", "binary_crossentropy"])
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_names_of_losses_are_those_keras_reads(loss, ending, tmp_path):
    model = Sequential([layers.Input((3,)), layers.Dense(1, activation="sigmoid")])
    model.compile("rmsprop", loss, metrics=["mae"])
    model.save(tmp_path / f"m.{ending}")
    keras.models.load_model(tmp_path / f"m.{ending}")
    load_model(tmp_path / f"m.{ending}")


@pytest.mark.parametrize("by_name", [False, True])
def test_weights_of_whole_models(by_name, ours, theirs, data, tmp_path):
    ours.save(tmp_path / "ours.h5")
    theirs.save(tmp_path / "theirs.h5")
    model = network(layers, Sequential)
    for layer, other in zip(model.layers, theirs.layers, strict=True):
        layer.name = other.name
    model.load_weights(tmp_path / "theirs.h5", by_name=by_name)
    assert_agree(model, theirs, data[0])
    other = network(keras.layers, keras.Sequential)
    other.load_weights(tmp_path / "ours.h5")
    assert_agree(ours, other, data[0])


def test_training_state_is_a_weights_file(ours, data, tmp_path):
    ours.save_training_state(tmp_path / "s.weights.h5", {"epoch": 3})
    other = network(keras.layers, keras.Sequential)
    other.load_weights(tmp_path / "s.weights.h5")
    assert_agree(ours, other, data[0])


# Functional models


def functional(layers, Model, Sequential):
    """Two inputs, two outputs, a shared layer, models within, an operator."""
    image, vector = layers.Input((8, 8, 2), name="image"), layers.Input((3,), name="vector")
    shared = layers.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    a, b = shared(layers.Conv2D(2, 1)(image)), shared(image)
    stack = [layers.Input((8, 8, 4)), layers.BatchNormalization(), layers.ReLU()]
    inner = Sequential([*stack, layers.Conv2D(4, 1)], name="inner")
    k = layers.Input((8, 8, 4))
    nested = Model(k, layers.Add()([k, layers.Conv2D(4, 1)(k)]), name="nested")
    c = layers.Concatenate()([inner(a), b])
    d = nested(layers.Conv2D(4, 1)(c)) + b
    e = layers.Concatenate()([layers.GlobalAveragePooling2D()(d), layers.Dense(2)(vector)])
    outputs = [layers.Dense(3, activation="softmax", name="o1")(e), layers.Dense(1, name="o2")(e)]
    model = Model([image, vector], outputs)
    model.compile("adam", ["categorical_crossentropy", "mse"], metrics=[["accuracy"], ["mae"]])
    rng = np.random.default_rng(1)
    x = [rng.random((12, 8, 8, 2), np.float32), rng.random((12, 3), np.float32)]
    model.fit(x, [np.eye(3)[np.arange(12) % 3], rng.random((12, 1))], verbose=0)
    return model, x


def assert_same_outputs(a, b, x):
    for one, two in zip(a.predict(x, verbose=0), b.predict(x, verbose=0), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_functional_models_both_ways(ending, tmp_path):
    ours, x = functional(layers, Model, Sequential)
    theirs, _ = functional(keras.layers, keras.Model, keras.Sequential)
    ours.save(tmp_path / f"ours.{ending}")
    theirs.save(tmp_path / f"theirs.{ending}")
    assert_same_outputs(load_model(tmp_path / f"ours.{ending}"), ours, x)
    assert_same_outputs(keras.models.load_model(tmp_path / f"ours.{ending}"), ours, x)
    read = load_model(tmp_path / f"theirs.{ending}")
    assert_same_outputs(read, theirs, x)
    for one, two in zip(read.optimizer.variables, theirs.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, np.asarray(two))
    theirs.save_weights(tmp_path / "m.weights.h5")
    ours.load_weights(tmp_path / "m.weights.h5")
    assert_same_outputs(ours, theirs, x)
    clone = clone_model(ours)
    clone.set_weights(ours.get_weights())
    assert_same_outputs(ours, clone, x)


def subclassed(layers, Model, saving):
    class Net(Model):
        def __init__(self, units=3, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self._first = layers.Conv2D(4, 3, activation="relu")
            self.flat = layers.Flatten()
            self.heads = [layers.Dense(units), layers.Dense(units)]

        def call(self, x):
            x = self.flat(self._first(x))
            return self.heads[0](x) + self.heads[1](x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    saving.register_keras_serializable("tests")(Net)
    model = Net(2)
    x = np.random.default_rng(2).random((4, 8, 8, 1), np.float32)
    model(x)
    return model, x


def test_subclassed_models_both_ways(tmp_path):
    from fastconv import saving

    ours, x = subclassed(layers, Model, saving)
    theirs, _ = subclassed(keras.layers, keras.Model, keras.saving)
    for model, name in ((ours, "ours"), (theirs, "theirs")):
        model.save(tmp_path / f"{name}.keras")
        model.save_weights(tmp_path / f"{name}.weights.h5")
    assert_agree(load_model(tmp_path / "ours.keras"), ours, x)
    theirs.load_weights(tmp_path / "ours.weights.h5")
    assert_agree(theirs, ours, x)
    read = load_model(tmp_path / "theirs.keras")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert_agree(read, ours, x)
