"""Metrics: the results of Keras over batches, with and without weights of samples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastconv import metrics

from ..literals.objective_cases import METRICS, batches, make, spread

LITERALS = json.loads((Path(__file__).parents[1] / "literals" / "objectives.json").read_text())


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", METRICS)
def test_results_of_keras(name, weighted):
    class_name, options, kind = METRICS[name]
    metric = getattr(metrics, class_name)(**options)
    y, p, w = make(kind)
    w = spread(w, kind, y)
    expected = np.array(LITERALS["metrics"][name]["weighted" if weighted else "plain"])
    for _ in range(2):  # the second time after reset_state()
        metric.reset_state()
        for part in batches(y, p, w if weighted else None):
            metric.update_state(*part)
        result = metric.result()
        np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-6)
        assert np.shape(result) == expected.shape
        assert isinstance(result, float if expected.ndim == 0 else np.ndarray)


@pytest.mark.parametrize("name", METRICS)
def test_configs_have_the_keys_of_keras(name):
    class_name, options, _ = METRICS[name]
    metric = getattr(metrics, class_name)(**options, name="metric")
    config = json.loads(json.dumps(metric.get_config()))
    expected = LITERALS["metrics"][name]["config"]
    assert config.keys() >= expected.keys()
    # Keras forgets these two, and understands them.
    assert config.keys() - expected.keys() <= {"axis", "from_sorted_ids"}
    for key, value in expected.items():
        if key != "dtype":
            assert config[key] == pytest.approx(value), key
    again = metrics.deserialize(json.loads(json.dumps(metrics.serialize(metric))))
    assert type(again) is type(metric) and again.get_config() == metric.get_config()


@pytest.mark.parametrize("name", METRICS)
def test_metrics_before_the_first_batch(name):
    class_name, options, _ = METRICS[name]
    assert not np.any(getattr(metrics, class_name)(**options).result())


def test_sum():
    metric = metrics.Sum()
    metric.update_state([1, 2, 3])
    metric.update_state([[1.0, 2.0], [3.0, 4.0]], sample_weight=[1, 10])
    assert metric.result() == 79


def test_functions_that_also_return_a_gradient_are_metrics_too():
    metric = metrics.get(lambda y_true, y_pred: (np.abs(y_pred - y_true)[:, 0], y_pred))
    assert metric([[1.0], [2.0]], [[2.0], [4.0]]) == 1.5


@pytest.mark.parametrize(
    ("make_metric", "error", "match"),
    [
        (lambda: metrics.Precision(thresholds=1.5), ValueError, r"thresholds must be in \[0, 1\]"),
        (lambda: metrics.Recall(top_k=0), ValueError, "top_k must be at least 1"),
        (lambda: metrics.PrecisionAtRecall(2), ValueError, r"recall must be in \[0, 1\]"),
        (lambda: metrics.AUC(curve="ROCK"), ValueError, 'curve must be .*Did you mean "ROC"'),
        (lambda: metrics.AUC(num_thresholds=1), ValueError, "num_thresholds must be at least 2"),
        (lambda: metrics.AUC(num_labels=2), ValueError, "num_labels is for multi_label=True"),
        (lambda: metrics.IoU(2, [2]), ValueError, r"target_class_ids must be in 0\.\.1"),
        (lambda: metrics.F1Score(average="mean"), ValueError, "average must be one of"),
        (lambda: metrics.FBetaScore(beta=0), ValueError, "beta and threshold must be greater"),
        (lambda: metrics.F1Score()([1, 0], [0.5, 0.5]), ValueError, r"must both be \(N, classes\)"),
        (lambda: metrics.R2Score("mean"), ValueError, "class_aggregation must be one of"),
        (lambda: metrics.Recall()([1, 0], [[1, 0], [0, 1]]), ValueError, "same shape"),
        (lambda: metrics.MeanIoU(2)([0, 1], [0]), ValueError, "as many classes"),
    ],
)
def test_wrong_arguments(make_metric, error, match):
    with pytest.raises(error, match=match):
        make_metric()
