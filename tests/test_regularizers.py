"""Regularizers: penalties, gradients, configs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fastconv import regularizers
from fastconv.regularizers import L1, L1L2, L2, OrthogonalRegularizer, Regularizer

X = np.array([[1, -2], [0, 3]], np.float32)


@pytest.mark.parametrize(
    ("regularizer", "penalty", "gradient"),
    [
        (L1(0.5), 3.0, [[0.5, -0.5], [0, 0.5]]),
        (L2(0.5), 7.0, [[1, -2], [0, 3]]),
        (L1L2(0.5, 0.25), 6.5, [[1, -1.5], [0, 2]]),
        (L1L2(), 0.0, [[0, 0], [0, 0]]),
        (L1(), 0.06, [[0.01, -0.01], [0, 0.01]]),
        (L2(), 0.14, [[0.02, -0.04], [0, 0.06]]),
    ],
)
def test_penalty_and_gradient(regularizer, penalty, gradient):
    assert regularizer(X) == pytest.approx(penalty)
    assert isinstance(regularizer(X), float)
    found = regularizer.gradient(X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, gradient, rtol=1e-6)
    np.testing.assert_array_equal(X, [[1, -2], [0, 3]])


@pytest.mark.parametrize(
    ("mode", "penalty", "gradient"),
    [
        (
            "rows",
            0.15746719,
            [[0.0062486976, -0.057488024, 0.036242448], [0.019995835, 0.09997917, 0.04499063]],
        ),
        (
            "columns",
            0.20884167,
            [[0.02703862, 0.03336487, 0.015265819], [-0.05407722, 0.06672972, -0.022898719]],
        ),
    ],
)
def test_orthogonal(mode, penalty, gradient):
    """Numbers of Keras 3.15."""
    x = np.array([[1, 2, 3], [0.5, -1, 2]], np.float32)
    regularizer = OrthogonalRegularizer(0.3, mode)
    assert regularizer(x) == pytest.approx(penalty, rel=1e-6)
    found = regularizer.gradient(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, gradient, rtol=1e-5, atol=1e-7)
    again = regularizers.deserialize(regularizers.serialize(regularizer))
    assert again.get_config() == {"factor": 0.3, "mode": mode}


def test_orthogonal_at_its_limits():
    assert OrthogonalRegularizer()(np.ones((1, 4), np.float32)) == 0
    assert OrthogonalRegularizer()(np.zeros((3, 4), np.float32)) == 0
    assert np.isfinite(OrthogonalRegularizer().gradient(np.zeros((3, 4), np.float32))).all()
    with pytest.raises(ValueError, match=r"must have 2 dimensions, got shape \(2, 3, 4\)"):
        OrthogonalRegularizer()(np.ones((2, 3, 4), np.float32))
    with pytest.raises(ValueError, match='mode must be one of "rows", "columns", got "row"'):
        OrthogonalRegularizer(mode="row")


def test_sums_are_in_double_precision():
    x = np.full(2_000_000, 0.1, np.float32)
    assert L1(1)(x) == pytest.approx(float(np.float32(0.1)) * x.size, rel=1e-12)


@pytest.mark.parametrize(
    ("identifier", "cls", "config"),
    [
        ("l1", L1, {"l1": 0.01}),
        ("L2", L2, {"l2": 0.01}),
        ("l1_l2", L1L2, {"l1": 0.0, "l2": 0.0}),
        ("l1l2", L1L2, {"l1": 0.0, "l2": 0.0}),
        (L2, L2, {"l2": 0.01}),
        (L2(0.3), L2, {"l2": 0.3}),
        ({"class_name": "L1", "config": {"l1": 0.5}}, L1, {"l1": 0.5}),
        (regularizers.l1_l2(l1=1, l2=2), L1L2, {"l1": 1.0, "l2": 2.0}),
    ],
)
def test_get_and_config(identifier, cls, config):
    found = regularizers.get(identifier)
    assert type(found) is cls
    assert found.get_config() == config
    written = json.loads(json.dumps(regularizers.serialize(found)))
    assert written["module"] == "keras.regularizers"
    assert regularizers.deserialize(written).get_config() == config


def test_none_stays_none():
    assert regularizers.get(None) is None


def test_regularizer_of_the_users_own():
    class Cube(Regularizer):
        def __call__(self, x):
            return float((np.abs(x) ** 3).sum())

        def gradient(self, x):
            return 3 * x * np.abs(x)

    cube = Cube()
    assert regularizers.get(cube) is cube


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: L1(-0.1), ValueError, "L1: l1 must be at least 0, got -0.1"),
        (lambda: L2(float("nan")), ValueError, "L2: l2 must be finite"),
        (lambda: L1L2(l2=float("inf")), ValueError, "L1L2: l2 must be finite"),
        (lambda: L2("0.1"), TypeError, "L2: l2 must be a number, got str"),
        (lambda: regularizers.get("l3"), ValueError, "regularizer identifier: l3"),
        (lambda: regularizers.get(3), ValueError, "got an object of type int"),
        (lambda: regularizers.get(lambda x: 0.0), ValueError, "a regularizer needs a gradient"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
