"""ImageDataGenerator: what it draws, what it changes, and the batches it gives."""

import itertools
import os
import pickle

import numpy as np
import pytest

from fastconv import layers, models
from fastconv.preprocessing.image import ImageDataGenerator

X = np.random.default_rng(0).integers(0, 256, (10, 6, 6, 3)).astype(np.uint8)
Y = np.arange(10)
ALL = {
    "rotation_range": 20,
    "width_shift_range": 0.2,
    "height_shift_range": 0.2,
    "shear_range": 10,
    "zoom_range": 0.2,
    "channel_shift_range": 20,
    "horizontal_flip": True,
    "vertical_flip": True,
    "brightness_range": (0.5, 1.5),
}


def test_nothing_to_change():
    x, y = ImageDataGenerator().flow(X, Y, batch_size=4, shuffle=False)[1]
    np.testing.assert_array_equal(x, X[4:8])
    np.testing.assert_array_equal(y, Y[4:8])
    assert x.dtype == np.float32


def test_numbers_are_drawn_as_keras_draws_them():
    """One by one, in Keras's order."""
    generator = ImageDataGenerator(**ALL)
    np.random.seed(3)
    drawn = generator.get_random_transform((6, 8, 3))
    rng = np.random.RandomState(3)
    assert drawn["theta"] == rng.uniform(-20, 20)
    assert drawn["tx"] == rng.uniform(-0.2, 0.2) * 6
    assert drawn["ty"] == rng.uniform(-0.2, 0.2) * 8
    assert drawn["shear"] == rng.uniform(-10, 10)
    assert [drawn["zx"], drawn["zy"]] == list(rng.uniform(0.8, 1.2, 2))
    assert drawn["flip_horizontal"] == (rng.random_sample() < 0.5)
    assert drawn["flip_vertical"] == (rng.random_sample() < 0.5)
    assert drawn["channel_shift_intensity"] == rng.uniform(-20, 20)
    assert drawn["brightness"] == rng.uniform(0.5, 1.5)
    assert generator.get_random_transform((6, 8, 3), seed=3) == drawn


def test_batches_are_those_of_keras():
    """The same order and the same changes for a seed, where Keras makes no mistake."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    pytest.importorskip("PIL")
    pytest.importorskip("scipy")
    theirs = pytest.importorskip("keras.src.legacy.preprocessing.image").ImageDataGenerator
    options = {"horizontal_flip": True, "channel_shift_range": 20, "brightness_range": (0.5, 1.5)}
    for make in (ImageDataGenerator, theirs):
        flow = make(**options).flow(X, Y, batch_size=4, seed=5)
        batches = [*itertools.islice(flow, 4), flow[1]]
        if make is ImageDataGenerator:
            ours = batches
    for (x, y), (x2, y2) in zip(ours, batches, strict=True):
        np.testing.assert_array_equal(y, y2)
        np.testing.assert_allclose(x, x2, atol=1e-3)


def test_shifts_by_pixels_and_by_choice():
    for _ in range(20):
        pixels = ImageDataGenerator(height_shift_range=3).get_random_transform((9, 9, 1))
        assert pixels["tx"] in (-2, -1, 0, 1, 2) and pixels["ty"] == 0
        chosen = ImageDataGenerator(width_shift_range=[2, 4]).get_random_transform((9, 9, 1))
        assert abs(chosen["ty"]) in (2, 4)


def test_changes_one_by_one():
    generator = ImageDataGenerator(fill_mode="constant", cval=-1)
    x = np.arange(6, dtype=np.float32).reshape(2, 3, 1)

    def change(**parameters):
        return generator.apply_transform(x, parameters)[..., 0].tolist()

    assert change() == [[0, 1, 2], [3, 4, 5]]
    assert change(tx=1) == [[3, 4, 5], [-1, -1, -1]]
    assert change(ty=1) == [[1, 2, -1], [4, 5, -1]]
    assert change(flip_horizontal=True) == [[2, 1, 0], [5, 4, 3]]
    assert change(flip_vertical=True) == [[3, 4, 5], [0, 1, 2]]
    np.testing.assert_allclose(change(theta=180), [[5, 4, 3], [2, 1, 0]], atol=1e-5)
    assert change(channel_shift_intensity=2) == [[2, 3, 4], [5, 5, 5]]
    assert change(brightness=2) == [[0, 2, 4], [6, 8, 10]]
    np.testing.assert_allclose(change(zx=0.5)[0], [0.5, 1, 1.5])


def test_rotation_shear_and_zoom_are_those_of_scipy():
    """As Keras computes them, for square images, where its centre is right."""
    ndimage = pytest.importorskip("scipy.ndimage")
    x = np.random.default_rng(0).random((7, 7)).astype(np.float32)
    theta, shear, zx, zy = 25.0, 12.0, 0.8, 1.3
    turn, slant = np.deg2rad(theta), np.deg2rad(shear)
    rotate = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = rotate @ [[1, -np.sin(slant)], [0, np.cos(slant)]] @ np.diag([zx, zy])
    matrix = matrix[::-1, ::-1]  # from (x, y) to rows and columns
    offset = np.array([3, 3]) - matrix @ [3, 3]
    for order in (0, 1):
        expected = ndimage.affine_transform(x, matrix, offset, order=order, mode="nearest")
        generator = ImageDataGenerator(interpolation_order=order)
        ours = generator.apply_transform(
            x[..., None], {"theta": theta, "shear": shear, "zx": zx, "zy": zy}
        )
        np.testing.assert_allclose(ours[..., 0], expected, atol=1e-5)


def test_standardize():
    x = X.astype(np.float32)
    np.testing.assert_allclose(ImageDataGenerator(rescale=1 / 255).standardize(x), x / 255)
    doubled = ImageDataGenerator(preprocessing_function=lambda image: image * 2, rescale=0.5)
    np.testing.assert_allclose(doubled.standardize(x), x)
    y = ImageDataGenerator(samplewise_std_normalization=True).standardize(x[0])
    assert abs(y.mean()) < 1e-5 and y.std() == pytest.approx(1, rel=1e-4)
    generator = ImageDataGenerator(featurewise_std_normalization=True)
    with pytest.warns(UserWarning, match=r"no effect before fit\(x_train\)"):
        np.testing.assert_array_equal(generator.standardize(x), x)
    generator.fit(X)
    y = generator.standardize(x)
    np.testing.assert_allclose(y.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(y.std((0, 1, 2)), 1, rtol=1e-4)
    generator.fit(X, augment=True, rounds=2, seed=1)


def test_flow_is_repeatable():
    def batches(seed):
        flow = ImageDataGenerator(**ALL).flow(X, Y, batch_size=4, seed=seed)
        return list(itertools.islice(flow, 7))

    for (x, y), (x2, y2) in zip(batches(5), batches(5), strict=True):
        np.testing.assert_array_equal(x, x2)
        np.testing.assert_array_equal(y, y2)
    assert not np.array_equal(batches(5)[0][1], batches(6)[0][1])
    np.random.seed(9)
    one = batches(None)
    np.random.seed(9)
    np.testing.assert_array_equal(one[3][0], batches(None)[3][0])


def test_flow_gives_each_sample_once_in_an_epoch():
    flow = ImageDataGenerator(horizontal_flip=True).flow(X, Y, batch_size=4, seed=1)
    assert len(flow) == 3 and iter(flow) is flow
    first = [next(flow)[1] for _ in range(3)]
    second = [next(flow)[1] for _ in range(3)]
    assert sorted(np.concatenate(first)) == sorted(np.concatenate(second)) == list(Y)
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))
    by_number = [flow[i][1] for i in range(3)]
    assert sorted(np.concatenate(by_number)) == list(Y)
    flow.on_epoch_end()
    with pytest.raises(IndexError, match="there are 3 batches, got index 3"):
        flow[3]
    assert len(pickle.loads(pickle.dumps(flow))[0]) == 2


def test_flow_of_parts_and_weights():
    generator = ImageDataGenerator(validation_split=0.3)
    y = np.arange(10) % 2
    train = generator.flow(X, y, shuffle=False, subset="training")
    seen = generator.flow(X, y, subset="validation", shuffle=False)
    np.testing.assert_array_equal(train[0][0], X[3:])
    np.testing.assert_array_equal(seen[0][0], X[:3])
    weighted = generator.flow(X, Y, sample_weight=Y / 10, shuffle=False)[0]
    np.testing.assert_array_equal(weighted[2], Y / 10)
    assert generator.flow(X, shuffle=False)[0].shape == X.shape
    with pytest.warns(UserWarning, match="do not have the same classes"):
        generator.flow(X, Y, subset="training")


@pytest.fixture
def folder(tmp_path):
    image = pytest.importorskip("PIL.Image")
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        for i in range(5):
            image.fromarray(X[i]).save(tmp_path / name / f"{i}.png")
    return tmp_path


def test_flow_from_directory(folder, capsys):
    generator = ImageDataGenerator(rescale=1 / 255, validation_split=0.4)
    flow = generator.flow_from_directory(folder, target_size=(6, 6), shuffle=False, batch_size=4)
    assert capsys.readouterr().out == "Found 10 images belonging to 2 classes.\n"
    assert flow.class_indices == {"a": 0, "b": 1} and flow.samples == 10
    assert flow.filenames[:2] == ["a/0.png", "a/1.png"]
    x, y = flow[0]
    np.testing.assert_allclose(x, X[:4] / np.float32(255), rtol=1e-6)
    np.testing.assert_array_equal(y, np.eye(2)[[0, 0, 0, 0]])
    options = {"target_size": (6, 6), "shuffle": False}
    part = generator.flow_from_directory(
        folder, subset="validation", class_mode="binary", **options
    )
    assert part.filenames == ["a/0.png", "a/1.png", "b/0.png", "b/1.png"]
    np.testing.assert_array_equal(part[0][1], [0, 0, 1, 1])
    alone = generator.flow_from_directory(folder, class_mode=None, **options)[0]
    assert alone.shape == (10, 6, 6, 3)
    same = generator.flow_from_directory(folder, class_mode="input", **options)[0]
    np.testing.assert_array_equal(*same)


def test_save_to_dir(tmp_path):
    pytest.importorskip("PIL")
    flow = ImageDataGenerator().flow(X, batch_size=3, save_to_dir=tmp_path, save_prefix="p")
    next(flow)
    assert len(list(tmp_path.glob("p_*.png"))) == 3


def test_fit_a_model():
    model = models.Sequential(
        [layers.Input((6, 6, 3)), layers.Flatten(), layers.Dense(10, activation="softmax")]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    generator = ImageDataGenerator(rescale=1 / 255, **ALL)
    flow = generator.flow(X, Y, batch_size=4, seed=1)
    history = model.fit(flow, epochs=2, steps_per_epoch=len(flow), verbose=0)
    assert len(history.history["loss"]) == 2
    # Iterating over it never ends, but an epoch does.
    assert len(model.fit(flow, epochs=2, verbose=0).history["loss"]) == 2
    assert model.predict(flow, verbose=0).shape == (10, 10)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ImageDataGenerator(fill_mode="mirror"), ValueError, "fill_mode must be one of"),
        (lambda: ImageDataGenerator(zoom_range=(1, 2, 3)), ValueError, "zoom_range must be two"),
        (lambda: ImageDataGenerator(brightness_range=2), ValueError, "brightness_range must be"),
        (lambda: ImageDataGenerator(rotation_range="a"), TypeError, "rotation_range must be a"),
        (lambda: ImageDataGenerator(validation_split=2), ValueError, r"in \[0, 1\], got 2"),
        (lambda: ImageDataGenerator(interpolation_order=3), ValueError, "must be 0 or 1, got 3"),
        (lambda: ImageDataGenerator(zca_whitening=True), ValueError, "not supported"),
        (lambda: ImageDataGenerator().flow(X[0]), ValueError, r"Use x\[\.\.\., None\]"),
        (lambda: ImageDataGenerator().flow(X, Y[1:]), ValueError, "the same length, got 10 and 9"),
        (lambda: ImageDataGenerator().flow(X, sample_weight=Y), ValueError, "needs y"),
        (lambda: ImageDataGenerator().flow(X, subset="training"), ValueError, "validation_split"),
        (lambda: ImageDataGenerator().flow(X, batch_size=0), ValueError, "batch_size must be at"),
        (lambda: ImageDataGenerator().fit(X[0]), ValueError, "x must have shape"),
        (
            lambda: ImageDataGenerator().flow_from_directory(".", class_mode="one-hot"),
            ValueError,
            "class_mode must be one of",
        ),
    ],
)
def test_wrong_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
