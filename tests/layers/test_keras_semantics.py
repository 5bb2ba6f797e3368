"""Layers answer as Keras's do, in the cases where frameworks differ."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import layers

from ..literals.layer_cases import ACTIVATIONS, CASES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_layer_answers_as_in_keras(each_isa, case):
    layer = case.make(layers)
    x = np.asarray(case.x)
    layer.build(x.shape)
    if case.weights:
        layer.set_weights(list(case.weights))
    y = layer(x, training=case.training)
    assert y.dtype == np.float32
    np.testing.assert_allclose(y, np.asarray(case.expected), rtol=2e-6, atol=1e-6)
    assert layer.compute_output_shape(x.shape) == y.shape


@pytest.mark.parametrize("case", ACTIVATIONS, ids=lambda case: case.name)
def test_activation_fused_into_a_layer_answers_as_alone(each_isa, case):
    dense = layers.Dense(1, activation=case.make(layers).activation, use_bias=False)
    dense.build((None, 1))
    dense.set_weights([np.ones((1, 1), np.float32)])
    np.testing.assert_array_equal(dense(case.x), case.make(layers)(case.x))


def forward(layer, x):
    return layer(np.asarray(x, np.float32), training=True)


def test_batch_normalization_moves_its_statistics():
    """moving = 0.99 * moving + 0.01 * batch, with the variance of the population."""
    layer = layers.BatchNormalization()
    forward(layer, [[1.0], [3.0], [8.0]])
    gamma, beta, mean, variance = layer.get_weights()
    np.testing.assert_array_equal((gamma, beta), ([1], [0]))
    np.testing.assert_allclose(mean, [0.04], rtol=1e-6)
    np.testing.assert_allclose(variance, [0.99 + 0.01 * 26 / 3], rtol=1e-6)
    layer(np.ones((3, 1), np.float32))
    layer.trainable = False
    forward(layer, [[5.0], [6.0]])
    np.testing.assert_array_equal(layer.get_weights()[2:], (mean, variance))  # both inference


def test_batch_normalization_weights_without_scale_or_center():
    x = np.ones((2, 3), np.float32)
    for options, count in (({}, 4), ({"scale": False}, 3), ({"center": False}, 3)):
        layer = layers.BatchNormalization(**options)
        layer(x)
        assert len(layer.get_weights()) == count
        assert len(layer.non_trainable_weights) == 2


def test_max_pooling_gradient_of_a_tie_goes_to_the_first():
    y, backward = layers.MaxPooling2D().forward(np.ones((1, 2, 2, 1), np.float32), training=True)
    np.testing.assert_array_equal(backward(np.full(y.shape, 5, np.float32)).ravel(), [5, 0, 0, 0])


def test_dropout_keeps_the_mean():
    y = layers.Dropout(0.25, seed=1)(np.ones((100, 100), np.float32), training=True)
    assert set(np.unique(y)) == {np.float32(0), np.float32(4 / 3)}
    assert abs(y.mean() - 1) < 0.02


NAMES = {
    "conv1d": lambda: layers.Conv1D(1, 1),
    "conv2d": lambda: layers.Conv2D(1, 1),
    "depthwise_conv2d": lambda: layers.DepthwiseConv2D(1),
    "max_pooling2d": layers.MaxPool2D,
    "average_pooling2d": lambda: layers.AvgPool2D(2),
    "global_average_pooling2d": layers.GlobalAvgPool2D,
    "global_max_pooling2d": layers.GlobalMaxPool2D,
    "batch_normalization": layers.BatchNormalization,
    "zero_padding2d": layers.ZeroPadding2D,
    "re_lu": layers.ReLU,
    "leaky_re_lu": layers.LeakyReLU,
}


@pytest.mark.parametrize("name", NAMES)
def test_automatic_names_are_those_of_keras(name):
    numbers = []
    for _ in range(3):  # other tests may have made some before
        stem, _, number = NAMES[name]().name.rpartition("_")
        if not number.isdigit():
            stem, number = f"{stem}_{number}".lstrip("_"), "0"
        assert stem == name
        numbers.append(int(number))
    assert numbers == [numbers[0], numbers[0] + 1, numbers[0] + 2]


def weight_shapes(layer, input_shape):
    layer.build(input_shape)
    return [(weight.name, weight.shape) for weight in layer.weights]


def test_weight_names_order_and_shapes():
    assert weight_shapes(layers.Conv2D(6, (3, 2), groups=2), (None, 8, 8, 4)) == [
        ("kernel", (3, 2, 2, 6)), ("bias", (6,))]  # fmt: skip
    assert weight_shapes(layers.DepthwiseConv2D(3, depth_multiplier=2), (None, 8, 8, 4)) == [
        ("kernel", (3, 3, 4, 2)), ("bias", (8,))]  # fmt: skip
    assert weight_shapes(layers.Dense(5, use_bias=False), (None, 7, 4)) == [("kernel", (4, 5))]
    assert weight_shapes(layers.BatchNormalization(), (None, 8, 8, 4)) == [
        (name, (4,)) for name in ("gamma", "beta", "moving_mean", "moving_variance")
    ]


def test_output_shape_of_unknown_sizes():
    layer = layers.Conv2D(4, 3)
    assert layer.compute_output_shape((None, None, 7, 3)) == (None, None, 5, 4)
    assert layers.MaxPooling2D(2).compute_output_shape((None, None, 7, 3)) == (None, None, 3, 3)


def test_integers_are_cast_as_fit_does():
    layer = layers.Conv2D(1, 1, use_bias=False, kernel_initializer="ones")
    for dtype in (np.uint8, np.int64, bool, np.float64):
        np.testing.assert_array_equal(layer(np.ones((1, 2, 2, 3), dtype)), np.full((1, 2, 2, 1), 3))


def test_numpy_integers_and_lists_are_sizes():
    layer = layers.Conv2D(np.int64(4), [np.int32(3), 2], strides=np.int64(2))
    assert layer.compute_output_shape((None, 9, 9, 1)) == (None, 4, 4, 4)


#: what: (constructor, type of the error, what its message says)
REFUSED = {
    "no filters": (lambda: layers.Conv2D(0, 3), ValueError, r"filters must.*got 0"),
    "no window": (lambda: layers.Conv2D(4, 0), ValueError, r"kernel_size must.*got 0"),
    "three sizes": (lambda: layers.Conv2D(4, (3, 3, 3)), ValueError, r"kernel_size must"),
    "unknown padding": (lambda: layers.Conv2D(4, 3, padding="full"), ValueError, r"padding must"),
    "causal image": (lambda: layers.Conv2D(4, 3, padding="causal"), ValueError, r"padding must"),
    "padding of a pool": (lambda: layers.MaxPooling2D(padding="foo"), ValueError, r"padding must"),
    "strides of a pool": (lambda: layers.MaxPooling2D(strides=0), ValueError, r"strides must"),
    "no pool size": (lambda: layers.AveragePooling2D(), TypeError, r"pool_size"),
    "groups": (lambda: layers.Conv2D(30, 3, groups=4), ValueError, r"groups.*filters=30"),
    "unknown word": (lambda: layers.Conv2D(4, 3, foo=1), ValueError,
                     r"Unrecognized keyword arguments passed to Conv2D.*foo"),
    "misspelt word": (lambda: layers.Conv2D(4, 3, activaton="relu"), ValueError,
                      r"Unrecognized keyword arguments.*Did you mean \"activation\""),
    "unknown activation": (lambda: layers.Dense(4, activation="relux"), ValueError,
                           r"Could not interpret activation.*relux.*\"relu"),
    "unknown initializer": (lambda: layers.Dense(4, kernel_initializer="he_norm"), ValueError,
                            r"Could not interpret initializer.*he_norm.*\"he_normal\""),
    "name with a slash": (lambda: layers.Dense(4, name="a/b"), ValueError, r"name"),
    "rate": (lambda: layers.Dropout(1.5), ValueError, r"rate must.*got 1.5"),
    "data format": (lambda: layers.Conv2D(4, 3, data_format="nhwc"), ValueError,
                    r"data_format must.*channels_last"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_constructor_refuses(what):
    make, error, message = REFUSED[what]
    with pytest.raises(error, match=message):
        make()


def test_build_refuses():
    with pytest.raises(ValueError, match=r"channels.*divisible by groups.*got 3"):
        layers.Conv2D(4, 3, groups=2).build((None, 8, 8, 3))
    with pytest.raises(ValueError, match=r"last input axis must be known"):
        layers.Conv2D(4, 3).build((None, 8, 8, None))
    with pytest.raises(ValueError, match=r"H=2"):
        layers.Conv2D(4, 3)(np.zeros((1, 2, 8, 3), np.float32))
    with pytest.raises(ValueError, match=r"H=2"):
        layers.MaxPooling2D(3)(np.zeros((1, 2, 8, 3), np.float32))
