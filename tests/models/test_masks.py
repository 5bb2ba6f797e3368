"""Masks in losses and metrics: what is masked does not count. Numbers of Keras on TensorFlow."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import layers, losses, optimizers
from fastconv.models import Model, Sequential

from ..literals.networks import numbers

IDS = np.array([[1, 2, 3, 0, 0], [5, 4, 3, 2, 1], [2, 0, 0, 0, 0], [0, 0, 0, 0, 0]], np.int32)
LABELS = np.arange(20).reshape(4, 5) * 7 % 3
WEIGHTS = np.abs(numbers(9, 4, 5))
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]


def series():
    x = numbers(7, 4, 5, 3)
    x[0, 3:] = x[2, 1:] = x[3] = 0
    return x


def model(kind, reduction="sum_over_batch_size", ignored=None):
    if kind == "masking":
        i = layers.Input((5, 3))
        x = layers.Masking()(i)
    else:
        i = layers.Input((5,), dtype="int32")
        x = layers.Embedding(6, 3, mask_zero=True)(i)
    x = layers.Dense(4, activation="tanh")(x)
    m = Model(i, layers.Dense(3, activation="softmax")(x))
    m.set_weights([numbers(seed, *w.shape) for seed, w in enumerate(m.weights)])
    if ignored is None:
        loss = losses.CategoricalCrossentropy(reduction=reduction)
        m.compile(optimizers.SGD(0.5), loss, metrics=["accuracy", "mse"], weighted_metrics=["mae"])
    else:
        loss = losses.SparseCategoricalCrossentropy(ignore_class=ignored, reduction=reduction)
        m.compile(optimizers.SGD(0.5), loss, metrics=["accuracy"])
    return m


#: What makes the mask, reduction, ignored class, whether steps have weights; loss and metrics, and
#: the sum of the weights' magnitudes after a step.
CASES = [
    ("masking", "sum_over_batch_size", None, False, [1.11011, 0.33333, 0.22534, 0.44027], 7.47355),
    ("masking", "sum_over_batch_size", None, True, [0.22254, 0.33333, 0.22534, 0.41399], 7.5692),
    ("masking", "sum_over_batch_size", 1, False, [1.27279, 0.33333], 7.3812),
    ("masking", "sum_over_batch_size", 1, True, [0.19205, 0.33333], 7.47295),
    ("masking", "sum", None, False, [9.99099, 0.33333, 0.22534, 0.44027], 7.60405),
    ("masking", "sum", None, True, [2.00286, 0.33333, 0.22534, 0.41399], 7.9467),
    ("masking", "sum", 1, False, [7.63672, 0.33333], 9.81509),
    ("masking", "sum", 1, True, [1.15231, 0.33333], 7.50772),
    (
        "masking",
        "mean_with_sample_weight",
        None,
        False,
        [1.11011, 0.33333, 0.22534, 0.44027],
        7.47355,
    ),
    (
        "masking",
        "mean_with_sample_weight",
        None,
        True,
        [0.99824, 0.33333, 0.22534, 0.41399],
        7.73368,
    ),
    ("masking", "mean_with_sample_weight", 1, False, [1.27279, 0.33333], 7.3812),
    ("masking", "mean_with_sample_weight", 1, True, [1.24813, 0.33333], 7.51119),
    (
        "embedding",
        "sum_over_batch_size",
        None,
        False,
        [1.12549, 0.33333, 0.22784, 0.44945],
        11.76029,
    ),
    (
        "embedding",
        "sum_over_batch_size",
        None,
        True,
        [0.24494, 0.33333, 0.22784, 0.44389],
        11.86583,
    ),
    ("embedding", "sum_over_batch_size", 1, False, [1.13557, 0.33333], 11.72906),
    ("embedding", "sum_over_batch_size", 1, True, [0.16779, 0.33333], 11.86924),
    ("embedding", "sum", None, False, [10.12945, 0.33333, 0.22784, 0.44945], 11.27586),
    ("embedding", "sum", None, True, [2.20443, 0.33333, 0.22784, 0.44389], 11.85185),
    ("embedding", "sum", 1, False, [6.81344, 0.33333], 13.17875),
    ("embedding", "sum", 1, True, [1.00673, 0.33333], 11.8701),
    (
        "embedding",
        "mean_with_sample_weight",
        None,
        False,
        [1.12549, 0.33333, 0.22784, 0.44945],
        11.76029,
    ),
    (
        "embedding",
        "mean_with_sample_weight",
        None,
        True,
        [1.0987, 0.33333, 0.22784, 0.44389],
        11.85458,
    ),
    ("embedding", "mean_with_sample_weight", 1, False, [1.13557, 0.33333], 11.72906),
    ("embedding", "mean_with_sample_weight", 1, True, [1.09045, 0.33333], 11.87019),
]


@pytest.mark.parametrize(("kind", "reduction", "ignored", "weighted", "logs", "magnitude"), CASES)
def test_numbers_of_keras(kind, reduction, ignored, weighted, logs, magnitude):
    m = model(kind, reduction, ignored)
    x = series() if kind == "masking" else IDS
    y = ONE_HOT if ignored is None else LABELS
    weight = WEIGHTS if weighted else None
    assert m.evaluate(x, y, sample_weight=weight, verbose=0) == pytest.approx(logs, abs=3e-5)
    assert m.train_on_batch(x, y, sample_weight=weight) == pytest.approx(logs, abs=3e-5)
    assert sum(np.abs(w).sum() for w in m.get_weights()) == pytest.approx(magnitude, abs=3e-5)


def test_masked_steps_have_no_say():
    """Neither the targets nor the predictions of masked steps change anything."""
    other = np.where((IDS == 0)[..., None], 1 - ONE_HOT, ONE_HOT)
    one, two = model("embedding"), model("embedding")
    assert one.train_on_batch(IDS, ONE_HOT) == two.train_on_batch(IDS, other)
    for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_of_samples_and_masks():
    """Keras fails here: one weight per sample stands for one at each of its steps."""
    weight = np.array([1, 0.5, 2, 3], np.float32)
    each = np.repeat(weight[:, None], 5, 1)
    one = model("masking").evaluate(series(), ONE_HOT, sample_weight=weight, verbose=0)
    two = model("masking").evaluate(series(), ONE_HOT, sample_weight=each, verbose=0)
    assert one == pytest.approx(two, rel=1e-6)


def test_where_a_mask_ends_nothing_changes():
    m = Sequential([layers.Input((5, 3)), layers.Masking(), layers.Flatten(), layers.Dense(1)])
    plain = Sequential([layers.Input((5, 3)), layers.Flatten(), layers.Dense(1)])
    plain.set_weights(m.get_weights())
    y = np.arange(4.0)
    for each in (m, plain):
        each.compile("sgd", "mse", metrics=["mae"])
    assert m.evaluate(series(), y, verbose=0) == plain.evaluate(series(), y, verbose=0)
    assert m.predict(series(), verbose=0).shape == (4, 1)


def test_nothing_but_masked_steps():
    m = model("masking")
    assert m.train_on_batch(np.zeros((2, 5, 3)), ONE_HOT[:2])[0] == 0
