"""Networks in files, both ways: Keras builds, saves, and predicts; fastconv loads, and the reverse.

Weights are random, and such that outputs depend on the input; statistics of normalization too.
Skipped where Keras is not installed.
"""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

from fastconv import applications, layers, models

os.environ.setdefault("KERAS_BACKEND", "jax")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore")

#: How far outputs may differ, relative to the largest.
TOLERANCE = 1e-4
#: Network: its arguments, small enough for seconds.
TOP = {"classes": 7, "classifier_activation": None}
NETWORKS = {
    "VGG16": {"input_shape": (32, 32, 3), **TOP},
    "VGG19": {"input_shape": (40, 48, 3), "include_top": False, "pooling": "max"},
    "ResNet50": {"input_shape": (64, 64, 3), **TOP},
    "ResNet101": {"input_shape": (48, 48, 3), **TOP},
    "ResNet50V2": {"input_shape": (64, 65, 3), **TOP},
    "MobileNet": {"input_shape": (64, 64, 3), "alpha": 0.5, "classes": 7},
    "MobileNetV2": {"input_shape": (67, 64, 3), "alpha": 0.5, **TOP},
    "MobileNetV3Small": {"input_shape": (64, 64, 3), **TOP},
    "MobileNetV3Large": {"input_shape": (65, 64, 3), "alpha": 0.75, **TOP},
    "DenseNet121": {"input_shape": (64, 64, 3), **TOP},
    "InceptionV3": {"input_shape": (75, 75, 3), **TOP},
    "Xception": {"input_shape": (71, 71, 3), **TOP},
    "EfficientNetB0": {"input_shape": (64, 64, 3), **TOP},
    "EfficientNetB1": {"input_shape": (65, 63, 3), "include_top": False},
}


def randomize(model, rng):
    """Give all weights of a model values that keep its activations alive and of one size."""
    values = []
    for variable in model.weights:
        shape, kind = tuple(variable.shape), variable.path.rsplit("/", 1)[-1]
        if kind == "count":
            value = np.zeros(shape)
        elif kind in ("gamma", "moving_variance", "variance"):
            value = rng.uniform(0.5, 1.5, shape)
        elif len(shape) < 2:  # biases, beta, means
            value = rng.normal(0, 0.1, shape)
        else:
            depthwise = len(shape) == 4 and shape[-1] == 1  # no other kernel here has one filter
            fan_in = np.prod(shape[:2] if depthwise else shape[:-1])
            value = rng.normal(0, np.sqrt(2 / fan_in), shape)
        values.append(value)
    model.set_weights(values)
    for layer in model.layers:
        if hasattr(layer, "finalize_state"):  # Keras's Normalization computes with copies
            layer.finalize_state()


def assert_same(ours, theirs):
    spread = np.std(theirs, axis=0).max() / np.abs(theirs).max()
    assert np.isfinite(theirs).all()
    assert spread > 1e-3, f"the outputs hardly depend on the input: {spread:.1e}"
    error = np.abs(ours - theirs).max() / np.abs(theirs).max()
    print(f"error {error:.1e}, spread of outputs {spread:.1e}, of the largest")
    assert error < TOLERANCE


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_go_both_ways(name, rng, tmp_path):
    theirs = getattr(keras.applications, name)(weights=None, **NETWORKS[name])
    randomize(theirs, rng)
    largest = 255 if name.startswith(("Efficient", "MobileNetV3")) else 1
    x = rng.uniform(0, largest, (3, *theirs.input_shape[1:])).astype(np.float32)
    y = theirs.predict(x, verbose=0)
    theirs.save(tmp_path / "theirs.keras")

    loaded = models.load_model(tmp_path / "theirs.keras")
    assert_same(loaded.predict(x, verbose=0), y)

    ours = getattr(applications, name)(weights=tmp_path / "theirs.keras", **NETWORKS[name])
    np.testing.assert_array_equal(ours.predict(x, verbose=0), loaded.predict(x, verbose=0))

    ours.save(tmp_path / "ours.keras")
    again = keras.models.load_model(tmp_path / "ours.keras")
    assert_same(y, again.predict(x, verbose=0))


@pytest.mark.parametrize("mode", ["tf", "torch"])
def test_symbolic_preprocessing_goes_both_ways(mode, rng, tmp_path):
    x = rng.uniform(0, 255, (2, 5, 4, 3)).astype(np.float32)
    image = keras.Input((5, 4, 3))
    theirs = keras.Model(
        image, keras.applications.imagenet_utils.preprocess_input(image, mode=mode)
    )
    theirs.save(tmp_path / "theirs.keras")
    ours = models.load_model(tmp_path / "theirs.keras")
    assert_same(ours.predict(x, verbose=0), theirs.predict(x, verbose=0))
    image = layers.Input((5, 4, 3))
    scaled = applications.imagenet_utils.preprocess_input(image, mode=mode)
    models.Model(image, scaled).save(tmp_path / "ours.keras")
    again = keras.models.load_model(tmp_path / "ours.keras")
    assert_same(ours.predict(x, verbose=0), again.predict(x, verbose=0))
