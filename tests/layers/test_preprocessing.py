"""Layers that prepare and vary images: what is random, what is not, and what Keras answers."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fastconv import layers
from fastconv.layers.preprocessing import geometry

IMAGES = np.random.default_rng(0).uniform(0, 255, (40, 8, 6, 3)).astype(np.float32)
LABELS = np.eye(5, dtype=np.float32)[np.arange(40) % 5]

RANDOM = [
    (layers.CutMix, {}),
    (layers.MixUp, {}),
    (layers.RandomBrightness, {"factor": 0.5}),
    (layers.RandomContrast, {"factor": 0.5}),
    (layers.RandomErasing, {}),
    (layers.RandomFlip, {}),
    (layers.RandomRotation, {"factor": 0.2}),
    (layers.RandomTranslation, {"height_factor": 0.2, "width_factor": 0.2}),
    (layers.RandomZoom, {"height_factor": 0.3}),
]
SIZES = [
    (layers.CenterCrop, {"height": 4, "width": 3}),
    (layers.RandomCrop, {"height": 4, "width": 3, "seed": 1}),
    (layers.Resizing, {"height": 4, "width": 3}),
]
IDS = [cls.__name__ for cls, _ in RANDOM]


@pytest.fixture(scope="module")
def keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


# All random layers


@pytest.mark.parametrize(("cls", "kwargs"), RANDOM, ids=IDS)
class TestEveryRandomLayer:
    def test_the_same_seed_gives_the_same_bits(self, cls, kwargs):
        one, two = cls(**kwargs, seed=7), cls(**kwargs, seed=7)
        first = one(IMAGES)
        np.testing.assert_array_equal(first, two(IMAGES))
        assert not np.array_equal(first, one(IMAGES)), "the second call is another one"
        assert not np.array_equal(first, cls(**kwargs, seed=8)(IMAGES))

    def test_calls_are_active_unless_told_otherwise(self, cls, kwargs):
        layer = cls(**kwargs, seed=1)
        assert not np.array_equal(layer(IMAGES), IMAGES)
        assert not np.array_equal(layer(IMAGES, training=True), IMAGES)
        np.testing.assert_array_equal(layer(IMAGES, training=False), IMAGES)
        np.testing.assert_array_equal(layer.forward(IMAGES)[0], IMAGES)

    def test_shapes_types_and_ranges(self, cls, kwargs):
        layer = cls(**kwargs, seed=1)
        before = IMAGES.copy()
        y = layer(IMAGES.astype(np.uint8))
        assert y.shape == IMAGES.shape and y.dtype == np.float32
        assert y.min() >= 0 and y.max() <= 255
        single = layer(IMAGES[0])
        assert single.shape == IMAGES.shape[1:]
        assert layer.compute_output_shape((8, 6, 3)) == (8, 6, 3)
        np.testing.assert_array_equal(IMAGES, before)

    def test_channels_first(self, cls, kwargs):
        turned = IMAGES.transpose(0, 3, 1, 2)
        layer = cls(**kwargs, seed=7, data_format="channels_first")
        y, backward = layer.forward(np.ascontiguousarray(turned), training=True)
        assert y.flags.c_contiguous and backward(y).shape == turned.shape
        np.testing.assert_array_equal(y.transpose(0, 2, 3, 1), cls(**kwargs, seed=7)(IMAGES))

    def test_a_dict_changes_as_its_images_do(self, cls, kwargs):
        data = {"images": IMAGES, "labels": LABELS, "segmentation_masks": IMAGES[..., :1]}
        result = cls(**kwargs, seed=7)(data)
        assert sorted(result) == sorted(data) and data["images"] is IMAGES
        np.testing.assert_array_equal(result["images"], cls(**kwargs, seed=7)(IMAGES))
        assert result["segmentation_masks"].shape == IMAGES[..., :1].shape
        assert result["labels"].shape == LABELS.shape
        quiet = cls(**kwargs, seed=7)(data, training=False)
        for key, value in data.items():
            np.testing.assert_array_equal(quiet[key], value)

    def test_wrong_input(self, cls, kwargs):
        layer = cls(**kwargs)
        with pytest.raises(ValueError, match=r"have shape \(batch, height, width, channels\)"):
            layer(np.zeros((3, 4)))
        with pytest.raises(ValueError, match="a dict must have images"):
            layer({"image": IMAGES})
        with pytest.raises(ValueError, match=r"segmentation_masks, got .*boxes"):
            layer({"images": IMAGES, "boxes": 0})
        with pytest.raises(TypeError, match="seed must be an integer"):
            cls(**kwargs, seed="a")


# RandomFlip


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_flip_turns_half_of_the_images_over(mode):
    x = np.random.default_rng(1).random((400, 3, 3, 1)).astype(np.float32)
    y = layers.RandomFlip(mode, seed=5)(x)
    axes = {"horizontal": 2, "vertical": 1, "horizontal_and_vertical": (1, 2)}[mode]
    kept = (y == x).all((1, 2, 3))
    flipped = (y == np.flip(x, axes)).all((1, 2, 3))
    assert (kept ^ flipped).all()
    assert 160 < flipped.sum() < 240


# Rotation, translation, zoom


def test_rotation_is_counter_clockwise():
    x = np.arange(9, dtype=np.float32).reshape(1, 3, 3, 1)
    y = layers.RandomRotation((0.25, 0.25))(x)
    np.testing.assert_allclose(y[0, :, :, 0], np.rot90(x[0, :, :, 0]), atol=1e-4)


def test_translation_is_down_and_to_the_right():
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    y = layers.RandomTranslation((0.25, 0.25), (0.5, 0.5), fill_mode="constant", fill_value=9)(x)
    expected = np.full((4, 4), 9.0)
    expected[1:, 2:] = x[0, :-1, :-2, 0]
    np.testing.assert_array_equal(y[0, :, :, 0], expected)


def test_negative_zoom_goes_in():
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 4, 1)
    y = layers.RandomZoom((-0.5, -0.5))(x)
    np.testing.assert_allclose(y.ravel(), [0.75, 1.25, 1.75, 2.25])


def test_zoom_keeps_proportions_unless_it_is_given_a_width():
    shape = (100, 5, 5, 1)
    rng = np.random.default_rng(0)
    both = layers.RandomZoom((-0.5, 0.5)).sample(rng, shape)
    np.testing.assert_array_equal(both[:, 0, 0], both[:, 1, 1])
    apart = layers.RandomZoom(0.0, (0.1, 0.3)).sample(rng, shape)
    assert (apart[:, 1, 1] == 1).all()
    assert apart[:, 0, 0].min() >= 1.1 and apart[:, 0, 0].max() <= 1.3


def test_factors_are_drawn_from_the_whole_range():
    layer = layers.RandomTranslation(0.5, (0.0, 0.25))
    drawn = layer.sample(np.random.default_rng(0), (2000, 10, 20, 1))
    right, down = -drawn[:, 0, 2], -drawn[:, 1, 2]
    assert -5 <= down.min() < -4.9 and 4.9 < down.max() <= 5
    assert 0 <= right.min() < 0.1 and 4.9 < right.max() <= 5


def test_masks_never_mix_values():
    masks = np.random.default_rng(0).integers(0, 3, (20, 8, 6, 1))
    layer = layers.RandomRotation(0.3, seed=1)
    result = layer({"images": IMAGES[:20], "segmentation_masks": masks})
    assert set(np.unique(result["segmentation_masks"])) <= {0, 1, 2}


# Colors


def test_contrast_of_a_number_only_grows():
    layer = layers.RandomContrast(0.5, seed=1)
    assert layer.factor == (0, 0.5)
    drawn = layer.sample(np.random.default_rng(0), (500, 1, 1, 1))
    assert drawn.min() >= 1 and 1.45 < drawn.max() <= 1.5
    drawn = layers.RandomContrast((0.2, 0.4)).sample(np.random.default_rng(0), (500, 1, 1, 1))
    assert 0.8 <= drawn.min() < 0.85 and 1.35 < drawn.max() <= 1.4


def test_brightness_adds_one_number_to_an_image():
    x = np.full((50, 4, 4, 3), 100, np.float32)
    y = layers.RandomBrightness(0.1, seed=1)(x)
    added = y[:, 0, 0, 0] - 100
    np.testing.assert_array_equal(y, np.broadcast_to(y[:, :1, :1, :1], y.shape))
    assert -25.5 <= added.min() < -20 and 20 < added.max() <= 25.5
    low = layers.RandomBrightness((-1, -1), value_range=(0, 1))(x / 255)
    assert (low == 0).all()


# Sizes


def test_center_crop_rounds_down():
    x = np.arange(5, dtype=np.float32).reshape(1, 1, 5, 1)
    np.testing.assert_array_equal(layers.CenterCrop(1, 2)(x).ravel(), [1, 2])
    assert layers.CenterCrop(3, 4).compute_output_shape((None, None, None, 3)) == (None, 3, 4, 3)


@pytest.mark.parametrize(("cls", "kwargs"), SIZES)
def test_sizes_with_channels_first(cls, kwargs):
    layer = cls(**kwargs, data_format="channels_first")
    assert layer.compute_output_shape((None, 3, 8, None)) == (None, 3, 4, 3)
    y = layer(IMAGES.transpose(0, 3, 1, 2), training=False)
    np.testing.assert_array_equal(y.transpose(0, 2, 3, 1), cls(**kwargs)(IMAGES, training=False))


def test_crop_is_random_in_training_only_and_one_size_always():
    layer = layers.RandomCrop(4, 3, seed=1)
    offsets = set()
    for _ in range(60):
        y = layer(IMAGES)
        found = [
            (i, j)
            for i in range(5)
            for j in range(4)
            if np.array_equal(y, IMAGES[:, i : i + 4, j : j + 3])
        ]
        assert len(found) == 1, "one place for the whole batch"
        offsets.update(found)
    assert len(offsets) > 15 and {i for i, _ in offsets} == set(range(5))
    assert {j for _, j in offsets} == set(range(4))
    quiet = layer(IMAGES, training=False)
    np.testing.assert_array_equal(quiet, layers.Resizing(4, 3, crop_to_aspect_ratio=True)(IMAGES))


def test_crop_of_images_that_are_too_small():
    y = layers.RandomCrop(16, 3)(IMAGES)
    np.testing.assert_array_equal(y, layers.Resizing(16, 3, crop_to_aspect_ratio=True)(IMAGES))
    same = layers.RandomCrop(8, 6)(IMAGES)
    np.testing.assert_array_equal(same, IMAGES)


# Erasing, MixUp, CutMix


def test_erasing_fills_a_rectangle():
    x = np.ones((200, 20, 30, 1), np.float32)
    y = layers.RandomErasing((1, 1), (0.25, 0.25), fill_value=7, seed=1)(x)
    assert set(np.unique(y)) == {1, 7}
    erased = (y == 7)[..., 0]
    rows, columns = erased.any(2).sum(1), erased.any(1).sum(1)
    assert set(rows) <= {10, 11} and set(columns) <= {15, 16}
    np.testing.assert_array_equal(erased.sum((1, 2)), rows * columns)
    probable = layers.RandomErasing(0.5, fill_value=7, seed=1)(x)
    assert 20 < (probable == 7).any((1, 2, 3)).sum() < 80  # about a quarter


def test_mix_up_mixes_images_and_labels_alike():
    x = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None, None], (5, 2, 2, 1))
    result = layers.MixUp(1.0, seed=3)({"images": x, "labels": np.eye(5)})
    y, labels = result["images"], result["labels"]
    np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-6)
    np.testing.assert_allclose(y[:, 0, 0, 0], labels @ np.arange(5), rtol=1e-5)
    assert 0 < labels.max() < 1 or (labels > 0).sum() > 5


def test_cut_mix_labels_count_pixels():
    x = np.broadcast_to(np.arange(5, dtype=np.float32)[:, None, None, None], (5, 10, 10, 1))
    result = layers.CutMix(seed=3)({"images": x, "labels": np.eye(5)})
    for image, label in zip(result["images"], result["labels"], strict=True):
        shares = np.bincount(image.astype(int).ravel(), minlength=5) / 100
        np.testing.assert_allclose(label, shares, atol=1e-6)


@pytest.mark.parametrize("cls", [layers.MixUp, layers.CutMix])
def test_mixed_labels_are_one_hot(cls):
    with pytest.raises(ValueError, match=r"labels must be one-hot, of shape \(40, classes\)"):
        cls()({"images": IMAGES, "labels": np.arange(40)})


# Normalization


def test_normalization_adapts_to_arrays_and_batches():
    data = np.random.default_rng(0).normal(5, 3, (100, 4, 3))
    whole, parts, tuples = (layers.Normalization() for _ in range(3))
    whole.adapt(data)
    parts.adapt([data[:30], data[30:]])
    tuples.adapt((data[i : i + 7], 0) for i in range(0, 100, 7))
    for layer in (whole, parts, tuples):
        mean, variance, count = layer.get_weights()
        np.testing.assert_allclose(mean, data.mean((0, 1)), rtol=1e-6)
        np.testing.assert_allclose(variance, data.var((0, 1)), rtol=1e-6)
        assert count.shape == ()
    y = whole(data)
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-6)
    np.testing.assert_allclose(y.std((0, 1)), 1, rtol=1e-5)
    back = layers.Normalization(invert=True)
    back.adapt(data)
    np.testing.assert_allclose(back(y), data, rtol=1e-4, atol=1e-4)


def test_normalization_adapts_anew_and_to_large_numbers():
    layer = layers.Normalization(axis=None)
    layer.adapt([1.0, 2.0])
    layer.adapt(np.float32([1e4, 1e4 + 1, 1e4 + 2]))
    mean, variance, _ = layer.get_weights()
    assert mean == 1e4 + 1 and variance == pytest.approx(2 / 3, rel=1e-6)


def test_normalization_without_data_warns_once():
    layer = layers.Normalization()
    x = np.ones((2, 3), np.float32)
    with pytest.warns(UserWarning, match=r"has seen no data .*adapt\(x_train\)"):
        np.testing.assert_array_equal(layer(x), x)
    layer(x)
    layers.Normalization(mean=0, variance=1)(x)


@pytest.mark.parametrize(
    ("kwargs", "shape", "message"),
    [
        ({"mean": 1}, None, "mean and variance must be given together"),
        ({"mean": [1, 2], "variance": 1}, None, r"the same shape, .*\(2,\) and \(\)"),
        ({"mean": [1], "variance": [1], "axis": None}, None, r"at most 0 axes"),
        ({"axis": 3}, (None, 4), r"axis must be in \[-2, 2\)"),
        ({}, (None, None), "must be known"),
        ({"mean": [1, 2], "variance": [1, 2]}, (None, 3), r"mean has shape \(2,\)"),
    ],
)
def test_normalization_wrong_arguments(kwargs, shape, message):
    with pytest.raises(ValueError, match=message):
        layers.Normalization(**kwargs).build(shape)


def test_normalization_wrong_data():
    layer = layers.Normalization()
    with pytest.raises(ValueError, match="adapt got no data"):
        layer.adapt([])
    with pytest.raises(TypeError, match="real numbers, got dtype <U1"):
        layer.adapt(np.array(["a"]))
    layer.adapt(np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"mean has shape \(4,\)"):
        layer.adapt(np.ones((3, 5)))
    with pytest.raises(ValueError, match="nothing to do"):
        layers.Normalization(mean=0, variance=1).adapt(np.ones((3, 4)))


# Constructors


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.RandomFlip("diagonal"), ValueError, 'mode must be one of "horizontal"'),
        (lambda: layers.RandomRotation(2), ValueError, r"factor must be in \[-1, 1\], got 2"),
        (lambda: layers.RandomRotation("0.1"), TypeError, "factor must be a number"),
        (lambda: layers.RandomRotation((0.1, 0.2, 0.3)), ValueError, "a number or two numbers"),
        (lambda: layers.RandomRotation(0.1, fill_mode="mirror"), ValueError, "fill_mode must be"),
        (lambda: layers.RandomRotation(0.1, interpolation="cubic"), ValueError, "interpolation"),
        (lambda: layers.RandomZoom(-1), ValueError, "must be more than -1"),
        (lambda: layers.RandomZoom((-1, 0)), ValueError, "height_factor must be more than -1"),
        (lambda: layers.RandomTranslation(0.1, 3), ValueError, "width_factor must be in"),
        (lambda: layers.RandomContrast(-0.1), ValueError, r"factor must be in \[0, 1\]"),
        (lambda: layers.RandomContrast(0.1, value_range=(1, 1)), ValueError, "two different"),
        (lambda: layers.RandomBrightness(0.1, value_range=3), ValueError, "two numbers, got 3"),
        (lambda: layers.RandomErasing(scale=2), ValueError, r"scale must be in \[0, 1\]"),
        (lambda: layers.RandomErasing(fill_value=(1, 2)), ValueError, "one or three numbers"),
        (lambda: layers.Resizing(0, 4), ValueError, "height must be at least 1, got 0"),
        (lambda: layers.Resizing(2, 4.0), TypeError, "width must be an integer"),
        (lambda: layers.Resizing(2, 2, "cubic"), ValueError, 'one of "bilinear", .*"cubic"'),
        (lambda: layers.Resizing(2, 2, fill_mode="reflect"), ValueError, "fill_mode must be"),
        (
            lambda: layers.Resizing(2, 2, "bilinear", True, True),
            ValueError,
            "only one of crop_to_aspect_ratio and pad_to_aspect_ratio",
        ),
        (lambda: layers.CenterCrop(2, -1), ValueError, "width must be at least 1"),
        (lambda: layers.RandomCrop(2, None), TypeError, "width must be an integer"),
        (lambda: layers.MixUp(alpha=0), ValueError, "alpha must be positive, got 0"),
        (lambda: layers.CutMix(factor=1.5), ValueError, r"factor must be in \[0, 1\]"),
        (lambda: layers.RandomFlip(foo=1), ValueError, "Unrecognized keyword arguments"),
    ],
)
def test_wrong_constructor_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


# Keras itself, for what is not random


def rows_to_matrices(rows):
    return np.asarray(rows)[:, :6].reshape(-1, 2, 3)


def test_matrices_are_those_of_keras(keras):
    angle = np.float32([10, -33, 170])
    zeros, ones = np.zeros(3, np.float32), np.ones(3, np.float32)
    theirs = keras.layers.RandomRotation(0.1)._compute_affine_matrix(
        0.5, 0.5, angle, zeros, zeros, ones, zeros, zeros, height=7, width=10
    )
    ours = geometry.rotation(np.deg2rad(angle), 7, 10)
    np.testing.assert_allclose(ours, rows_to_matrices(theirs), atol=1e-5)
    zooms = np.float32([[0.5, 1.2], [1.1, 0.7]])
    theirs = keras.layers.RandomZoom(0.1)._get_zoom_matrix(zooms, 7, 10)
    ours = geometry.zoom(zooms[:, 0], zooms[:, 1], 7, 10)
    np.testing.assert_allclose(ours, rows_to_matrices(theirs), atol=1e-5)
    theirs = keras.layers.RandomTranslation(0.1, 0.1)._get_translation_matrix(zooms)
    ours = geometry.translation(zooms[:, 0], zooms[:, 1])
    np.testing.assert_allclose(ours, rows_to_matrices(theirs), atol=1e-6)


def test_colors_are_those_of_keras(keras):
    x = IMAGES[:5]
    factor = np.linspace(0.5, 1.5, 5, dtype=np.float32).reshape(5, 1, 1, 1)
    theirs = keras.layers.RandomContrast(0.5).transform_images(x, {"contrast_factor": factor})
    ours, _ = layers.RandomContrast(0.5).vary(x, factor)
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-3)
    delta = (factor - 1) * 255
    theirs = keras.layers.RandomBrightness(0.5).transform_images(x, {"rgb_delta": delta})
    ours, _ = layers.RandomBrightness(0.5).vary(x, delta)
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=1e-3)


@pytest.mark.parametrize(("cls", "kwargs"), [*RANDOM, *SIZES, (layers.Normalization, {})])
def test_configs_are_those_of_keras(keras, cls, kwargs):
    theirs = getattr(keras.layers, cls.__name__)(**kwargs, name="a").get_config()
    ours = cls(**kwargs, name="a").get_config()
    assert set(ours) == set(theirs)
    for key in set(ours) - {"dtype", "height_factor", "width_factor"}:
        same = ours[key] == theirs[key] or list(ours[key]) == list(theirs[key])
        assert same, (key, ours[key], theirs[key])


def test_normalization_is_that_of_keras(keras):
    for axis in (-1, None, (1, 3), 2):
        theirs, ours = keras.layers.Normalization(axis=axis), layers.Normalization(axis=axis)
        theirs.adapt(IMAGES)
        ours.adapt(IMAGES)
        np.testing.assert_allclose(ours(IMAGES), np.asarray(theirs(IMAGES)), atol=2e-5)
        assert [v.shape for v in ours.weights] == [v.shape for v in theirs.weights]


def test_gradient_of_a_rotation_is_turned_back():
    layer = layers.RandomRotation((0.25, 0.25))
    x = np.zeros((1, 3, 3, 1), np.float32)
    _, backward = layer.forward(x, training=True)
    dy = np.arange(9, dtype=np.float32).reshape(x.shape)
    np.testing.assert_allclose(backward(dy)[0, :, :, 0], np.rot90(dy[0, :, :, 0], -1), atol=1e-4)


@pytest.mark.parametrize("size", [(5, 5), (12, 7), (3, 11), (8, 6), (1, 1), (9, 5)])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"interpolation": "nearest"},
        {"interpolation": "bicubic", "antialias": True},
        {"crop_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True, "fill_value": 7},
    ],
    ids=str,
)
def test_sizes_are_those_of_keras(keras, size, options):
    theirs = keras.layers.Resizing(*size, **options)(IMAGES)
    ours = layers.Resizing(*size, **options)(IMAGES)
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=2e-3)
    theirs = keras.layers.CenterCrop(*size)(IMAGES)
    np.testing.assert_allclose(layers.CenterCrop(*size)(IMAGES), np.asarray(theirs), atol=2e-3)
