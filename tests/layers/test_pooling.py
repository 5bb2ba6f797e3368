"""Pooling: numbers that Keras 3 gives, ties, NaN, arguments."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.layers import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling2D,
)

POOLS = [MaxPooling2D, AveragePooling2D]


def row(*values):
    return np.array(values, np.float32).reshape(1, 1, -1, 1)


def test_padding_never_is_the_maximum():
    y = MaxPooling2D((1, 2), padding="same")(row(-1, -2, -3, -4, -5))
    np.testing.assert_array_equal(y.ravel(), [-1, -3, -5])


def test_padding_does_not_count_in_the_mean():
    y = AveragePooling2D((1, 3), strides=(1, 2), padding="same")(row(1, 2, 3, 4))
    np.testing.assert_array_equal(y.ravel(), [2.0, 3.5])


def test_nan_wins():
    y = MaxPooling2D((1, 2))(row(1, np.nan, 4, 3))
    np.testing.assert_array_equal(y.ravel(), [np.nan, 4])


def test_gradient_goes_to_the_first_maximum():
    x = np.ones((1, 2, 2, 1), np.float32)
    for layer, dy in ((MaxPooling2D(), np.ones((1, 1, 1, 1))), (GlobalMaxPooling2D(), [[1]])):
        _, backward = layer.forward(x, training=True)
        np.testing.assert_array_equal(backward(np.asarray(dy, np.float32)).ravel(), [1, 0, 0, 0])


def test_strides_default_to_the_window():
    assert MaxPooling2D(3).strides == (3, 3)
    assert AveragePooling2D((2, 3)).strides == (2, 3)
    assert MaxPooling2D(np.int64(3), strides=np.int64(1)).strides == (1, 1)


def test_output_shape_of_unknown_size():
    assert MaxPooling2D().compute_output_shape((None, None, 7, 3)) == (None, None, 3, 3)
    assert GlobalAveragePooling2D().compute_output_shape((None, None, None, 3)) == (None, 3)


@pytest.mark.parametrize("cls", POOLS)
@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"pool_size": 0}, ValueError, "pool_size must be at least 1, got 0"),
        ({"pool_size": 2.0}, TypeError, "pool_size must be an integer, got 2.0"),
        ({"pool_size": (2, 2, 2)}, ValueError, "pool_size must be an integer or 2 integers"),
        ({"strides": 0}, ValueError, "strides must be at least 1, got 0"),
        ({"padding": "foo"}, ValueError, 'padding must be one of "valid", "same", got "foo"'),
        ({"padding": 1}, ValueError, "ZeroPadding2D"),
        ({"data_format": "first"}, ValueError, 'one of "channels_last", "channels_first", got "f'),
    ],
)
def test_bad_arguments(cls, kwargs, error, message):
    with pytest.raises(error, match=f'^{cls.__name__} "p": .*{message}'):
        cls(**{"pool_size": 2, "name": "p", **kwargs})


def test_average_pooling_has_no_default_window():
    with pytest.raises(TypeError, match="pool_size"):
        AveragePooling2D()


@pytest.mark.parametrize("cls", POOLS)
def test_window_larger_than_the_image(cls):
    message = rf'{cls.__name__} "p": empty output: W=2 .* window width 3'
    with pytest.raises(ValueError, match=message):
        cls(3, name="p")(np.zeros((1, 4, 2, 1)))


@pytest.mark.parametrize("cls", [GlobalAveragePooling2D, GlobalMaxPooling2D])
def test_global_pooling_of_empty_images(cls):
    with pytest.raises(ValueError, match=r"images must not be empty, got shape \(1, 0, 3, 1\)"):
        cls()(np.zeros((1, 0, 3, 1)))


@pytest.mark.parametrize("cls", [GlobalAveragePooling2D, GlobalMaxPooling2D])
def test_global_pooling_needs_images(cls):
    with pytest.raises(ValueError, match=r"\(batch, height, width, channels\), got \(5, 3\)"):
        cls()(np.zeros((5, 3)))
