"""Normalization of samples, noise, Embedding, Masking, Lambda, wrappers: numbers and arguments."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fastconv import layers, ops
from fastconv.layers import Dense, Embedding, Lambda, TimeDistributed, Wrapper
from fastconv.models import Sequential

X = np.array([[1, 2, 3, 6], [-1, 0, 4, 1]], np.float32)

#: Keras 3.15 on X.
KERAS = [
    (
        layers.LayerNormalization(),
        [[-1.0688922, -0.53444612, 0.0, 1.6033384], [-1.0688922, -0.53444612, 1.6033384, 0.0]],
    ),
    (
        layers.GroupNormalization(2),
        np.multiply([[-1, 1, -1, 1], [-1, 1, 1, -1]], [0.998006, 0.998006, 0.9997779, 0.9997779]),
    ),
    (
        layers.RMSNormalization(),
        [[0.2828427, 0.56568539, 0.84852809, 1.6970562], [-0.47140446, 0, 1.8856179, 0.47140446]],
    ),
    (
        layers.UnitNormalization(),
        [[0.14142136, 0.28284273, 0.42426407, 0.84852815], [-0.2357023, 0, 0.942809, 0.2357023]],
    ),
]


@pytest.mark.parametrize(("layer", "expected"), KERAS, ids=lambda v: getattr(v, "name", ""))
def test_numbers_of_keras(layer, expected):
    np.testing.assert_allclose(layer(X), expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("cls", "kwargs", "shape"),
    [
        (layers.LayerNormalization, {"axis": (1, 2)}, (6, 3, 4, 5)),
        (layers.GroupNormalization, {"groups": 2}, (6, 3, 4, 6)),
        (layers.RMSNormalization, {}, (6, 3, 5)),
        (layers.UnitNormalization, {}, (6, 3, 5)),
        (layers.BatchNormalization, {"axis": 1}, (6, 3, 5)),
        (layers.PReLU, {}, (6, 3, 5)),
    ],
)
def test_a_sample_does_not_depend_on_its_batch(cls, kwargs, shape):
    layer = cls(**kwargs)
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    whole = layer(x)
    for part in (slice(0, 1), slice(2, 5)):
        np.testing.assert_array_equal(layer(x[part]), whole[part])


def test_unit_normalization_of_zeros():
    layer = layers.UnitNormalization()
    np.testing.assert_array_equal(layer(np.zeros((2, 3))), np.zeros((2, 3)))
    y, backward = layer.forward(np.zeros((2, 3), np.float32), training=True)
    assert np.isfinite(backward(np.ones_like(y))).all()


ONES = np.ones((50, 20, 10), np.float32)


def test_spatial_dropout_drops_channels():
    for layer, x in (
        (layers.SpatialDropout1D(0.5, seed=1), ONES),
        (layers.SpatialDropout2D(0.5, seed=1), ONES[:, :, None]),
        (layers.SpatialDropout3D(0.5, seed=1), ONES[:, :, None, None]),
    ):
        y = layer(x, training=True)
        assert set(np.unique(y)) == {0, 2}
        assert (y == y[:, :1]).all()
        assert 0.3 < (y == 0).mean() < 0.7
        assert layer(x) is not x and (layer(x) == x).all()


def test_spatial_dropout_of_channels_first():
    layer = layers.SpatialDropout2D(0.5, data_format="channels_first", seed=1)
    y = layer(np.ones((4, 8, 3, 3)), training=True)
    assert (y == y[:, :, :1, :1]).all() and set(np.unique(y)) == {0, 2}


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=(1000, 200)).astype(np.float32)
    layer = layers.AlphaDropout(0.3, seed=1)
    y, backward = layer.forward(x, training=True)
    assert abs(y.mean()) < 0.01 and abs(y.std() - 1) < 0.01
    values, counts = np.unique(y, return_counts=True)
    dropped = values[counts.argmax()]
    a = (0.7 * (1 + 0.3 * 1.7580993408473766**2)) ** -0.5
    b = a * 1.7580993408473766 * 0.3
    assert dropped == pytest.approx(-a * 1.7580993408473766 + b, rel=1e-6)
    assert (y == dropped).mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(y[y != dropped], a * x[y != dropped] + b, rtol=1e-4, atol=1e-5)
    dx = backward(np.ones_like(y))
    np.testing.assert_allclose(np.unique(dx), [0, a], rtol=1e-6)


def test_gaussian_noise():
    x = np.full((1000, 100), 2, np.float32)
    noise = layers.GaussianNoise(0.5, seed=1)
    y, backward = noise.forward(x, training=True)
    assert y.mean() == pytest.approx(2, abs=0.01) and y.std() == pytest.approx(0.5, rel=0.02)
    np.testing.assert_array_equal(backward(x), x)
    factor = layers.GaussianDropout(0.2, seed=1)
    y, backward = factor.forward(x, training=True)
    assert y.mean() == pytest.approx(2, abs=0.01) and y.std() == pytest.approx(1, rel=0.02)
    np.testing.assert_array_equal(backward(x), y)
    assert (noise(x) == x).all() and (factor(x) == x).all()


@pytest.mark.parametrize("cls", [layers.GaussianNoise, layers.GaussianDropout, layers.AlphaDropout])
def test_noise_follows_the_seed(cls):
    x = np.ones((5, 5), np.float32)
    first, second, other = cls(0.5, seed=1), cls(0.5, seed=1), cls(0.5, seed=2)
    a, b = first(x, training=True), first(x, training=True)
    assert (a != b).any()
    np.testing.assert_array_equal(second(x, training=True), a)
    np.testing.assert_array_equal(second(x, training=True), b)
    assert (other(x, training=True) != a).any()


def test_activity_regularization():
    layer = layers.ActivityRegularization(l1=0.5, l2=0.25)
    np.testing.assert_array_equal(layer(X), X)
    assert layer.activity_regularizer(X) == pytest.approx(0.5 * 18 + 0.25 * 68)


def test_masking():
    x = np.array([[[1, 2], [7, 7], [7, 3]], [[7, 7], [0, 0], [np.nan, 7]]], np.float32)
    layer = layers.Masking(7)
    np.testing.assert_array_equal(layer.compute_mask(x), [[True, False, True], [False, True, True]])
    y, backward = layer.forward(x, training=True)
    np.testing.assert_array_equal(y[0], [[1, 2], [0, 0], [7, 3]])
    np.testing.assert_array_equal(backward(np.ones_like(x))[1], [[0, 0], [1, 1], [1, 1]])


def test_embedding():
    layer = Embedding(5, 3, mask_zero=True)
    x = np.array([[1, 4], [0, 1]])
    y = layer(x)
    assert y.shape == (2, 2, 3) == layer.compute_output_shape((2, 2))
    np.testing.assert_array_equal(y, layer.embeddings.value[x])
    np.testing.assert_array_equal(layer.compute_mask(x), x != 0)
    assert Embedding(5, 3).compute_mask(x) is None
    _, backward = layer.forward(x.astype(np.float32), training=True)
    dy = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    assert not backward(dy).any() and backward(dy, need_dx=False) is None
    expected = np.zeros((5, 3))
    np.add.at(expected, x, 2 * dy)
    np.testing.assert_array_equal(layer.embeddings.grad, expected)
    assert layer(np.zeros((0, 2))).shape == (0, 2, 3)
    table = np.arange(6).reshape(2, 3)
    np.testing.assert_array_equal(Embedding(2, 3, weights=[table])([1, 0]), table[::-1])
    with pytest.warns(DeprecationWarning, match="input_length is deprecated, it is not needed"):
        Embedding(5, 3, input_length=4)


@pytest.mark.parametrize("index", [-1, 5, 1.5, np.nan, np.inf])
def test_embedding_of_no_index(index):
    message = r'Embedding "e": indices must be integers in \[0, 5\), got .*, and 1 wrong'
    with pytest.raises(ValueError, match=message):
        Embedding(5, 2, name="e")(np.array([[1, index]]))


def test_lambda():
    layer = Lambda(lambda x, factor: x * factor, arguments={"factor": 3})
    np.testing.assert_array_equal(layer(X), 3 * X)
    assert layer.compute_output_shape((None, 7, None, 2)) == (None, 7, None, 2)
    assert Lambda(lambda x: x.mean(axis=1)).compute_output_shape((None, None, 3)) == (None, 3)
    assert Lambda(lambda x: x, output_shape=(4,)).compute_output_shape((None, 3)) == (None, 4)
    given = Lambda(lambda x: x, output_shape=lambda shape: (shape[0], 9))
    assert given.compute_output_shape((None, 3)) == (None, 9)
    seen = Lambda(lambda x, training: x + training)
    np.testing.assert_array_equal(seen(X, training=True), X + 1)
    np.testing.assert_array_equal(seen(X), X)


def test_gradient_of_lambda():
    y, backward = Lambda(lambda x: x * 3, name="l").forward(X, training=True)
    assert backward(y, need_dx=False) is None
    with pytest.raises(ValueError, match=r'Lambda "l": the gradient of its function is not known'):
        backward(y)
    known = Lambda(lambda x: x * 3, gradient=lambda dy, x, y: dy * 3)
    np.testing.assert_array_equal(known.forward(X, training=True)[1](X), 3 * X)
    from fastconv.activations import tanh

    y, backward = Lambda(tanh).forward(X, training=True)
    np.testing.assert_array_equal(backward(y), ops.activation_backward(y, None, y, "tanh"))


def test_config_of_lambda_never_becomes_code():
    from fastconv.activations import relu

    again = layers.deserialize(layers.serialize(Lambda(relu, name="l")))
    np.testing.assert_array_equal(again(X), np.maximum(X, 0))
    written = json.loads(json.dumps(layers.serialize(Lambda(lambda x: x + 1))))
    assert written["config"]["function"]["class_name"] == "__lambda__"
    with pytest.raises(ValueError, match="Lambda: the function of this layer is code"):
        layers.deserialize(written)


def test_time_distributed():
    layer = TimeDistributed(Dense(2, activation="softmax"), name="t")
    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    y = layer(x)
    np.testing.assert_array_equal(y, layer.layer(x))
    assert [v.name for v in layer.weights] == ["kernel", "bias"]
    assert layer.activation_name == "softmax"
    bare = layer.without_activation()
    np.testing.assert_array_equal(layers.Softmax()(bare(x)), y)
    layer.trainable = False
    assert layer.layer.trainable is False and layer.trainable_weights == []
    with pytest.raises(ValueError, match=r'TimeDistributed "t": input must have shape \(batch, st'):
        TimeDistributed(Dense(2), name="t").build((None, 5))


def test_time_distributed_model():
    steps = layers.TimeDistributed(Sequential([layers.Conv2D(2, 3), layers.Flatten()]))
    model = Sequential([layers.Input((3, 6, 6, 1)), steps, layers.Flatten(), Dense(2)])
    x = np.random.default_rng(0).normal(size=(4, 3, 6, 6, 1)).astype(np.float32)
    again = Sequential.from_config(json.loads(json.dumps(model.get_config())))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(x), model(x))
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(x, np.ones((4, 2)), verbose=0)
    assert all((a != b.value).any() for a, b in zip(before, model.weights, strict=True))


def test_wrapper_keeps_what_the_layer_is():
    frozen = Dense(2, trainable=False)
    assert not Wrapper(frozen).layer.trainable
    assert not Wrapper(Dense(2), trainable=False).layer.trainable
    wrapper = Wrapper(Dense(2, activity_regularizer="l2", kernel_regularizer="l1"))
    wrapper.build((None, 3))
    assert wrapper.activity_regularizer is wrapper.layer.activity_regularizer
    assert "activity_regularizer" not in wrapper.get_config()
    assert wrapper.regularization_loss() > 0
    assert wrapper.count_params() == 8
    with pytest.raises(ValueError, match=r"layer must be a layer, got Dense. Did you forget the"):
        Wrapper(Dense)
    with pytest.raises(ValueError, match="TimeDistributed: layer must be a layer, got int"):
        TimeDistributed(3)


def test_spectral_normalization():
    layer = layers.SpectralNormalization(Dense(3), power_iterations=50)
    layer(X)
    layer.kernel.assign(np.random.default_rng(0).normal(size=(4, 3)))
    before = layer.kernel.numpy()
    layer(X)
    np.testing.assert_array_equal(layer.kernel.value, before)
    layer(X, training=True)
    singular = np.linalg.svd(layer.kernel.value, compute_uv=False)
    assert singular[0] == pytest.approx(1, rel=1e-4)
    assert [v.name for v in layer.weights] == ["kernel", "vector_u", "bias"]
    assert [v.name for v in layer.trainable_weights] == ["kernel", "bias"]
    layer.kernel.assign(np.zeros((4, 3)))
    assert np.isfinite(layer(X, training=True)).all()
    with pytest.raises(ValueError, match="the layer must have a kernel or embeddings"):
        layers.SpectralNormalization(layers.ReLU()).build((None, 3))


@pytest.mark.parametrize("name", ["LSTM", "GRU", "MultiHeadAttention", "Bidirectional"])
def test_layers_that_are_out_of_scope(name):
    with pytest.raises(AttributeError, match=f"{name} is out of scope"):
        getattr(layers, name)
    assert not hasattr(layers, name)
    with pytest.raises(ImportError, match=f"{name} is out of scope"):
        exec(f"from fastconv.layers import {name}")
    with pytest.raises(ValueError, match=f"{name} is out of scope"):
        layers.deserialize({"class_name": name, "config": {}})
    assert not hasattr(layers, "Conv4D")


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.GaussianNoise(2), ValueError, r"stddev must be in \[0, 1\], got 2"),
        (lambda: layers.GaussianDropout(1), ValueError, "rate must be below 1"),
        (lambda: layers.AlphaDropout(30), ValueError, "Did you mean 0.3"),
        (lambda: layers.SpatialDropout2D(0.5)(ONES), ValueError, "input must have shape of images"),
        (lambda: layers.GroupNormalization(0), ValueError, "groups must be positive, or -1"),
        (lambda: layers.GroupNormalization(3)(X), ValueError, "4 channels must be divisible by gr"),
        (lambda: layers.GroupNormalization(1, axis=0)(X), ValueError, "must not be the batch axis"),
        (lambda: layers.LayerNormalization(axis=[]), ValueError, "axis must name at least one"),
        (lambda: layers.LayerNormalization(axis="x"), TypeError, "axis must be an integer"),
        (lambda: layers.LayerNormalization(axis=(1, -1))(X), ValueError, "each once, got axis"),
        (lambda: layers.LayerNormalization(rms_scaling=True), ValueError, "rms_scaling is not sup"),
        (
            lambda: layers.LayerNormalization().build((None, None)),
            ValueError,
            r"size of input axes \[1\] must be known",
        ),
        (lambda: layers.PReLU(shared_axes=3)(X), ValueError, "shared_axes must be below 2"),
        (lambda: layers.PReLU(shared_axes=[0]), ValueError, "shared_axes must be at least 1"),
        (lambda: Embedding(0, 3), ValueError, "input_dim must be at least 1"),
        (lambda: Embedding(2**24 + 1, 3), ValueError, r"input_dim must be at most 2\*\*24"),
        (lambda: Embedding(3, 4, lora_rank=2), ValueError, "lora_rank is not supported"),
        (lambda: Lambda(3), TypeError, "function must be callable, got int"),
        (lambda: Lambda(lambda x: x @ 3)(X), ValueError, "the function failed on zeros of shape"),
        (lambda: layers.Masking("0"), TypeError, "mask_value must be a number"),
        (lambda: layers.SpectralNormalization(Dense(2), 0), ValueError, "at least 1, got 0"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
