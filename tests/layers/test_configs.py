"""Configs have exactly the keys that Keras 3 writes, and what Keras wrote can be read."""

from __future__ import annotations

import json

import pytest

from fastconv import activations, backend, layers

BASE = ["name", "trainable", "dtype"]
KERNEL = ["kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer"]
WINDOW = ["kernel_size", "strides", "padding", "data_format", "dilation_rate"]
CONSTRAINTS = ["kernel_constraint", "bias_constraint"]
NORMALIZATION = [
    *("axis", "epsilon", "center", "scale", "beta_initializer", "gamma_initializer"),
    *("beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint"),
]
POOL = ["pool_size", "padding", "strides", "data_format"]
CONV = [*WINDOW, "filters", "groups", "activation", "use_bias", *KERNEL, "activity_regularizer"]
KEYS = {
    "Activation": (layers.Activation("relu"), ["activation"]),
    "AveragePooling2D": (layers.AveragePooling2D(2), POOL),
    "BatchNormalization": (
        layers.BatchNormalization(),
        [
            *("axis", "momentum", "epsilon", "center", "scale", "synchronized"),
            *("beta_initializer", "gamma_initializer", "moving_mean_initializer"),
            *("moving_variance_initializer", "beta_regularizer", "gamma_regularizer"),
            *("beta_constraint", "gamma_constraint"),
            *("renorm", "renorm_clipping", "renorm_momentum"),
        ],
    ),
    "Conv1D": (layers.Conv1D(1, 1), [*CONV, *CONSTRAINTS]),
    "Conv2D": (layers.Conv2D(1, 1), [*CONV, *CONSTRAINTS]),
    "Dense": (
        layers.Dense(1),
        ["units", "activation", "use_bias", *KERNEL, *CONSTRAINTS, "quantization_config"],
    ),
    "DepthwiseConv2D": (
        layers.DepthwiseConv2D(1),
        [
            *WINDOW,
            *("depth_multiplier", "activation", "use_bias", "activity_regularizer"),
            *("depthwise_initializer", "depthwise_regularizer", "depthwise_constraint"),
            *("bias_initializer", "bias_regularizer", "bias_constraint"),
        ],
    ),
    "Dropout": (layers.Dropout(0.5), ["rate", "seed", "noise_shape"]),
    "ActivityRegularization": (layers.ActivityRegularization(0.1), ["l1", "l2"]),
    "AlphaDropout": (layers.AlphaDropout(0.5), ["rate", "seed", "noise_shape"]),
    "ELU": (layers.ELU(), ["alpha"]),
    "Embedding": (
        layers.Embedding(3, 4),
        [
            *("input_dim", "output_dim", "mask_zero", "activity_regularizer"),
            *("embeddings_initializer", "embeddings_regularizer", "embeddings_constraint"),
            "quantization_config",
        ],
    ),
    "GaussianDropout": (layers.GaussianDropout(0.5), ["rate", "seed"]),
    "GaussianNoise": (layers.GaussianNoise(0.5), ["stddev", "seed"]),
    "GroupNormalization": (layers.GroupNormalization(), ["groups", *NORMALIZATION]),
    "Identity": (layers.Identity(), []),
    "Lambda": (layers.Lambda(activations.relu), ["function", "arguments"]),
    "LayerNormalization": (layers.LayerNormalization(), ["rms_scaling", *NORMALIZATION]),
    "Masking": (layers.Masking(), ["mask_value"]),
    "PReLU": (
        layers.PReLU(),
        ["alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes"],
    ),
    "RMSNormalization": (layers.RMSNormalization(), ["axis", "epsilon"]),
    "SpectralNormalization": (
        layers.SpectralNormalization(layers.Dense(1)),
        ["layer", "power_iterations"],
    ),
    "TimeDistributed": (layers.TimeDistributed(layers.Dense(1)), ["layer"]),
    "UnitNormalization": (layers.UnitNormalization(), ["axis"]),
    "Flatten": (layers.Flatten(), ["data_format"]),
    "GlobalAveragePooling2D": (layers.GlobalAveragePooling2D(), ["data_format", "keepdims"]),
    "GlobalMaxPooling2D": (layers.GlobalMaxPooling2D(), ["data_format", "keepdims"]),
    "LeakyReLU": (layers.LeakyReLU(), ["negative_slope"]),
    "MaxPooling2D": (layers.MaxPooling2D(), POOL),
    "ReLU": (layers.ReLU(), ["max_value", "negative_slope", "threshold"]),
    "Rescaling": (layers.Rescaling(2), ["scale", "offset"]),
    "Reshape": (layers.Reshape((1,)), ["target_shape"]),
    "Softmax": (layers.Softmax(), ["axis"]),
    "ZeroPadding2D": (layers.ZeroPadding2D(), ["padding", "data_format"]),
}


@pytest.mark.parametrize("name", KEYS)
def test_keys_are_those_of_keras(name):
    layer, keys = KEYS[name]
    assert type(layer).__name__ == name
    assert sorted(layer.get_config()) == sorted(BASE + keys)


def test_keys_of_spatial_dropout_are_fewer():
    """Keras's classes take neither trainable nor other arguments."""
    assert sorted(layers.SpatialDropout1D(0.5).get_config()) == ["dtype", "name", "rate", "seed"]
    config = layers.SpatialDropout2D(0.5, data_format="channels_first", seed=3).get_config()
    assert sorted(config) == ["data_format", "dtype", "name", "rate", "seed"]
    assert layers.SpatialDropout2D.from_config(config).get_config() == config


def test_input_layer_keys():
    assert layers.InputLayer((8, 8, 1), name="img").get_config() == {
        "batch_shape": (None, 8, 8, 1),
        "dtype": "float32",
        "sparse": False,
        "ragged": False,
        "name": "img",
        "optional": False,
    }


def test_activity_regularizer_is_written_only_if_there_is_one():
    assert "activity_regularizer" not in layers.Dense(1).get_config()
    assert layers.Dense(1, activity_regularizer="l2").get_config()["activity_regularizer"] == {
        "module": "keras.regularizers",
        "class_name": "L2",
        "config": {"l2": 0.01},
        "registered_name": None,
    }


def test_conv2d_as_keras_writes_it():
    backend.clear_session()
    policy = {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "float32"},
        "registered_name": None,
    }
    glorot = {"seed": None, "input_axes": None, "output_axes": None}
    expected = {
        "module": "keras.layers",
        "class_name": "Conv2D",
        "config": {
            "name": "conv2d",
            "trainable": True,
            "dtype": policy,
            "filters": 4,
            "kernel_size": [3, 3],
            "strides": [1, 1],
            "padding": "valid",
            "data_format": "channels_last",
            "dilation_rate": [1, 1],
            "groups": 1,
            "activation": "relu",
            "use_bias": True,
            "kernel_initializer": {
                "module": "keras.initializers",
                "class_name": "GlorotUniform",
                "config": glorot,
                "registered_name": None,
            },
            "bias_initializer": {
                "module": "keras.initializers",
                "class_name": "Zeros",
                "config": {},
                "registered_name": None,
            },
            "kernel_regularizer": None,
            "bias_regularizer": None,
            "activity_regularizer": None,
            "kernel_constraint": None,
            "bias_constraint": None,
        },
        "registered_name": None,
    }
    written = json.loads(json.dumps(layers.serialize(layers.Conv2D(4, 3, activation="relu"))))
    assert written == expected
    read = layers.deserialize({**expected, "build_config": {"input_shape": [None, 8, 8, 1]}})
    assert isinstance(read, layers.Conv2D)
    assert (read.kernel_size, read.activation.registered_name) == ((3, 3), "relu")


@pytest.mark.parametrize(
    ("class_name", "config", "attribute", "value"),
    [
        ("DepthwiseConv2D", {"kernel_size": 3, "groups": 1}, "depth_multiplier", 1),
        ("BatchNormalization", {"axis": [3]}, "axis", 3),
        ("Conv2D", {"filters": 1, "kernel_size": 1, "dtype": "float32"}, "dtype", "float32"),
        ("MaxPool2D", {"batch_input_shape": [None, 4, 4, 1]}, "pool_size", (2, 2)),
        ("InputLayer", {"batch_input_shape": [None, 4], "dtype": "uint8"}, "dtype", "uint8"),
    ],
)
def test_configs_of_older_keras(class_name, config, attribute, value):
    layer = layers.deserialize({"class_name": class_name, "config": config})
    assert getattr(layer, attribute) == value


def test_alpha_of_older_leaky_relu():
    layer = layers.deserialize({"class_name": "LeakyReLU", "config": {"alpha": 0.1}})
    assert layer.negative_slope == 0.1


def test_settings_of_newer_keras():
    config = {**layers.Flatten().get_config(), "mystery": None}
    with pytest.warns(UserWarning, match="Flatten: ignored unknown settings.*: mystery"):
        layers.Flatten.from_config(config)
    with pytest.raises(ValueError, match="Unrecognized keyword arguments passed to Flatten"):
        layers.Flatten.from_config({**config, "mystery": 3})


def test_unknown_layer():
    with pytest.raises(ValueError, match=r'layer identifier: Conv2d\. Did you mean "Conv2D"\?'):
        layers.deserialize({"class_name": "Conv2d", "config": {}})
    with pytest.raises(ValueError, match="layer identifier: it must be a name or a config"):
        layers.deserialize(["Conv2D"])


def test_a_file_cannot_name_anything_but_layers():
    config = {"module": "os", "class_name": "system", "config": "ls", "registered_name": None}
    with pytest.raises(ValueError, match="Could not interpret layer identifier: system"):
        layers.deserialize(config)


def test_get():
    layer = layers.Flatten()
    assert layers.get(layer) is layer
    assert layers.get(layers.serialize(layer)).name == layer.name
    with pytest.raises(ValueError, match=r"got the class Flatten: use Flatten\(\.\.\.\)"):
        layers.get(layers.Flatten)


def test_aliases_are_the_same_classes():
    assert layers.MaxPool2D is layers.MaxPooling2D
    assert layers.AvgPool2D is layers.AveragePooling2D
    assert layers.Convolution2D is layers.Conv2D
    assert layers.GlobalAvgPool2D is layers.GlobalAveragePooling2D
    assert layers.GlobalMaxPool2D is layers.GlobalMaxPooling2D
