"""Flatten, Reshape, ZeroPadding2D, Rescaling, Input and the activation layers."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import backend, layers

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def test_flatten():
    np.testing.assert_array_equal(layers.Flatten()(X), X.reshape(2, 12))
    assert layers.Flatten()(np.ones(5)).shape == (5, 1)
    assert layers.Flatten().compute_output_shape((None, None, 7, 3)) == (None, None)


def test_reshape():
    np.testing.assert_array_equal(layers.Reshape((2, -1))(X), X.reshape(2, 2, 6))
    shape = layers.Reshape((-1, 2)).compute_output_shape((None, None, 4))
    assert shape == (None, None, 2)
    assert layers.Reshape((np.int64(12),)).target_shape == (12,)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ((5,), r"target_shape \(5,\) must hold the 12 numbers of a sample"),
        ((5, -1), r"target_shape \(5, -1\) must hold the 12 numbers of a sample"),
        ((-1, -1), "at most one -1"),
        ((0, 12), "target_shape must be positive"),
        ((-2, 6), "target_shape must be at least -1, got -2"),
        (12, "target_shape must be a tuple of integers, got 12"),
    ],
)
def test_bad_reshape(target, message):
    with pytest.raises(ValueError, match=f'^Reshape "r": .*{message}'):
        layers.Reshape(target, name="r")(X)


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        (2, ((2, 2), (2, 2))),
        (np.int64(2), ((2, 2), (2, 2))),
        ((1, 2), ((1, 1), (2, 2))),
        ([[1, 0], [2, 3]], ((1, 0), (2, 3))),
        (0, ((0, 0), (0, 0))),
    ],
)
def test_zero_padding(padding, expected):
    layer = layers.ZeroPadding2D(padding)
    assert layer.padding == expected
    x = np.ones((1, 2, 3, 1), np.float32)
    np.testing.assert_array_equal(layer(x), np.pad(x, ((0, 0), *expected, (0, 0))))


def test_zero_padding_of_unknown_size():
    layer = layers.ZeroPadding2D(((1, 0), (2, 3)))
    assert layer.compute_output_shape((None, 4, None, 3)) == (None, 5, None, 3)


@pytest.mark.parametrize(
    ("padding", "error", "message"),
    [
        ((1, 2, 3), ValueError, "padding must be an integer, .* got 3 entries"),
        (-1, ValueError, "padding of the height must be at least 0, got -1"),
        (((1, 2), (1, 2, 3)), ValueError, "padding of the width must be an integer or 2 integers"),
        ("same", TypeError, "padding of the height must be an integer, got 'same'"),
        (1.5, TypeError, "padding of the height must be an integer, got 1.5"),
    ],
)
def test_bad_zero_padding(padding, error, message):
    with pytest.raises(error, match=f'^ZeroPadding2D "z": {message}'):
        layers.ZeroPadding2D(padding, name="z")


def test_rescaling():
    x = np.array([[0, 127.5, 255]])
    np.testing.assert_allclose(layers.Rescaling(1 / 127.5, offset=-1)(x), [[-1, 0, 1]], atol=1e-6)
    np.testing.assert_allclose(
        layers.Rescaling(np.array([1, 2, 3]), [0, 0, 1])(np.ones((1, 3), np.uint8)), [[1, 2, 4]]
    )


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [("1/255", TypeError, "must be a number, got str"), (np.inf, ValueError, "must be finite")],
)
def test_bad_rescaling(scale, error, message):
    with pytest.raises(error, match=f'^Rescaling "r": scale {message}'):
        layers.Rescaling(scale, name="r")


def test_input():
    backend.clear_session()
    tensor = layers.Input((28, 28, 1))
    assert isinstance(tensor, layers.KerasTensor)
    assert (tensor.shape, tensor.dtype) == ((None, 28, 28, 1), "float32")
    assert (tensor.name, tensor.ndim) == ("input_layer", 4)
    layer = layers.InputLayer(input_tensor=tensor)
    assert (layer.batch_shape, layer.name) == (tensor.shape, "input_layer")
    assert layer.batch_input_shape == layer.batch_shape
    assert layers.Input(batch_shape=[np.int64(2), None]).shape == (2, None)
    assert layers.Input((3,), batch_size=np.int32(4), dtype=np.uint8).shape == (4, 3)
    assert layers.Input((3,), dtype="uint8", name="img").dtype == "uint8"
    assert layers.Input(()).shape == (None,)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({}, "give either shape or batch_shape"),
        ({"shape": (3,), "batch_shape": (None, 3)}, "give either shape or batch_shape"),
        ({"shape": 8}, r"shape must be a tuple of integers, e.g. \(8,\), got 8"),
        ({"shape": "8"}, "shape must be a tuple of integers, got '8'"),
        ({"batch_shape": (None, 3), "batch_size": 4}, "batch_size goes with shape"),
        ({"shape": (3,), "sparse": True}, "sparse is not supported, leave it False"),
        ({"shape": (3,), "ragged": True}, "ragged is not supported"),
        ({"shape": (3,), "dtype": "string"}, "dtype must be a real NumPy type"),
        ({"shape": (3,), "dtype": "floaty"}, "dtype must be a real NumPy type, got 'floaty'"),
    ],
)
def test_bad_input(kwargs, message):
    with pytest.raises(ValueError, match=f'^InputLayer "i": {message}'):
        layers.Input(name="i", **kwargs)


def test_input_layer_checks_shapes():
    layer = layers.InputLayer((8, None), name="i")
    assert layer(np.ones((3, 8, 5))).shape == (3, 8, 5)
    message = r'InputLayer "i": input must have shape \(None, 8, None\), got \(3, 9, 5\)'
    with pytest.raises(ValueError, match=message):
        layer(np.ones((3, 9, 5)))
    with pytest.raises(ValueError, match=r"got \(3, 8\)"):
        layer(np.ones((3, 8)))


def test_keras_tensor_has_no_values():
    tensor = layers.Input((3,))
    with pytest.raises(ValueError, match="is symbolic: it has a shape but no values"):
        np.array(tensor)
    with pytest.raises(TypeError, match="no truth value"):
        bool(tensor)


def test_relu_with_all_its_arguments():
    layer = layers.ReLU(max_value=2, negative_slope=0.5, threshold=1)
    np.testing.assert_array_equal(layer([-2, 0, 0.5, 1.5, 3]), [-1.5, -0.5, -0.25, 1.5, 2])
    np.testing.assert_array_equal(layers.ReLU()([-1, np.nan, np.inf]), [0, np.nan, np.inf])


def test_leaky_relu():
    np.testing.assert_allclose(layers.LeakyReLU()([-2, 1]), [-0.6, 1])
    with pytest.warns(DeprecationWarning, match="alpha is deprecated, it is called negative_slope"):
        assert layers.LeakyReLU(alpha=0.2).negative_slope == 0.2


def test_softmax_along_an_axis():
    np.testing.assert_allclose(layers.Softmax(axis=1)(X).sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(layers.Softmax()([0, 0]), [0.5, 0.5])
    with pytest.raises(ValueError, match=r"axis must name axes of the input, .* got axis=3"):
        layers.Softmax(axis=3)(X)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: layers.ReLU(max_value=-1), "max_value must be at least 0"),
        (lambda: layers.ReLU(negative_slope=-0.1), "negative_slope must be at least 0"),
        (lambda: layers.ReLU(threshold=-1), "threshold must be at least 0"),
        (lambda: layers.LeakyReLU(-0.1), "negative_slope must be at least 0"),
        (lambda: layers.Activation("relux"), 'relux. Did you mean "relu"?'),
    ],
)
def test_bad_activation_layers(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_backend_settings():
    assert backend.epsilon() == 1e-7
    backend.set_epsilon(1e-3)
    assert backend.epsilon() == 1e-3
    backend.set_epsilon(1e-7)
    with pytest.raises(ValueError, match="set_epsilon: value must be positive"):
        backend.set_epsilon(0)
    assert backend.floatx() == "float32"
    backend.set_floatx("float32")
    with pytest.raises(ValueError, match='set_floatx: value must be "float32"'):
        backend.set_floatx("float16")
    assert backend.image_data_format() == "channels_last"
    with pytest.raises(ValueError, match='data_format must be one of "channels_last"'):
        backend.set_image_data_format("channels")
    backend.set_image_data_format("channels_first")
    try:
        assert backend.image_data_format() == "channels_first"
        assert layers.Conv1D(1, 1).data_format == "channels_first"
        assert layers.Flatten().data_format == "channels_first"
        assert layers.Conv2D(1, 1, data_format="channels_last").data_format == "channels_last"
    finally:
        backend.set_image_data_format("channels_last")
