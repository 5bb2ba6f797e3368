"""Constraints: the weights that they allow, as in Keras 3.15, and configs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fastconv import constraints, layers
from fastconv.constraints import MaxNorm, MinMaxNorm, NonNeg, UnitNorm

W = np.array([[3.0, -0.5], [4.0, 0.0]], np.float32)

#: A constraint and what Keras 3.15 makes of W.
KERAS = [
    (MaxNorm(), [[1.2, -0.49999988], [1.6, 0.0]]),
    (MaxNorm(1, axis=1), [[0.98639393, -0.16439898], [1.0, 0.0]]),
    (MaxNorm(2, axis=[0, 1]), [[1.1940447, -0.19900745], [1.5920596, 0.0]]),
    (NonNeg(), [[3.0, 0.0], [4.0, 0.0]]),
    (UnitNorm(), [[0.6, -0.99999976], [0.8, 0.0]]),
    (UnitNorm([0, 1]), [[0.59702235, -0.099503726], [0.79602981, 0.0]]),
    (MinMaxNorm(1, 2), [[1.2, -0.99999976], [1.6, 0.0]]),
    (MinMaxNorm(1, 2, rate=0.5), [[2.1, -0.74999982], [2.8, 0.0]]),
    (constraints.Constraint(), W),
]


@pytest.mark.parametrize(("constraint", "expected"), KERAS, ids=lambda c: type(c).__name__)
def test_weights_of_keras(constraint, expected):
    found = constraint(W.copy())
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=3e-7)
    written = json.loads(json.dumps(constraints.serialize(constraint)))
    assert written["module"] == "keras.constraints"
    again = constraints.deserialize(written)
    assert type(again) is type(constraint)
    np.testing.assert_array_equal(again(W.copy()), found)


def test_against_installed_keras():
    keras = pytest.importorskip("keras")
    w = np.random.default_rng(3).normal(size=(3, 3, 4, 5)).astype(np.float32) * 2
    for ours in (
        MaxNorm(3, [0, 1, 2]), MaxNorm(1, -1), UnitNorm([0, 1]), MinMaxNorm(3, 4, 0.7, [0, 1, 2]),
        NonNeg(),
    ):  # fmt: skip
        theirs = getattr(keras.constraints, type(ours).__name__)(**ours.get_config())
        np.testing.assert_allclose(ours(w), np.asarray(theirs(w)), rtol=1e-6)


@pytest.mark.parametrize("name", ["max_norm", "MaxNorm", MaxNorm, {"class_name": "MaxNorm"}])
def test_get(name):
    found = constraints.get(name)
    assert type(found) is MaxNorm
    assert found.get_config() == {"max_value": 2.0, "axis": 0}
    assert constraints.get(None) is None
    assert constraints.get(found) is found
    assert constraints.get(abs) is abs
    assert constraints.max_norm is MaxNorm and constraints.non_neg is NonNeg


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: MaxNorm(-1), ValueError, "MaxNorm: max_value must be at least 0"),
        (lambda: MinMaxNorm(2, 1), ValueError, "MinMaxNorm: max_value must be at least 2"),
        (lambda: MinMaxNorm(rate=1.5), ValueError, r"rate must be in \[0, 1\]"),
        (lambda: UnitNorm("0"), TypeError, "UnitNorm: axis must be an integer"),
        (lambda: UnitNorm(2)(W), ValueError, "axis must be among the 2 of the weight, got 2"),
        (lambda: constraints.get("maxnorm"), ValueError, "constraint identifier: maxnorm. Did you"),
        (lambda: constraints.get(3), ValueError, "got an object of type int"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "shape", "names"),
    [
        (lambda **c: layers.Dense(2, **c), (None, 3), ["kernel", "bias"]),
        (lambda **c: layers.Conv2D(2, 2, **c), (None, 4, 4, 3), ["kernel", "bias"]),
        (lambda **c: layers.Conv1D(2, 2, **c), (None, 4, 3), ["kernel", "bias"]),
        (lambda **c: layers.DepthwiseConv2D(2, **c), (None, 4, 4, 3), ["depthwise", "bias"]),
        (lambda **c: layers.BatchNormalization(**c), (None, 3), ["gamma", "beta"]),
    ],
)
def test_layers_hand_them_to_their_weights(make, shape, names):
    given = {f"{name}_constraint": NonNeg() for name in names}
    layer = make(**given)
    layer.build(shape)
    for name, variable in zip(names, layer.trainable_weights, strict=True):
        assert variable.constraint is given[f"{name}_constraint"]
        config = layer.get_config()[f"{name}_constraint"]
        assert config["class_name"] == "NonNeg"
    again = type(layer).from_config(layer.get_config())
    again.build(shape)
    assert isinstance(again.trainable_weights[0].constraint, NonNeg)


def test_a_weight_has_none_by_default():
    layer = layers.Dense(2)
    layer.build((None, 3))
    assert layer.kernel.constraint is None
    own = layer.add_weight("extra", (2,), constraint="non_neg")
    assert isinstance(own.constraint, NonNeg)
