"""utils: one-hot labels, normalization, seeding."""

import random

import numpy as np
import pytest

from fastconv.utils import normalize, set_random_seed, to_categorical

# to_categorical


@pytest.mark.parametrize(
    "labels",
    [
        [0, 2, 1],
        np.array([0, 2, 1], np.uint8),
        np.array([0, 2, 1], ">i2"),
        np.array([0.0, 2.0, 1.0], np.float32),
        np.array([[0], [2], [1]]),
    ],
    ids=["list", "uint8", "big-endian", "float32", "column"],
)
def test_to_categorical_values(labels):
    y = to_categorical(labels)
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, [[1, 0, 0], [0, 0, 1], [0, 1, 0]])


@pytest.mark.parametrize(
    ("labels", "num_classes", "shape"),
    [
        (3, None, (4,)),
        ([0, 1], 5, (2, 5)),
        ([0, 1], np.int64(5), (2, 5)),
        ([[0, 1], [2, 0]], None, (2, 2, 3)),
        ([[[0], [1]]], None, (1, 2, 2)),
        ([0], None, (1, 1)),
        ([[0]], None, (1, 1)),
        ([], 3, (0, 3)),
        (np.zeros((0, 1), int), 3, (0, 3)),
        ([True, False], None, (2, 2)),
    ],
)
def test_to_categorical_shape(labels, num_classes, shape):
    y = to_categorical(labels, num_classes)
    assert y.shape == shape
    np.testing.assert_array_equal(y.sum(-1), np.ones(shape[:-1]))


def test_to_categorical_keeps_its_input():
    labels = np.array([1, 0])
    to_categorical(labels)
    np.testing.assert_array_equal(labels, [1, 0])


@pytest.mark.parametrize(
    ("labels", "num_classes", "message"),
    [
        ([0, -1], None, "class numbers start at 0, got -1 at index 1"),
        ([0, 1.7], None, "class numbers must be whole, got 1.7 at index 1"),
        ([0, np.nan], None, "class numbers must be whole, got nan at index 1"),
        ([np.inf], None, "class numbers must be whole, got inf at index 0"),
        ([0, 5], 3, r"num_classes=3 allows 0 .. 2, got 5 at index 1\.$"),
        ([1, 2, 3], 3, "got 3 at index 2. Labels that start at 1"),
        ([[0, 1], [7, 1]], 3, r"got 7 at index \(1, 0\)"),
        (9, 3, r"got 9\.$"),
        ([], None, "num_classes must be given"),
        ([0], 0, "num_classes must be at least 1"),
    ],
)
def test_to_categorical_wrong_labels(labels, num_classes, message):
    with pytest.raises(ValueError, match=message):
        to_categorical(labels, num_classes)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["cat", "dog"], "got dtype <U3; encode them"),
        ([1j], "dtype complex128"),
        ([None], "object"),
    ],
)
def test_to_categorical_wrong_type(labels, message):
    with pytest.raises(TypeError, match=message):
        to_categorical(labels)


# normalize


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
def test_normalize(rng, axis, order):
    x = rng.normal(size=(3, 4, 5)).astype(np.float32)
    y = normalize(x, axis, order)
    assert y.dtype == np.float32
    length = np.linalg.norm(y.astype(np.float64), order, axis)
    np.testing.assert_allclose(length, np.ones_like(length), rtol=1e-6)
    np.testing.assert_allclose(y * np.linalg.norm(x, order, axis, keepdims=True), x, rtol=1e-5)


def test_normalize_square_matrix_along_columns():
    np.testing.assert_array_equal(normalize([[3, 0], [4, 2]], axis=0), [[0.6, 0], [0.8, 1]])


def test_normalize_zeros_and_integers():
    y = normalize(np.array([[0, 0], [0, 5]], np.uint8))
    assert y.dtype == np.float64
    np.testing.assert_array_equal(y, [[0, 0], [0, 1]])


@pytest.mark.parametrize("axis", [2, -3])
def test_normalize_axis_out_of_range(axis):
    with pytest.raises(ValueError, match="normalize: axis must be"):
        normalize(np.ones((2, 2)), axis)


@pytest.mark.parametrize(("x", "axis"), [(["a"], -1), ([1j], -1), ([1.0], None), ([1.0], 0.5)])
def test_normalize_wrong_type(x, axis):
    with pytest.raises(TypeError, match="normalize: "):
        normalize(x, axis)


# set_random_seed


@pytest.fixture
def _restore_generators():
    python, numpy = random.getstate(), np.random.get_state()
    yield
    random.setstate(python)
    np.random.set_state(numpy)


@pytest.mark.usefixtures("_restore_generators")
@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1, np.int64(7)])
def test_set_random_seed(seed):
    draws = []
    for _ in range(2):
        set_random_seed(seed)
        draws.append((random.random(), *np.random.permutation(20)))
    assert draws[0] == draws[1]


@pytest.mark.parametrize("seed", ["a", 1.5, None, True, -1, 2**32])
def test_set_random_seed_wrong(seed):
    with pytest.raises(ValueError, match="set_random_seed: seed must be"):
        set_random_seed(seed)
