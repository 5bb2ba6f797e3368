"""Layers that move, pool and enlarge in one to three dimensions: values, formats, messages."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import backend, layers

RANKS = (1, 2, 3)


def volume(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def moved(x, first):
    return np.ascontiguousarray(np.moveaxis(x, -1, 1)) if first else x


#: Layers of one rank: name without "1D", arguments, with channels.
BOTH_FORMATS = {
    "Conv": {"filters": 4, "kernel_size": 2, "activation": "relu"},
    "AveragePooling": {"pool_size": 2},
    "MaxPooling": {"pool_size": 2, "padding": "same"},
    "GlobalAveragePooling": {},
    "GlobalMaxPooling": {"keepdims": True},
    "AdaptiveMaxPooling": {"output_size": 2},
    "ZeroPadding": {"padding": 1},
}


@pytest.mark.parametrize("rank", RANKS)
@pytest.mark.parametrize("name", BOTH_FORMATS)
def test_channels_first_is_channels_last_with_moved_axes(rng, name, rank):
    cls = getattr(layers, f"{name}{rank}D")
    x = rng.standard_normal((*(2, 5, 4, 3)[: rank + 1], 2)).astype(np.float32)
    last, first = (
        cls(**BOTH_FORMATS[name], data_format=data_format, name="layer")
        for data_format in backend._DATA_FORMATS
    )
    last.build(x.shape)
    first.build(moved(x, True).shape)
    first.set_weights(last.get_weights())
    y, backward = last.forward(x, training=True)
    z, first_backward = first.forward(moved(x, True), training=True)
    np.testing.assert_array_equal(z, moved(y, y.ndim > 2))
    assert z.shape == first.compute_output_shape(moved(x, True).shape)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dz = first_backward(moved(dy, y.ndim > 2))
    np.testing.assert_array_equal(dz, moved(backward(dy), True))
    for a, b in zip(last.weights, first.weights, strict=True):
        np.testing.assert_array_equal(a.grad, b.grad)


def test_flatten_gives_the_same_row_in_both_formats():
    x = volume(2, 3, 4, 5)
    flat = layers.Flatten(data_format="channels_first")(moved(x, True))
    np.testing.assert_array_equal(flat, x.reshape(2, -1))
    assert layers.Flatten(data_format="channels_first")(np.ones(3)).shape == (3, 1)


def test_softmax_of_a_convolution_runs_along_the_last_axis_as_in_keras():
    x = np.random.default_rng(1).standard_normal((1, 2, 3, 4)).astype(np.float32)
    layer = layers.Conv2D(5, 1, activation="softmax", data_format="channels_first")
    np.testing.assert_allclose(layer(x).sum(axis=-1), 1, rtol=1e-6)


#: what: (layer, input, output)
VALUES = {
    "bilinear": (layers.UpSampling2D((1, 2), interpolation="bilinear"),
                 volume(1, 1, 4, 1), [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]),
    "nearest": (layers.UpSampling2D((2, 1)), volume(1, 2, 2, 1), [0, 1, 0, 1, 2, 3, 2, 3]),
    "nearest sequence": (layers.UpSampling1D(3), volume(1, 2, 1), [0, 0, 0, 1, 1, 1]),
    "nearest volume": (layers.UpSampling3D((2, 1, 1)), volume(1, 1, 2, 2, 1), [0, 1, 2, 3] * 2),
    "crop sequence": (layers.Cropping1D((1, 2)), volume(1, 5, 1), [1, 2]),
    "crop image": (layers.Cropping2D(((1, 0), (0, 1))), volume(1, 2, 3, 1), [3, 4]),
    "crop volume": (layers.Cropping3D(), volume(1, 3, 3, 3, 1), [13]),
    "pad sequence": (layers.ZeroPadding1D((1, 2)), volume(1, 2, 1) + 1, [0, 1, 2, 0, 0]),
    "pad volume": (layers.ZeroPadding3D(((1, 0), (0, 0), (0, 1))), np.ones((1, 1, 1, 1, 1)),
                   [0, 0, 1, 0]),
    "permute": (layers.Permute((2, 1)), volume(1, 2, 3), [0, 3, 1, 4, 2, 5]),
    "repeat": (layers.RepeatVector(2), volume(1, 3), [0, 1, 2, 0, 1, 2]),
    "adaptive average": (layers.AdaptiveAveragePooling1D(3), volume(1, 5, 1) + 1, [1.5, 3, 4.5]),
    "adaptive average, more": (layers.AdaptiveAveragePooling1D(5), volume(1, 3, 1) + 1,
                               [1, 1.5, 2, 2.5, 3]),
    "adaptive maximum": (layers.AdaptiveMaxPooling1D(3), volume(1, 5, 1), [1, 3, 4]),
    "average without padding": (layers.AveragePooling1D(3, strides=2, padding="same"),
                                volume(1, 4, 1) + 1, [2, 3.5]),
    "average volume": (layers.AveragePooling3D(2), volume(1, 2, 2, 2, 1), [3.5]),
    "maximum volume": (layers.MaxPooling3D(2, strides=1, padding="same"), volume(1, 1, 2, 2, 1),
                       [3, 3, 3, 3]),
    "global average": (layers.GlobalAveragePooling3D(), volume(1, 2, 2, 2, 1), [3.5]),
    "global maximum": (layers.GlobalMaxPooling1D(), -volume(1, 4, 1), [0]),
}  # fmt: skip


@pytest.mark.parametrize("what", VALUES)
def test_values(what):
    layer, x, expected = VALUES[what]
    np.testing.assert_allclose(layer(x).ravel(), expected, rtol=1e-6)


def test_masked_steps_do_not_count():
    x = volume(2, 3, 2)
    layer = layers.GlobalAveragePooling1D()
    assert layer.uses_mask
    mask = np.array([[True, False, True], [False, False, True]])
    y, backward = layer.forward(x, training=True, mask=mask)
    np.testing.assert_array_equal(y, [[2, 3], [10, 11]])
    dx = backward(np.ones((2, 2), np.float32))
    np.testing.assert_array_equal(dx[..., 0], [[0.5, 0, 0.5], [0, 0, 1]])


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("Convolution3D", "Conv3D"),
        ("Convolution2DTranspose", "Conv2DTranspose"),
        ("SeparableConvolution2D", "SeparableConv2D"),
        ("AvgPool1D", "AveragePooling1D"),
        ("MaxPool3D", "MaxPooling3D"),
        ("GlobalAvgPool1D", "GlobalAveragePooling1D"),
        ("GlobalMaxPool3D", "GlobalMaxPooling3D"),
    ],
)
def test_aliases_are_the_same_class(alias, name):
    assert getattr(layers, alias) is getattr(layers, name)
    assert layers.registry.table()[alias] is getattr(layers, name)


def test_numpy_integers_and_lists_are_sizes():
    assert layers.UpSampling1D(np.int64(3)).size == 3
    assert layers.UpSampling1D((2,)).size == 2
    assert layers.Conv3D(np.int64(2), [3, np.int32(2), 1]).kernel_size == (3, 2, 1)
    assert layers.ZeroPadding2D(np.int64(2)).padding == ((2, 2), (2, 2))
    assert layers.Permute(np.array([2, 1])).dims == (2, 1)


def build(layer, *shape):
    return lambda: layer().compute_output_shape((None, *shape))


L = layers
#: what: (call, error, message)
WRONG = {
    "volume of two numbers": (lambda: L.Conv3D(1, (3, 3)), ValueError,
                              r"kernel_size must be an integer or 3 integers, got \(3, 3\)"),
    "transposed filters": (lambda: L.Conv2DTranspose(4.0, 3), TypeError,
                           r"filters must be an integer, got 4.0"),
    "transposed padding": (lambda: L.Conv2DTranspose(4, 3, padding="causal"), ValueError,
                           r'padding must be one of "valid", "same", got "causal"'),
    "output_padding": (lambda: L.Conv2DTranspose(4, 3, strides=2, output_padding=2), ValueError,
                       r"output_padding must be less than strides"),
    "transposed groups": (lambda: L.Conv2DTranspose(4, 3, groups=2), ValueError,
                          r"Unrecognized keyword arguments passed to Conv2DTranspose.*groups"),
    "separable filters": (lambda: L.SeparableConv2D(0, 3), ValueError, r"filters must.*got 0"),
    "multiplier": (lambda: L.SeparableConv1D(1, 3, depth_multiplier=0), ValueError,
                   r"depth_multiplier must be at least 1"),
    "pool padding": (lambda: L.MaxPooling3D(padding="foo"), ValueError, r"padding must be one of"),
    "pool strides": (lambda: L.AveragePooling1D(2, strides=0), ValueError, r"strides must"),
    "no pool size": (lambda: L.AveragePooling3D(), TypeError, r"pool_size"),
    "no output size": (lambda: L.AdaptiveMaxPooling2D(0), ValueError, r"output_size must.*got 0"),
    "format": (lambda: L.MaxPooling1D(data_format="nchw"), ValueError, r'"channels_first"\?'),
    "interpolation": (lambda: L.UpSampling2D(interpolation="bilinaer"), ValueError,
                      r'interpolation must be one of.*Did you mean "bilinear"'),
    "upsampling": (lambda: L.UpSampling3D((2, 2)), ValueError, r"size must be an integer or 3"),
    "crop of three": (lambda: L.Cropping2D((1, 2, 3)), ValueError, r"cropping must.*3 entries"),
    "negative crop": (lambda: L.Cropping1D(-1), ValueError, r"cropping of the length must.*-1"),
    "padding of a word": (lambda: L.ZeroPadding2D("same"), TypeError, r"padding of the height"),
    "permutation": (lambda: L.Permute((1, 3)), ValueError, r"dims must be a permutation of 1"),
    "permutation of a number": (lambda: L.Permute(2), ValueError, r"dims must be a tuple"),
    "repetition": (lambda: L.RepeatVector(0), ValueError, r"n must be at least 1"),
    "repeated image": (build(lambda: L.RepeatVector(2), 3, 3), ValueError,
                       r"input must have shape \(batch, features\)"),
    "axes to permute": (build(lambda: L.Permute((2, 1)), 3), ValueError, r"2 more axes"),
    "all cropped": (build(lambda: L.Cropping2D(2), 4, 9, 1), ValueError, r"cropping must leave"),
    "sequence too short": (build(lambda: L.Conv1D(1, 5), 3, 2), ValueError,
                           r'Conv1D ".*": empty output: L=3 .* window length 5\. Use padding='),
    "pool too large": (build(lambda: L.MaxPooling3D((1, 1, 5)), 3, 3, 3, 1), ValueError,
                       r'MaxPooling3D ".*": empty output: W=3 .* width 5'),
    "not a volume": (build(lambda: L.Conv3D(1, 1), 3, 3, 1), ValueError,
                     r"\(batch, depth, height, width, channels\)"),
    "not a volume, channels first": (
        build(lambda: L.Conv3D(1, 1, data_format="channels_first"), 3, 3, 1), ValueError,
        r"\(batch, channels, depth, height, width\)"),
    "unknown channels": (
        lambda: L.Conv2D(1, 1, data_format="channels_first").build((None, None, 4, 4)),
        ValueError, r"the size of input axis 1 must be known"),
    "empty": (build(lambda: L.GlobalMaxPooling1D(), 0, 2), ValueError, r"must not be empty"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_are_explained(what):
    call, error, message = WRONG[what]
    with pytest.raises(error, match=message):
        call()


def test_channels_of_the_other_format_are_recognised():
    layer = layers.Conv2D(1, 1, data_format="channels_first")
    layer.build((None, 3, 8, 8))
    with pytest.raises(ValueError, match=r"input axis 1 must have size 3.*channels-last data"):
        layer(np.ones((2, 8, 8, 3)))
    layer = layers.Conv2D(1, 1)
    layer.build((None, 8, 8, 3))
    with pytest.raises(ValueError, match=r"last input axis must have size 3.*channels-first data"):
        layer(np.ones((2, 3, 8, 8)))
