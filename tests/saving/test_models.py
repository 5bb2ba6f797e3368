"""Whole models in files: what comes back, and what is said about files that are wrong."""

from __future__ import annotations

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import fastconv
from fastconv import (
    initializers,
    layers,
    losses,
    metrics,
    optimizers,
    regularizers,
    saving,
    utils,
)
from fastconv.models import Sequential, clone_model, load_model, model_from_json, save_model

from ..models.helpers import images
from .networks import ENDINGS, assert_same, make_data, network, trained


@pytest.fixture(scope="module")
def data():
    return make_data()


@pytest.mark.parametrize("ending", ENDINGS)
def test_there_and_back(ending, data, tmp_path):
    model = trained(data)
    path = tmp_path / f"m.{ending}"
    model.save(path)
    other = load_model(path)
    assert other.get_config() == model.get_config()
    assert_same(model, other)
    assert other.metrics_names == ["loss", "accuracy"]
    assert other.optimizer.get_config() == model.optimizer.get_config()
    for one, two in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(
        model.predict(data[0], verbose=0), other.predict(data[0], verbose=0)
    )
    assert other.evaluate(*data, verbose=0) == model.evaluate(*data, verbose=0)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize(
    "optimizer",
    [
        lambda: optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        lambda: optimizers.AdamW(1 / 3e3, amsgrad=True),
        lambda: optimizers.RMSprop(optimizers.schedules.CosineDecay(0.01, 50), centered=True),
    ],
)
def test_training_goes_on_bit_for_bit(optimizer, ending, data, tmp_path):
    model = trained(data, optimizer())
    model.save(tmp_path / f"m.{ending}")
    other = load_model(tmp_path / f"m.{ending}")
    for m in (model, other):
        utils.set_random_seed(1)
        m.fit(*data, epochs=2, batch_size=8, verbose=0)
    assert_same(model, other)


def test_the_random_numbers_of_the_process_can_come_back_too(data, tmp_path):
    model = trained(data)
    model.save(tmp_path / "m.keras")
    model.fit(*data, epochs=1, batch_size=8, verbose=0)
    utils.set_random_seed(99)
    other = load_model(tmp_path / "m.keras")
    assert other.load_training_state(tmp_path / "m.keras") == {}
    other.fit(*data, epochs=1, batch_size=8, verbose=0)
    assert_same(model, other)


@pytest.mark.parametrize("ending", ENDINGS)
def test_without_the_optimizer(ending, data, tmp_path):
    model = trained(data)
    path = tmp_path / f"m.{ending}"
    model.save(path, include_optimizer=False)
    other = load_model(path)
    assert not other.compiled and other.optimizer is None
    model.save(path)
    assert not load_model(path, compile=False).compiled


def test_uncompiled_and_unbuilt(tmp_path):
    model = network()
    model.save(tmp_path / "m.keras")
    assert not load_model(tmp_path / "m.keras").compiled
    with pytest.warns(UserWarning, match="is not built: the file will hold no weights"):
        Sequential([layers.Dense(2)]).save(tmp_path / "m.keras")
    assert not load_model(tmp_path / "m.keras").built


def test_layout_of_the_archive(data, tmp_path):
    path = tmp_path / "m.keras"
    trained(data).save(path)
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        assert {info.compress_type for info in file.infolist()} == {zipfile.ZIP_STORED}
        metadata = json.loads(file.read("metadata.json"))
        config = json.loads(file.read("config.json"))
    assert metadata["keras_version"].startswith("3.")
    assert set(config) == {
        "module", "class_name", "config", "registered_name", "build_config", "compile_config",
    }  # fmt: skip
    assert config["module"] == "keras" and config["class_name"] == "Sequential"
    modules = {layer["module"] for layer in config["config"]["layers"]}
    assert modules == {"keras", "keras.layers"}
    assert config["compile_config"]["optimizer"]["module"] == "keras.optimizers"
    assert config["compile_config"]["jit_compile"] == "auto"


@pytest.mark.parametrize("make", [io.BytesIO, None])
def test_file_objects(make, data, tmp_path):
    model = trained(data)
    with make() if make else open(tmp_path / "m", "wb+") as file:
        save_model(model, file)
        assert_same(model, load_model(file))
    model.save(tmp_path / "m.h5")
    with open(tmp_path / "m.h5", "rb") as file:
        assert_same(model, load_model(file))


def test_losses_metrics_and_schedules_come_back(tmp_path):
    model = network()
    model.compile(
        optimizers.SGD(optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)),
        losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=[metrics.TopKCategoricalAccuracy(k=2, name="top"), "accuracy"],
        weighted_metrics=["mean_squared_error"],
    )
    for ending in ENDINGS:
        model.save(tmp_path / f"m.{ending}")
        other = load_model(tmp_path / f"m.{ending}")
        assert other.get_compile_config() == model.get_compile_config()
        assert other.metrics_names == model.metrics_names


@saving.register_keras_serializable("tests")
class Doubled(layers.Dense):
    def __init__(self, units, factor=2.0, **kwargs):
        super().__init__(units, **kwargs)
        self.factor = factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class Unregistered(layers.Dense):
    pass


@pytest.mark.parametrize("ending", ENDINGS)
def test_own_classes(ending, tmp_path):
    path = tmp_path / f"m.{ending}"
    model = Sequential([layers.Input((3,)), Doubled(2, factor=3.0), Unregistered(2)])
    model.save(path)
    with pytest.raises(ValueError, match=r"Unregistered.* It is not part of fastconv: register it"):
        load_model(path)
    other = load_model(path, custom_objects={"Unregistered": Unregistered})
    assert type(other.layers[0]) is Doubled and other.layers[0].factor == 3.0
    assert type(other.layers[1]) is Unregistered
    assert_same(model, other)
    with saving.custom_object_scope({"Unregistered": Unregistered}):
        load_model(path)


def test_load_weights_of_a_whole_model(data, tmp_path):
    model = trained(data)
    for ending in ENDINGS:
        path = tmp_path / f"m.{ending}"
        model.save(path)
        other = network()
        other.load_weights(path)
        assert_same(model, other)


def test_load_weights_by_name(tmp_path):
    model = Sequential(
        [layers.Input((3,)), layers.Dense(4, name="a"), layers.Dense(2, name="b")], name="m"
    )
    path = tmp_path / "m.h5"
    model.save(path)
    other = Sequential([layers.Input((3,)), layers.Dense(4, name="a"), layers.Dense(5, name="c")])
    with pytest.raises(ValueError, match=r'Dense "c", "b" in the file: .* \(4, 5\), .* \(4, 2\)'):
        other.load_weights(path)
    other.load_weights(path, by_name=True)
    np.testing.assert_array_equal(other.layers[0].kernel.value, model.layers[0].kernel.value)
    with pytest.warns(UserWarning, match="The layer keeps its weights"):
        other.load_weights(path, skip_mismatch=True)
    with pytest.raises(ValueError, match="no layer has the name of one in the file"):
        Sequential([layers.Input((3,)), layers.Dense(4)]).load_weights(path, by_name=True)
    with pytest.raises(ValueError, match="the model has 1 layers with weights, the file has 2"):
        Sequential([layers.Input((3,)), layers.Dense(4)]).load_weights(path)
    model.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(ValueError, match="by_name works with files in the older format"):
        model.load_weights(tmp_path / "m.weights.h5", by_name=True)


def test_a_list_of_names_too_long_for_one_attribute(tmp_path):
    names = [f"{'x' * 500}{i}" for i in range(300)]
    stack = [layers.Dense(1, name=name) for name in names]
    model = Sequential([layers.Input((1,)), *stack])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "layer_names" not in file["model_weights"].attrs
        assert "layer_names2" in file["model_weights"].attrs
    assert_same(model, load_model(tmp_path / "m.h5"))


# Cloning, JSON


def test_clone_model(data):
    model = trained(data)
    clone = clone_model(model)
    assert clone.get_config() == model.get_config()
    assert not clone.compiled
    assert not {id(v) for v in clone.weights} & {id(v) for v in model.weights}

    def thinned(layer):
        if isinstance(layer, layers.Dropout):
            return layers.Dropout(0.5, name=layer.name)
        return type(layer).from_config(layer.get_config())

    other = clone_model(model, clone_function=thinned)
    assert other.layers[3].rate == 0.5 and other.built
    wider = clone_model(
        Sequential([layers.Input((4, 4, 1)), layers.Conv2D(2, 3)]),
        input_tensors=layers.Input((9, 9, 1)),
    )
    assert wider.output_shape == (None, 7, 7, 2)
    with pytest.raises(TypeError, match="a model is needed, got Dense"):
        clone_model(layers.Dense(2))


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "model_from_json: this is no JSON"),
        ("3", "not the configuration of a model"),
        ('{"class_name": "Functionl", "config": {}}', "model identifier: Functionl"),
        ("[" * 100_000, "nested too deeply"),
        ("[" * 300 + "]" * 300, "nested more than 200 levels deep"),
        (json.dumps([[]] * 250_000), "more than 200000 lists and objects"),
        (json.dumps({"layers": [1] * 6000}), "more than 5000 layers"),
    ],
)
def test_json_that_is_no_model(text, match):
    with pytest.raises(ValueError, match=match):
        model_from_json(text)


def test_a_layer_used_twice_stays_one_layer():
    relu = layers.ReLU()
    model = Sequential([layers.Input((3,)), relu, layers.Dense(3), relu])
    other = model_from_json(model.to_json())
    assert other.layers[0] is other.layers[2]
    assert clone_model(model).layers[0] is not relu


def test_serialize_any_object():
    for item in (
        layers.Dense(3, name="d"),
        losses.Huber(0.3),
        optimizers.Adam(0.1),
        regularizers.L1(0.2),
        fastconv.initializers.HeNormal(seed=3),
        metrics.BinaryAccuracy(),
        optimizers.schedules.CosineDecay(0.1, 5),
        network(),
    ):
        config = saving.serialize_keras_object(item)
        made = saving.deserialize_keras_object(json.loads(json.dumps(config)))
        assert type(made) is type(item)
        assert saving.serialize_keras_object(made) == config
    value = {"a": [1, None, "x"], "b": np.arange(3.0)}
    back = saving.deserialize_keras_object(saving.serialize_keras_object(value))
    assert back["a"] == value["a"]
    np.testing.assert_array_equal(back["b"], value["b"])
    with pytest.raises(TypeError, match="a lambda cannot be written"):
        saving.serialize_keras_object(lambda x: x)
    with pytest.raises(ValueError, match="'system' of module 'os' is not part of fastconv"):
        saving.deserialize_keras_object({"class_name": "system", "module": "os", "config": "ls"})


def test_images_train_after_loading(tmp_path, rng):
    """An article's way: train, save, load, go on, all in one place."""
    x, y = images(rng)
    model = Sequential([layers.Input((6, 6, 1)), layers.Flatten(), layers.Dense(3)])
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit(x, y, epochs=1, verbose=0)
    model.save(str(tmp_path / "m.keras"))
    history = load_model(str(tmp_path / "m.keras")).fit(x, y, epochs=2, verbose=0).history
    assert history["loss"][1] < history["loss"][0]


def test_files_have_no_settings_that_older_versions_of_keras_refuse(tmp_path):
    """A setting younger than Keras 3.0 is written only where it is not at its default."""

    @utils.register_keras_serializable("tests")
    class Own(layers.Layer):
        config_keys = ("ragged",)

        def __init__(self, ragged=True, **kwargs):
            super().__init__(**kwargs)
            self.ragged = ragged

        def forward(self, x, training=False):
            return x, lambda dy, need_dx=True: dy

    axes = initializers.VarianceScaling(input_axes=[0], output_axes=[1], seed=3)
    model = Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Resizing(4, 4),
            layers.BatchNormalization(),
            layers.LayerNormalization(),
            layers.Conv2DTranspose(2, 3),
            layers.Flatten(),
            Own(ragged=False),
            layers.Dense(2, kernel_initializer=axes),
        ]
    )
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        text = archive.read("config.json").decode()
    young = ("renorm", "optional", "quantization_config", "antialias", "rms_scaling")
    assert not [name for name in young if name in text]
    assert text.count('"input_axes"') == 1 and text.count('"ragged": false') == 1
    again = load_model(tmp_path / "m.keras")
    assert again.get_config() == model.get_config()
