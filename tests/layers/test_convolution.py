"""Convolutions and Dense: numbers that Keras 3 gives, shapes, arguments."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.layers import Conv1D, Conv2D, Dense, DepthwiseConv2D


def set_up(layer, x, *weights):
    layer.build(x.shape)
    layer.set_weights(weights)
    return layer(x)


@pytest.mark.parametrize(
    ("size", "stride", "n", "expected"),
    [
        (3, 2, 4, [6, 7]),
        (3, 2, 5, [3, 9, 9]),
        (2, 1, 4, [3, 5, 7, 4]),
        (4, 1, 5, [6, 10, 14, 12, 9]),
        (2, 2, 5, [3, 7, 5]),
        (5, 3, 7, [6, 20, 18]),
        (1, 2, 4, [1, 3]),
    ],
)
def test_same_padding_puts_the_odd_zero_last(size, stride, n, expected):
    """Keras 3, kernel of ones over 1, 2, ... n, along either axis."""
    x = np.arange(1, n + 1, dtype=np.float32)
    ones = {"padding": "SAME", "kernel_initializer": "ones"}
    y = Conv2D(1, (1, size), strides=(1, stride), **ones)(x.reshape(1, 1, n, 1))
    np.testing.assert_array_equal(y.ravel(), expected)
    y = Conv2D(1, (size, 1), strides=(stride, 1), **ones)(x.reshape(1, n, 1, 1))
    np.testing.assert_array_equal(y.ravel(), expected)
    y = Conv1D(1, size, strides=stride, **ones)(x.reshape(1, n, 1))
    np.testing.assert_array_equal(y.ravel(), expected)


def test_kernel_is_not_flipped():
    x = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    kernel = np.arange(1, 5).reshape(2, 2, 1, 1)
    y = set_up(Conv2D(1, 2, use_bias=False), x, kernel)
    np.testing.assert_array_equal(y.ravel(), [27, 37, 57, 67])


def test_groups():
    x = np.arange(1, 9, dtype=np.float32).reshape(1, 1, 2, 4)
    kernel = np.arange(1, 9).reshape(1, 1, 2, 4)
    y = set_up(Conv2D(4, 1, groups=2, use_bias=False), x, kernel)
    np.testing.assert_array_equal(y[0, 0], [[11, 14, 37, 44], [35, 46, 77, 92]])


def test_depthwise_channel_order():
    x = np.array([1, 2, 3], np.float32).reshape(1, 1, 1, 3)
    kernel = np.arange(1, 7).reshape(1, 1, 3, 2)
    y = set_up(DepthwiseConv2D(1, depth_multiplier=2, use_bias=False), x, kernel)
    np.testing.assert_array_equal(y.ravel(), [1, 2, 6, 8, 15, 18])


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [({"dilation_rate": 2}, [1, 2, 4, 6, 9]), ({"strides": 2}, [1, 6, 12])],
)
def test_causal_padding(kwargs, expected):
    x = np.arange(1, 6, dtype=np.float32).reshape(1, 5, 1)
    y = Conv1D(1, 3, padding="causal", kernel_initializer="ones", **kwargs)(x)
    np.testing.assert_array_equal(y.ravel(), expected)


def test_activation_comes_after_the_bias():
    x = np.ones((1, 1, 1, 1), np.float32)
    y = set_up(Conv2D(2, 1, activation="relu"), x, np.ones((1, 1, 1, 2)), [-3, 3])
    np.testing.assert_array_equal(y.ravel(), [0, 4])


@pytest.mark.parametrize(
    ("layer", "shapes"),
    [
        (Conv2D(8, (3, 2), groups=2), [(3, 2, 2, 8), (8,)]),
        (Conv2D(8, 3, use_bias=False), [(3, 3, 4, 8)]),
        (Conv1D(8, 3), [(3, 4, 8), (8,)]),
        (DepthwiseConv2D(3, depth_multiplier=2), [(3, 3, 4, 2), (8,)]),
        (Dense(8), [(4, 8), (8,)]),
    ],
)
def test_weight_shapes(layer, shapes):
    layer.build((None, *(9,) * ((layer.input_rank or 2) - 2), 4))
    assert [w.shape for w in layer.weights] == shapes
    assert [w.name for w in layer.weights] == ["kernel", "bias"][: len(shapes)]


@pytest.mark.parametrize(
    ("layer", "input_shape", "expected"),
    [
        (Conv2D(5, 3), (None, None, 7, 3), (None, None, 5, 5)),
        (Conv2D(5, 3, strides=2, padding="same"), (2, 7, None, 3), (2, 4, None, 5)),
        (Conv2D(5, 3, strides=2, dilation_rate=2), (2, 9, 9, 3), (2, 3, 3, 5)),
        (Conv1D(5, 3, padding="causal"), (None, None, 3), (None, None, 5)),
        (Conv1D(5, 3), (None, 7, 3), (None, 5, 5)),
        (DepthwiseConv2D(3, depth_multiplier=2), (None, 7, None, 3), (None, 5, None, 6)),
        (Dense(5), (None, None, 3), (None, None, 5)),
    ],
)
def test_output_shape(layer, input_shape, expected):
    assert layer.compute_output_shape(input_shape) == expected


def test_dense_works_along_the_last_axis():
    x = np.arange(12, dtype=np.float32).reshape(1, 3, 4)
    y = Dense(2, kernel_initializer="ones")(x)
    np.testing.assert_array_equal(y, [[[6, 6], [22, 22], [38, 38]]])


def test_numpy_integers_are_accepted():
    layer = Conv2D(np.int64(4), np.int32(3), strides=np.array([1, 2]), groups=np.uint8(2))
    assert (layer.filters, layer.kernel_size, layer.strides) == (4, (3, 3), (1, 2))
    assert Dense(np.int64(3)).units == 3
    assert DepthwiseConv2D([3, np.int64(2)]).kernel_size == (3, 2)


@pytest.mark.parametrize("cls", [Conv1D, Conv2D])
@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"filters": 0}, ValueError, "filters must be at least 1, got 0"),
        ({"filters": 4.0}, TypeError, r"filters must be an integer, got 4.0 \(float\)"),
        ({"filters": "4"}, TypeError, r"filters must be an integer, got '4' \(str\)"),
        ({"filters": True}, TypeError, "filters must be an integer, got True"),
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1, got 0"),
        ({"kernel_size": -3}, ValueError, "kernel_size must be at least 1, got -3"),
        ({"kernel_size": 3.0}, TypeError, "kernel_size must be an integer, got 3.0"),
        ({"kernel_size": (3, 3, 3)}, ValueError, "kernel_size must be an integer or [12] int"),
        ({"strides": 0}, ValueError, "strides must be at least 1, got 0"),
        ({"dilation_rate": 0}, ValueError, "dilation_rate must be at least 1, got 0"),
        ({"groups": 0}, ValueError, "groups must be at least 1, got 0"),
        (
            {"filters": 30, "groups": 4},
            ValueError,
            "filters must be divisible by groups, got filters=30, groups=4",
        ),
        ({"padding": 1}, ValueError, 'padding must be one of "valid", "same".*put a ZeroPadding2D'),
        ({"padding": (1, 1)}, ValueError, r"got \(1, 1\)\. For padding by .* ZeroPadding2D"),
        ({"padding": "full"}, ValueError, 'padding must be one of "valid", "same".*got "full"'),
        ({"padding": "vaild"}, ValueError, 'Did you mean "valid"?'),
        (
            {"data_format": "nhwc"},
            ValueError,
            '"channels_last" or "channels_first", got "nhwc". Did you mean "channels_last"?',
        ),
        ({"data_format": "channel_last"}, ValueError, 'Did you mean "channels_last"?'),
    ],
)
def test_bad_arguments(cls, kwargs, error, message):
    with pytest.raises(error, match=f'^{cls.__name__} "conv1": .*{message}'):
        cls(**{"filters": 4, "kernel_size": 3, "name": "conv1", **kwargs})


def test_causal_padding_is_for_sequences():
    with pytest.raises(ValueError, match='padding must be one of "valid", "same", got "causal"'):
        Conv2D(1, 1, padding="causal")


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"activation": "relux"}, 'activation function identifier: relux. Did you mean "relu"?'),
        ({"activation": np.tanh}, "activation function identifier: the gradient of tanh is not"),
        ({"kernel_initializer": "he_norml"}, 'initializer identifier: he_norml.*"he_normal"?'),
        ({"kernel_regularizer": "l3"}, "Could not interpret regularizer identifier: l3"),
        ({"kernel_regularizer": abs}, "a regularizer needs a gradient"),
    ],
)
def test_unknown_names(kwargs, message):
    with pytest.raises(ValueError, match=message):
        Conv2D(1, 1, **kwargs)


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"kernel_size": 0}, ValueError, "kernel_size must be at least 1"),
        ({"depth_multiplier": 0}, ValueError, "depth_multiplier must be at least 1, got 0"),
        ({"depth_multiplier": 1.5}, TypeError, "depth_multiplier must be an integer"),
        ({"padding": 2}, ValueError, "put a ZeroPadding2D layer"),
    ],
)
def test_bad_depthwise_arguments(kwargs, error, message):
    with pytest.raises(error, match=f'^DepthwiseConv2D "d": .*{message}'):
        DepthwiseConv2D(**{"kernel_size": 3, "name": "d", **kwargs})


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"units": 0}, ValueError, "units must be at least 1, got 0"),
        ({"units": 3.0}, TypeError, r"units must be an integer, got 3.0 \(float\)"),
        ({"units": None}, TypeError, "units must be an integer"),
        ({"lora_rank": 4}, ValueError, "lora_rank is not supported, leave it None, got 4"),
        ({"quantization_config": {}}, ValueError, "quantization_config is not supported"),
    ],
)
def test_bad_dense_arguments(kwargs, error, message):
    with pytest.raises(error, match=f'^Dense "d": {message}'):
        Dense(**{"units": 3, "name": "d", **kwargs})


def test_groups_must_divide_the_channels():
    message = r'Conv2D "c": input channels must be divisible by groups, got 7 channels, groups=4'
    with pytest.raises(ValueError, match=message):
        Conv2D(4, 3, groups=4, name="c").build((None, 8, 8, 7))


@pytest.mark.parametrize("layer", [Conv2D(1, 1), DepthwiseConv2D(1)])
def test_channels_must_be_known(layer):
    with pytest.raises(ValueError, match="the size of the last input axis must be known"):
        layer.build((None, 8, 8, None))


def test_dense_after_flatten_of_unknown_size():
    with pytest.raises(ValueError, match=r"got input shape \(None, None\).*GlobalAveragePooling2D"):
        Dense(3).build((None, None))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv2D(1, 5, name="big"), (None, 3, 9, 1)),
        (Conv2D(1, 3, dilation_rate=2, name="big"), (None, 3, 9, 1)),
        (DepthwiseConv2D(5, name="big"), (None, 3, 9, 1)),
    ],
)
def test_kernel_larger_than_the_image(layer, shape):
    message = rf'^{type(layer).__name__} "big": empty output: H=3 .* window height 5\. Use padding='
    with pytest.raises(ValueError, match=message):
        layer.compute_output_shape(shape)
    with pytest.raises(ValueError, match=message):
        layer(np.zeros((1, *shape[1:])))
