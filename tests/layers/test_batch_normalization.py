"""BatchNormalization: numbers that Keras 3 gives, modes, arguments."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.layers import BatchNormalization

X = np.array([[1, 2], [3, 6]], np.float32)


def test_training_and_inference():
    layer = BatchNormalization(momentum=0.9, epsilon=0.01)
    y = layer(X, training=True)
    np.testing.assert_allclose(y, [[-0.9950372, -0.9987524], [0.9950372, 0.9987524]], rtol=1e-6)
    gamma, beta, mean, variance = layer.get_weights()
    np.testing.assert_array_equal([gamma, beta], [[1, 1], [0, 0]])
    np.testing.assert_allclose([mean, variance], [[0.2, 0.4], [1.0, 1.3]], rtol=1e-6)
    np.testing.assert_allclose(
        layer(X), [[0.79602975, 1.3979266], [2.7861042, 4.8927431]], rtol=1e-6
    )


def test_only_training_moves_the_statistics():
    layer = BatchNormalization()
    layer(X)
    np.testing.assert_array_equal(layer.moving_mean.value, [0, 0])
    layer.forward(X, training=True)
    assert layer.moving_mean.value.any()


def test_frozen_layer_uses_the_moving_statistics():
    layer = BatchNormalization(trainable=False)
    np.testing.assert_array_equal(layer(X, training=True), layer(X))
    np.testing.assert_array_equal(layer.moving_mean.value, [0, 0])


def test_weights():
    layer = BatchNormalization()
    layer.build((None, 4, 4, 3))
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    assert [v.name for v in layer.weights] == names
    assert [v.name for v in layer.trainable_weights] == names[:2]
    assert all(v.shape == (3,) for v in layer.weights)
    layer = BatchNormalization(scale=False, center=False)
    layer.build((None, 3))
    assert [v.name for v in layer.weights] == names[2:]


def test_one_sample_over_an_image_has_statistics():
    x = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    y = BatchNormalization()(x, training=True)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-6)


def test_one_value_for_each_channel_gives_beta():
    layer = BatchNormalization(beta_initializer=lambda shape, dtype=None: [3, 4])
    np.testing.assert_array_equal(layer(X[:1], training=True), [[3, 4]])


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"momentum": 1.5}, ValueError, r"momentum must be in \[0, 1\], got 1.5"),
        ({"momentum": "0.9"}, TypeError, "momentum must be a number, got str"),
        ({"epsilon": -1}, ValueError, "epsilon must be at least 0, got -1"),
        ({"epsilon": float("nan")}, ValueError, "epsilon must be finite"),
        ({"axis": 1.0}, TypeError, "axis must be an integer"),
        ({"renorm": True}, ValueError, "renorm is not supported, leave it False"),
    ],
)
def test_bad_arguments(kwargs, error, message):
    with pytest.raises(error, match=f'^BatchNormalization "b": {message}'):
        BatchNormalization(name="b", **kwargs)


def test_axis_of_the_channels():
    x = np.random.default_rng(0).normal(size=(3, 4, 5, 2)).astype(np.float32)
    first, last = BatchNormalization(axis=1), BatchNormalization()
    for training in (True, False):
        y = last(x.transpose(0, 2, 3, 1), training=training).transpose(0, 3, 1, 2)
        np.testing.assert_array_equal(first(x, training=training), y)
    assert first.gamma.shape == (4,)
    for ours, theirs in zip(first.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match=r"input axis 1 must have size 4, as when"):
        first(x[:, :3])


def test_axis_must_exist():
    message = r"axis must name axes of the input, .* got axis=4 for input shape \(None, 4, 4, 3\)"
    with pytest.raises(ValueError, match=message):
        BatchNormalization(axis=4).build((None, 4, 4, 3))
    with pytest.raises(ValueError, match=r"size of input axes \[3\] must be known"):
        BatchNormalization().build((None, 4, 4, None))
