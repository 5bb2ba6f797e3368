"""Normalization, noise, embedding, activation and wrapper layers beside installed Keras on JAX.

Outputs, gradients for inputs and weights, moving statistics, configs both ways. Skipped without it.
"""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

from fastconv import layers
from fastconv.models import Sequential

from .check_layer import make_input

os.environ.setdefault("KERAS_BACKEND", "jax")
keras = pytest.importorskip("keras")
jax = pytest.importorskip("jax")
if keras.backend.backend() != "jax":
    pytest.skip("Keras runs on another backend than JAX", allow_module_level=True)

# Keras itself, when it writes files.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

IMAGES = (3, 5, 4, 6)

CASES = [
    ("Activation", {"activation": "gelu"}, (3, 5)),
    ("ActivityRegularization", {"l1": 0.1, "l2": 0.2}, (3, 5)),
    ("AlphaDropout", {"rate": 0.0}, (3, 5)),
    ("BatchNormalization", {}, IMAGES),
    ("BatchNormalization", {"axis": 1, "momentum": 0.7, "epsilon": 0.01}, IMAGES),
    ("BatchNormalization", {"axis": 2, "scale": False}, (4, 3, 2)),
    ("BatchNormalization", {"axis": -2, "center": False}, (2, 3, 2, 4, 3)),
    ("Dense", {"units": 3, "activation": "tanh", "kernel_constraint": "max_norm"}, (4, 5)),
    ("ELU", {"alpha": 0.4}, (3, 5)),
    ("GaussianDropout", {"rate": 0.0}, (3, 5)),
    ("GaussianNoise", {"stddev": 0.0}, (3, 5)),
    ("GroupNormalization", {"groups": 3}, IMAGES),
    ("GroupNormalization", {"groups": 1, "center": False}, IMAGES),
    ("GroupNormalization", {"groups": -1, "epsilon": 0.01}, IMAGES),
    ("GroupNormalization", {"groups": 5, "axis": 1}, IMAGES),
    ("GroupNormalization", {"groups": 2}, (3, 4)),
    ("GroupNormalization", {"groups": 2, "axis": -2}, (2, 3, 4, 2)),
    ("Identity", {}, (3, 5)),
    ("LayerNormalization", {}, IMAGES),
    ("LayerNormalization", {"axis": [1, 2, 3], "epsilon": 0.01}, IMAGES),
    ("LayerNormalization", {"axis": 1, "scale": False}, IMAGES),
    ("LayerNormalization", {"axis": (1, 3), "center": False}, IMAGES),
    ("LayerNormalization", {"beta_regularizer": "l2", "gamma_constraint": "non_neg"}, (4, 7)),
    ("LeakyReLU", {}, (3, 5)),
    ("Masking", {"mask_value": 0.5}, (2, 3, 4)),
    ("PReLU", {}, (3, 5)),
    ("PReLU", {"shared_axes": [1, 2], "alpha_initializer": "ones"}, IMAGES),
    ("PReLU", {"shared_axes": 2}, IMAGES),
    ("ReLU", {"max_value": 1, "negative_slope": 0.1, "threshold": 0.2}, (3, 5)),
    ("RMSNormalization", {}, IMAGES),
    ("RMSNormalization", {"axis": [2, 3], "epsilon": 0.1}, IMAGES),
    ("Softmax", {"axis": 1}, (3, 4, 5)),
    ("Softmax", {"axis": [1, 2]}, (3, 4, 5)),
    ("SpatialDropout1D", {"rate": 0.0}, (2, 3, 4)),
    ("SpatialDropout2D", {"rate": 0.0}, IMAGES),
    ("UnitNormalization", {}, IMAGES),
    ("UnitNormalization", {"axis": [1, 2]}, IMAGES),
]


def both(name, kwargs, shape):
    """Return our layer and Keras's, with the same random weights."""
    ours, theirs = getattr(layers, name)(**kwargs), getattr(keras.layers, name)(**kwargs)
    ours.build(shape)
    theirs.build(shape)
    rng = np.random.default_rng(1)
    values = [rng.uniform(0.3, 1.2, v.shape).astype(np.float32) for v in ours.weights]
    assert [v.shape for v in ours.weights] == [tuple(v.shape) for v in theirs.weights]
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    ours.set_weights(values)
    theirs.set_weights(values)
    return ours, theirs


def gradients_of_keras(theirs, x, r):
    """Return y, dx, gradients of the trainable weights, and the others after the step."""
    frozen = theirs.non_trainable_variables
    options = {"training": True} if theirs._call_has_training_arg else {}

    def loss(x, trained):
        state = zip(theirs.trainable_variables, trained, strict=True)
        with keras.StatelessScope(state_mapping=list(state)) as scope:
            y = theirs(x, **options)
        after = [scope.get_current_value(v) for v in frozen]
        after = [v.value if new is None else new for v, new in zip(frozen, after, strict=True)]
        return (y * r).sum(), (y, after)

    trained = [v.value for v in theirs.trainable_variables]
    (_, (y, after)), (dx, gradients) = jax.value_and_grad(loss, (0, 1), has_aux=True)(
        jax.numpy.asarray(x), trained
    )
    return y, dx, gradients, after


@pytest.mark.parametrize(("name", "kwargs", "shape"), CASES, ids=str)
def test_outputs_and_gradients(name, kwargs, shape):
    ours, theirs = both(name, kwargs, shape)
    x = make_input(shape)
    if name == "Masking":
        x[0, 1] = x[1, 2] = 0.5
    close = {"rtol": 1e-4, "atol": 2e-6}
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), **close)
    r = np.random.default_rng(2).uniform(-1, 1, shape[:1] + ours.compute_output_shape(shape)[1:])
    r = r.astype(np.float32)
    y, dx, gradients, after = gradients_of_keras(theirs, x, r)
    found, backward = ours.forward(x, training=True)
    np.testing.assert_allclose(found, np.asarray(y), **close)
    scale = max(1.0, float(np.abs(dx).max()))
    np.testing.assert_allclose(backward(r.copy()), np.asarray(dx), rtol=1e-4, atol=2e-6 * scale)
    for variable, gradient in zip(ours.trainable_weights, gradients, strict=True):
        gradient = np.asarray(gradient)
        scale = max(1.0, float(np.abs(gradient).max()))
        np.testing.assert_allclose(variable.grad, gradient, rtol=1e-4, atol=2e-6 * scale)
    for variable, value in zip(ours.non_trainable_weights, after, strict=True):
        np.testing.assert_allclose(variable.value, np.asarray(value), **close)


MORE = [
    ("Dropout", {"rate": 0.5, "noise_shape": (None, 1), "seed": 3}),
    ("AlphaDropout", {"rate": 0.5, "seed": 3}),
    ("SpatialDropout3D", {"rate": 0.5}),
    ("SpatialDropout2D", {"rate": 0.5, "seed": 2}),
    ("GaussianDropout", {"rate": 0.5}),
    ("GaussianNoise", {"stddev": 0.5}),
    ("Embedding", {"input_dim": 7, "output_dim": 3, "mask_zero": True}),
]


@pytest.mark.parametrize(("name", "kwargs"), [case[:2] for case in CASES] + MORE, ids=str)
def test_configs_both_ways(name, kwargs):
    ours = getattr(layers, name)(**kwargs)
    written = json.loads(json.dumps(layers.serialize(ours)))
    theirs = keras.layers.deserialize(written)
    assert type(theirs).__name__ == name and theirs.name == ours.name
    config = keras.layers.serialize(theirs)
    assert set(config["config"]) == set(written["config"])
    again = layers.deserialize(json.loads(json.dumps(config)))
    assert json.loads(json.dumps(again.get_config())) == written["config"]


@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.TimeDistributed(m.Conv2D(2, 3, activation="relu"), name="td"),
        lambda m: m.SpectralNormalization(m.Dense(3), power_iterations=2),
    ],
)
def test_configs_of_wrappers(make):
    written = json.loads(json.dumps(layers.serialize(make(layers))))
    theirs = keras.layers.deserialize(json.loads(json.dumps(written)))
    config = json.loads(json.dumps(keras.layers.serialize(theirs)))
    assert set(config["config"]) == set(written["config"])
    again = layers.deserialize(config)
    assert again.layer.get_config() == layers.deserialize(written).layer.get_config()


def test_time_distributed():
    shape = (2, 3, 5, 5, 2)
    ours = layers.TimeDistributed(layers.Conv2D(3, 2, activation="tanh"))
    theirs = keras.layers.TimeDistributed(keras.layers.Conv2D(3, 2, activation="tanh"))
    ours.build(shape)
    theirs.build(shape)
    theirs.set_weights(ours.get_weights())
    x = make_input(shape)
    r = np.random.default_rng(2).uniform(-1, 1, ours.compute_output_shape(shape)).astype(np.float32)
    y, dx, gradients, _ = gradients_of_keras(theirs, x, r)
    found, backward = ours.forward(x, training=True)
    np.testing.assert_allclose(found, np.asarray(y), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(backward(r), np.asarray(dx), rtol=1e-4, atol=1e-6)
    for variable, gradient in zip(ours.trainable_weights, gradients, strict=True):
        np.testing.assert_allclose(variable.grad, np.asarray(gradient), rtol=1e-4, atol=1e-5)


def test_spectral_normalization():
    ours = layers.SpectralNormalization(layers.Dense(3), power_iterations=2)
    theirs = keras.layers.SpectralNormalization(keras.layers.Dense(3), power_iterations=2)
    x = make_input((4, 5))
    ours.build(x.shape)
    theirs.build(x.shape)
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    theirs.set_weights(ours.get_weights())
    for _ in range(3):
        expected = np.asarray(theirs(x, training=True))
        np.testing.assert_allclose(ours(x, training=True), expected, rtol=1e-4, atol=1e-6)
        for a, b in zip(ours.weights, theirs.weights, strict=True):
            np.testing.assert_allclose(a.value, np.asarray(b.value), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("made_by", ["fastconv", "keras"])
@pytest.mark.parametrize(
    "make",
    [
        lambda m: m.TimeDistributed(m.Dense(3, activation="tanh")),
        lambda m: m.SpectralNormalization(m.Dense(3)),
        lambda m: m.GroupNormalization(2),
        lambda m: m.PReLU(),
        lambda m: m.RMSNormalization(),
    ],
)
def test_weight_files_both_ways(tmp_path, make, made_by):
    theirs = keras.Sequential([keras.layers.Input((3, 4)), make(keras.layers)])
    ours = Sequential([layers.Input((3, 4)), make(layers)])
    path = tmp_path / "m.weights.h5"
    one, other = (ours, theirs) if made_by == "fastconv" else (theirs, ours)
    rng = np.random.default_rng(0)
    one.set_weights([rng.uniform(0.3, 1, tuple(v.shape)) for v in one.weights])
    one.save_weights(path)
    other.load_weights(path)
    x = make_input((2, 3, 4))
    np.testing.assert_allclose(ours(x), np.asarray(theirs(x)), rtol=1e-5, atol=1e-6)
    for a, b in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_array_equal(a.value, np.asarray(b.value))


def test_embedding():
    ours, theirs = both("Embedding", {"input_dim": 7, "output_dim": 3}, (2, 4))
    x = np.array([[1, 2, 1, 0], [6, 1, 0, 2]], np.int32)
    np.testing.assert_array_equal(ours(x), np.asarray(theirs(x)))
    r = np.random.default_rng(2).normal(size=(2, 4, 3)).astype(np.float32)
    table = theirs.embeddings.value
    expected = jax.grad(lambda table: (jax.numpy.take(table, x, axis=0) * r).sum())(table)
    _, backward = ours.forward(x.astype(np.float32), training=True)
    backward(r)
    np.testing.assert_allclose(ours.embeddings.grad, np.asarray(expected), rtol=1e-6)
