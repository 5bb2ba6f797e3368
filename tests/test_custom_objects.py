"""What users register or pass can be named by configs, and nothing else."""

from __future__ import annotations

import threading

import pytest

from fastconv import custom_objects, layers, serialization
from fastconv.custom_objects import CustomObjectScope, register_keras_serializable
from fastconv.models import Sequential


@pytest.fixture(autouse=True)
def clean():
    before = dict(custom_objects.get_custom_objects())
    yield
    custom_objects.get_custom_objects().clear()
    custom_objects.get_custom_objects().update(before)


class Scaled(layers.Rescaling):
    pass


def test_registered_class_there_and_back():
    register_keras_serializable("mine", "S")(Scaled)
    config = layers.serialize(Scaled(2.0, name="s"))
    assert config["registered_name"] == "mine>S"
    assert config["class_name"] == "Scaled"
    assert config["module"] == __name__
    made = layers.deserialize(config)
    assert type(made) is Scaled and made.scale == 2.0
    assert custom_objects.get_registered_name(Scaled) == "mine>S"
    assert custom_objects.get_registered_object("mine>S") is Scaled
    assert custom_objects.get_registered_object("else") is None


def test_scope_and_argument():
    config = Sequential([layers.Input((2,)), Scaled(2.0)]).get_config()
    with pytest.raises(ValueError, match=r"layer identifier: Scaled.*register it with register_"):
        Sequential.from_config(config)
    assert type(Sequential.from_config(config, {"Scaled": Scaled}).layers[0]) is Scaled
    with CustomObjectScope({"Scaled": Scaled}):
        assert type(Sequential.from_config(config).layers[0]) is Scaled
        seen = []
        thread = threading.Thread(
            target=lambda: seen.append(custom_objects.get_registered_object("Scaled"))
        )
        thread.start()
        thread.join()
        assert seen == [None]  # a scope is that of its thread
    with pytest.raises(ValueError, match="Scaled"):
        Sequential.from_config(config)


def test_functions():
    @register_keras_serializable()
    def my_function(x):
        return x

    config = serialization.serialize(my_function)
    assert config["config"] == config["registered_name"] == "Custom>my_function"
    assert serialization.deserialize(config, {}, "function") is my_function


def test_a_class_needs_a_config():
    with pytest.raises(ValueError, match=r"Custom>object must define get_config"):
        register_keras_serializable()(object)


@pytest.mark.parametrize(
    ("config", "match"),
    [
        ({"class_name": "Dense", "config": [1]}, "config must be a dictionary, got list"),
        ({"class_name": "Dropout", "config": {"rate": 0.5, "seed": {}}}, "seed"),
        ({"class_name": "Denso", "config": {}}, 'Did you mean "Dense"'),
        ({"class_name": "Hashing", "module": "keras.layers"}, "fastconv does not have it"),
        ({"class_name": 3}, "must be a name or a config"),
        (3, "must be a name or a config"),
    ],
)
def test_wrong_configs(config, match):
    with pytest.raises((ValueError, TypeError), match=match):
        layers.deserialize(config)
