"""What the networks accept, and what they say about the rest."""

from __future__ import annotations

import re

import numpy as np
import pytest

import fastconv
from fastconv import applications, layers, models

from .. import programs

TINY = {
    "alpha": 0.1,
    "input_shape": (32, 32, 3),
    "classes": 3,
    "classifier_activation": None,
    "weights": None,
}


def tiny(**arguments):
    return applications.MobileNet(**{**TINY, **arguments})


@pytest.mark.parametrize("name", applications.__all__)
def test_every_name_leads_somewhere(name):
    assert getattr(applications, name).__doc__


@pytest.mark.parametrize(
    ("module", "network"),
    [("resnet", "ResNet50"), ("resnet50", "ResNet50"), ("mobilenet_v2", "MobileNetV2")],
)
def test_networks_stand_in_the_modules_of_keras(module, network):
    module = getattr(fastconv.applications, module)
    assert getattr(module, network) is getattr(applications, network)
    assert callable(module.preprocess_input)
    assert callable(module.decode_predictions)


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'AlexNet'"):
        applications.AlexNet  # noqa: B018


def test_importing_fastconv_leaves_the_networks_alone():
    program = "import sys, fastconv, fastconv.models; print(*sys.modules)"
    assert "fastconv.applications" not in programs.run("-c", program).split()


@pytest.mark.parametrize("name", [n for n in applications.__all__ if n[0].isupper()])
def test_imagenet_weights_are_not_downloaded(name):
    rule = rf"{name}: weights must be None or the path of a weights file, got \"imagenet\""
    with pytest.raises(ValueError, match=rule) as caught:
        getattr(applications, name)()
    assert f"keras.applications.{name}(...).save(" in str(caught.value)
    # Keras's EfficientNet with ImageNet weights has a layer that EfficientNet without them lacks.
    assert (".save_weights(" in str(caught.value)) == ("EfficientNetB" not in name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": "nowhere.weights.h5"}, "there is no file 'nowhere.weights.h5'"),
        ({"weights": 3}, "weights must be None or the path of a weights file, got int"),
        ({"input_shape": (31, 40, 3)}, "images of at least 32x32, got (31, 40, 3)"),
        ({"input_shape": (3, 224, 224)}, "must be (H, W, C) with images of at least 32x32"),
        ({"input_shape": (32, 32)}, "input_shape must be (H, W, C), got (32, 32)"),
        ({"input_shape": (None, 32, 3)}, "must be known with include_top=True"),
        ({"classes": 0}, "classes must be at least 1, got 0"),
        ({"include_top": False, "pooling": "mean"}, 'pooling must be one of "avg", "max"'),
        ({"input_shape": None, "input_tensor": np.ones(3)}, "input_tensor must be what Input()"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        tiny(**arguments)
    assert str(caught.value).startswith("MobileNet: ")


def test_input_tensor_must_agree_with_input_shape():
    with pytest.raises(ValueError, match="input_shape must be that of input_tensor"):
        tiny(input_tensor=layers.Input((40, 40, 3)))


def test_input_tensor_may_be_what_layers_made():
    image = layers.Input((16, 16, 3))
    larger = layers.ZeroPadding2D(8)(image)
    model = tiny(input_tensor=larger, input_shape=None)
    assert model.input_shape == (None, 16, 16, 3)
    assert model.name == "mobilenet_0.10_32"
    assert model.predict(np.zeros((1, 16, 16, 3)), verbose=0).shape == (1, 3)


def test_features_take_images_of_any_size(rng):
    model = tiny(include_top=False, input_shape=(None, None, 3))
    for side in (32, 64):
        features = model.predict(rng.random((1, side, side, 3)), verbose=0)
        assert features.shape == (1, side // 32, side // 32, 102)


@pytest.mark.parametrize("ending", [".weights.h5", ".keras"])
def test_weights_come_from_a_file(rng, tmp_path, ending):
    path = tmp_path / f"net{ending}"
    model = tiny()
    (model.save_weights if ending == ".weights.h5" else model.save)(path)
    again = tiny(weights=str(path))
    x = rng.random((2, 32, 32, 3))
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))
    assert not np.array_equal(tiny().predict(x, verbose=0), model.predict(x, verbose=0))


def test_networks_are_parts_of_models(rng):
    base = tiny(include_top=False, pooling="avg")
    base.trainable = False
    image = layers.Input((32, 32, 3))
    scaled = applications.mobilenet.preprocess_input(image)
    y = layers.Dense(2, activation="softmax")(base(scaled, training=False))
    model = models.Model(image, y)
    model.compile("sgd", "sparse_categorical_crossentropy")
    before = [w.copy() for w in base.get_weights()]
    model.fit(rng.uniform(0, 255, (8, 32, 32, 3)), np.arange(8) % 2, verbose=0)
    assert len(model.trainable_weights) == 2
    for old, new in zip(before, base.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
