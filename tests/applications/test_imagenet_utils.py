"""preprocess_input and decode_predictions: formulas, types, and the class index."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from fastconv import applications, layers, models
from fastconv.applications import imagenet_utils
from fastconv.applications.imagenet_utils import decode_predictions, preprocess_input

PIXEL = (10.0, 100.0, 250.0)
#: Mode: what it makes of PIXEL, by hand.
EXPECTED = {
    "caffe": (250 - 103.939, 100 - 116.779, 10 - 123.68),
    "tf": (10 / 127.5 - 1, 100 / 127.5 - 1, 250 / 127.5 - 1),
    "torch": (
        (10 / 255 - 0.485) / 0.229,
        (100 / 255 - 0.456) / 0.224,
        (250 / 255 - 0.406) / 0.225,
    ),
}


@pytest.mark.parametrize("mode", EXPECTED)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_modes(mode, dtype):
    x = np.tile(np.array(PIXEL, dtype), (2, 3, 4, 1))
    y = preprocess_input(x, mode=mode)
    assert y.dtype == (dtype if dtype.startswith("float") else "float32")
    np.testing.assert_allclose(y, np.broadcast_to(EXPECTED[mode], x.shape), rtol=1e-5)
    np.testing.assert_array_equal(y[0], preprocess_input(x[0], mode=mode))
    assert (x == np.array(PIXEL, dtype)).all(), "the images were written to"


@pytest.mark.parametrize(
    ("module", "mode"),
    [
        *[(name, "caffe") for name in ("vgg16", "vgg19", "resnet", "resnet50")],
        *[(name, "tf") for name in ("resnet_v2", "mobilenet", "mobilenet_v2")],
        *[(name, "tf") for name in ("inception_v3", "xception")],
        ("densenet", "torch"),
        *[(name, None) for name in ("mobilenet_v3", "efficientnet")],
    ],
)
def test_each_network_has_its_mode(module, mode):
    x = np.array(PIXEL, np.float32).reshape(1, 1, 1, 3)
    y = getattr(applications, module).preprocess_input(x)
    np.testing.assert_allclose(y.ravel(), EXPECTED[mode] if mode else PIXEL, rtol=1e-5)


@pytest.mark.parametrize("mode", ["tf", "torch"])
def test_symbolic_images(mode, rng):
    x = rng.uniform(0, 255, (2, 5, 4, 3)).astype(np.float32)
    image = layers.Input((5, 4, 3))
    model = models.Model(image, preprocess_input(image, mode=mode))
    expected = preprocess_input(x, mode=mode)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_symbolic_images_cannot_change_the_order_of_channels():
    with pytest.raises(ValueError, match="preprocess the arrays"):
        preprocess_input(layers.Input((5, 4, 3)))


@pytest.mark.parametrize(
    ("x", "arguments", "message"),
    [
        ((2, 3, 4, 1), {}, "x must be one or more images of 3 channels"),
        ((4, 3), {"mode": "torch"}, "x must be one or more images of 3 channels"),
        ((3, 4, 3), {"mode": "tensorflow"}, 'mode must be one of "caffe", "tf", "torch"'),
        ((3, 4, 3), {"data_format": "last"}, "data_format must be one of"),
    ],
)
def test_wrong_images_are_named(x, arguments, message):
    with pytest.raises(ValueError, match=f"preprocess_input: {message}"):
        preprocess_input(np.zeros(x), **arguments)


@pytest.fixture
def class_index(tmp_path):
    path = tmp_path / "index.json"
    path.write_text(json.dumps({str(i): [f"n{i}", f"name {i}"] for i in range(12)}))
    return path


@pytest.fixture
def no_class_index(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(imagenet_utils.CLASS_INDEX_VARIABLE, raising=False)
    return tmp_path / "home"


def test_decoding(class_index, rng):
    preds = rng.permuted(np.tile(np.arange(12) / 66, (3, 1)), axis=1)
    decoded = decode_predictions(preds, top=4, class_index=class_index)
    for sample, best in zip(preds, decoded, strict=True):
        places = np.argsort(sample)[::-1][:4]
        assert best == [(f"n{i}", f"name {i}", sample[i]) for i in places]


def test_the_class_index_is_found_where_it_is(class_index, no_class_index, monkeypatch):
    preds = np.eye(12)[:1]
    monkeypatch.setenv(imagenet_utils.CLASS_INDEX_VARIABLE, str(class_index))
    assert decode_predictions(preds, top=1) == [[("n0", "name 0", 1.0)]]
    monkeypatch.delenv(imagenet_utils.CLASS_INDEX_VARIABLE)
    (no_class_index / "models").mkdir(parents=True)
    class_index.rename(no_class_index / "models" / "imagenet_class_index.json")
    assert decode_predictions(preds, top=1) == [[("n0", "name 0", 1.0)]]


def test_without_a_class_index(no_class_index):
    with pytest.raises(ValueError, match="there is no class index") as caught:
        decode_predictions(np.zeros((1, 1000)))
    assert "class_index=" in str(caught.value)
    assert imagenet_utils.CLASS_INDEX_VARIABLE in str(caught.value)


@pytest.mark.parametrize("text", ["{", "[]]", '{"1": ["a", "b"]}', '{"0": ["a"]}', "[1, 2]"])
def test_a_damaged_class_index(tmp_path, text):
    path = tmp_path / "index.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"decode_predictions: class_index .* must hold"):
        decode_predictions(np.zeros((1, 2)), class_index=path)


@pytest.mark.parametrize("shape", [(12,), (2, 11), (1, 1, 12)])
def test_predictions_must_fit_the_class_index(class_index, shape):
    rule = f"(samples, 12), the number of classes in the class index, got {shape}"
    with pytest.raises(ValueError, match=re.escape(rule)):
        decode_predictions(np.zeros(shape), class_index=class_index)
