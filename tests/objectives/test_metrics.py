"""Metrics: values over several batches, weights, shapes, names."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import losses, metrics


def over_batches(metric, y, p, w=None):
    """Feed three uneven batches."""
    for rows in (slice(0, 3), slice(3, 8), slice(8, None)):
        metric.update_state(y[rows], p[rows], None if w is None else w[rows])
    return metric.result()


def expected(values, w=None):
    values = values.reshape(len(values), -1).mean(1)
    return values.mean() if w is None else (w * values).sum() / w.sum()


@pytest.fixture(params=[(10, 6), (10, 2, 3, 6)], ids=str)
def data(request, rng):
    p = rng.random(request.param)
    p /= p.sum(-1, keepdims=True)
    labels = rng.integers(0, 6, request.param[:-1])
    return np.eye(6)[labels], labels, p


@pytest.mark.parametrize("weighted", [False, True])
def test_accuracies(data, weighted, rng):
    y, labels, p = data
    w = rng.random(10) if weighted else None
    right = (p.argmax(-1) == labels).astype(float)
    rank = (p > np.take_along_axis(p, labels[..., None], -1)).sum(-1)
    above = ((p > 0.3) == y).astype(float)
    for metric, targets, values in (
        (metrics.CategoricalAccuracy(), y, right),
        (metrics.SparseCategoricalAccuracy(), labels, right),
        (metrics.SparseCategoricalAccuracy(), labels[..., None], right),
        (metrics.TopKCategoricalAccuracy(k=2), y, rank < 2),
        (metrics.SparseTopKCategoricalAccuracy(k=3), labels, rank < 3),
        (metrics.BinaryAccuracy(threshold=0.3), y, above),
    ):
        assert over_batches(metric, targets, p, w) == pytest.approx(expected(values * 1.0, w))
        assert metric.direction == "up"


@pytest.mark.parametrize("weighted", [False, True])
def test_errors_and_crossentropies(data, weighted, rng):
    y, labels, p = data
    w = rng.random(10) if weighted else None
    square = ((y - p) ** 2).mean(-1)
    for metric, targets, values in (
        (metrics.MeanSquaredError(), y, square),
        (metrics.MeanAbsoluteError(), y, np.abs(y - p).mean(-1)),
        (metrics.CategoricalCrossentropy(), y, -np.log((y * p).sum(-1))),
        (metrics.SparseCategoricalCrossentropy(), labels, -np.log((y * p).sum(-1))),
        (metrics.BinaryCrossentropy(), y, -np.log(np.where(y, p, 1 - p)).mean(-1)),
    ):
        result = over_batches(metric, targets, p, w)
        assert result == pytest.approx(expected(values, w), rel=1e-5)
        assert isinstance(result, float)
        assert metric.direction == "down"
    root = over_batches(metrics.RootMeanSquaredError(), y, p, w)
    assert root == pytest.approx(expected(square, w) ** 0.5, rel=1e-5)


def test_ignored_class():
    p = np.array([[0.5, 0.5], [0.9, 0.1]])
    metric = metrics.SparseCategoricalCrossentropy(ignore_class=255)
    metric.update_state([0, 255], p)
    assert metric.result() == pytest.approx(-np.log(0.5), rel=1e-5)
    metric.update_state([255, 0], p, sample_weight=[5, 2])
    assert metric.result() == pytest.approx((-np.log(0.5) - 2 * np.log(0.9)) / 3, rel=1e-5)


def test_mean():
    mean = metrics.Mean()
    assert mean.result() == 0
    mean.update_state([1, 3, 5, 7])
    assert mean.result() == 4
    mean.update_state(10.0)
    assert mean.result() == pytest.approx(26 / 5)
    mean.reset_state()
    mean.update_state([1, 3, 5, 7], sample_weight=[1, 1, 0, 0])
    assert mean.result() == 2
    mean.reset_state()
    mean.update_state(np.zeros(0))
    assert mean.result() == 0


def test_ties_of_argmax_go_to_the_first():
    metric = metrics.SparseCategoricalAccuracy()
    metric.update_state([0, 1], [[0.5, 0.5], [0.5, 0.5]])
    assert metric.result() == 0.5


def test_top_k_ties_and_ids():
    assert metrics.sparse_top_k_categorical_accuracy([2], [[0.1, 0.5, 0.5]], k=1) == [True]
    assert metrics.sparse_top_k_categorical_accuracy([7], [[0.1, 0.5, 0.5]], k=3) == [False]
    ids = metrics.sparse_top_k_categorical_accuracy([4], [[1, 4, 0]], k=2, from_sorted_ids=True)
    assert ids == [True]
    with pytest.raises(ValueError, match="k must be at least 1"):
        metrics.TopKCategoricalAccuracy(k=0)


def test_binary_accuracy_is_strict_at_the_threshold():
    np.testing.assert_array_equal(metrics.binary_accuracy([0, 1], [[0.5], [0.5]]), [True, False])


@pytest.mark.parametrize(
    ("name", "y", "match"),
    [
        ("Accuracy", [0, 1], "same shape, got"),
        ("BinaryAccuracy", [0, 1], "same shape"),
        ("MeanSquaredError", [0, 1], "shape of the output"),
        ("CategoricalAccuracy", [0, 1], "sparse_categorical_accuracy"),
        ("SparseCategoricalAccuracy", [[0, 1], [1, 0]], "labels of shape"),
    ],
)
def test_wrong_shapes(name, y, match):
    with pytest.raises(ValueError, match=match):
        getattr(metrics, name)().update_state(y, np.ones((2, 3)))


def test_get_and_configs():
    for name, cls in (
        ("mse", metrics.MeanSquaredError),
        ("categorical_accuracy", metrics.CategoricalAccuracy),
        ("RootMeanSquaredError", metrics.RootMeanSquaredError),
    ):
        assert isinstance(metrics.get(name), cls)
    assert metrics.get(None) is None
    with pytest.raises(ValueError, match=r'acuracy. Did you mean "accuracy"'):
        metrics.get("acuracy")
    for metric in (
        metrics.TopKCategoricalAccuracy(k=2, name="top2"),
        metrics.BinaryCrossentropy(from_logits=True),
        metrics.SparseCategoricalCrossentropy(ignore_class=3),
        metrics.BinaryAccuracy(threshold=0.1),
    ):
        copy = metrics.deserialize(metrics.serialize(metric))
        assert copy.get_config() == metric.get_config()
        assert copy.name == metric.name


def test_functions_are_averaged():
    def doubled(y_true, y_pred):
        return 2 * y_pred[:, 0]

    metric = metrics.get(doubled)
    assert metric.name == "doubled"
    metric.update_state([0, 0], [[1.0], [2.0]])
    assert metric.result() == 3
    wrapped = metrics.MeanMetricWrapper(losses.mean_squared_error, name="error")
    assert wrapped([[1.0]], [[3.0]]) == 4


def test_unfinished_metric_says_what_is_missing():
    with pytest.raises(NotImplementedError, match="Metric must define update_state"):
        metrics.Metric()([1], [1])
