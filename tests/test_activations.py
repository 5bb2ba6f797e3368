"""Activations: numbers that Keras 3 gives, for every function that `ops` registers."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from fastconv import activations, layers, ops

X = np.array([-2, -0.5, 0, 0.5, 2], np.float32)

#: Keras 3.15 at X.
KERAS = {
    "linear": [-2.0, -0.5, 0.0, 0.5, 2.0],
    "relu": [0.0, 0.0, 0.0, 0.5, 2.0],
    "relu6": [0.0, 0.0, 0.0, 0.5, 2.0],
    "leaky_relu": [-0.4, -0.1, 0.0, 0.5, 2.0],
    "elu": [-0.8646647, -0.3934693, 0.0, 0.5, 2.0],
    "selu": [-1.520167, -0.6917582, 0.0, 0.5253505, 2.101402],
    "sigmoid": [0.1192029, 0.3775407, 0.5, 0.6224594, 0.880797],
    "tanh": [-0.9640276, -0.4621172, 0.0, 0.4621172, 0.9640276],
    "softmax": [0.01255471, 0.0562663, 0.09276744, 0.1529477, 0.6854638],
    "log_softmax": [-4.377659, -2.87766, -2.37766, -1.87766, -0.3776595],
    "softplus": [0.126928, 0.474077, 0.6931472, 0.974077, 2.126928],
    "softsign": [-0.6666667, -0.3333333, 0.0, 0.3333333, 0.6666667],
    "exponential": [0.1353353, 0.6065307, 1.0, 1.648721, 7.389056],
    "hard_sigmoid": [0.1666667, 0.4166667, 0.5, 0.5833333, 0.8333333],
    "silu": [-0.2384058, -0.1887703, 0.0, 0.3112297, 1.761594],
    "swish": [-0.2384058, -0.1887703, 0.0, 0.3112297, 1.761594],
    "gelu": [-0.04550027, -0.1542688, 0.0, 0.3457312, 1.9545],
    "mish": [-0.2525015, -0.2207438, 0.0, 0.3752452, 1.943959],
    "hard_silu": [-0.3333333, -0.2083333, 0.0, 0.2916667, 1.666667],
    "hard_swish": [-0.3333333, -0.2083333, 0.0, 0.2916667, 1.666667],
    "celu": [-0.8646647, -0.3934693, 0.0, 0.5, 2.0],
    "hard_shrink": [-2.0, 0.0, 0.0, 0.0, 2.0],
    "hard_tanh": [-1.0, -0.5, 0.0, 0.5, 1.0],
    "log_sigmoid": [-2.126928, -0.974077, -0.6931472, -0.474077, -0.126928],
    "soft_shrink": [-1.5, 0.0, 0.0, 0.0, 1.5],
    "sparse_plus": [0.0, 0.0625, 0.25, 0.5625, 2.0],
    "sparse_sigmoid": [0.0, 0.25, 0.5, 0.75, 1.0],
    "sparsemax": [0.0, 0.0, 0.0, 0.0, 1.0],
    "squareplus": [0.4142136, 0.7807764, 1.0, 1.280776, 2.414214],
    "tanh_shrink": [-1.035972, -0.03788283, 0.0, 0.03788283, 1.035972],
}

#: Name, arguments, and Keras 3.15 at X.
KERAS_WITH_ARGUMENTS = [
    ("gelu", {"approximate": True}, [-0.04540235, -0.154286, 0.0, 0.345714, 1.954598]),
    ("celu", {"alpha": 0.5}, [-0.4908422, -0.3160603, 0.0, 0.5, 2.0]),
    ("elu", {"alpha": 0.5}, [-0.4323324, -0.1967347, 0.0, 0.5, 2.0]),
    ("elu", {"alpha": -0.5}, [0.4323324, 0.1967347, 0.0, 0.5, 2.0]),
    ("squareplus", {"b": 1}, [0.118034, 0.309017, 0.5, 0.809017, 2.118034]),
    ("squareplus", {"b": 0}, [0, 0, 0, 0.5, 2]),
    ("threshold", {"threshold": 0.2, "default_value": 7}, [7.0, 7.0, 7.0, 0.5, 2.0]),
    ("hard_shrink", {"threshold": 0.3}, [-2, -0.5, 0, 0.5, 2]),
    ("soft_shrink", {"threshold": 0.25}, [-1.75, -0.25, 0, 0.25, 1.75]),
    ("leaky_relu", {"negative_slope": 0.5}, [-1, -0.25, 0, 0.5, 2]),
]


@pytest.mark.parametrize("name", sorted(set(ops.ACTIVATIONS) - {"glu"}))
def test_values_of_keras(name):
    function = getattr(activations, name)
    np.testing.assert_allclose(function(X), KERAS[name], rtol=1e-5, atol=1e-6)
    assert function(X).dtype == np.float32


@pytest.mark.parametrize("name", sorted(ops.ACTIVATIONS))
def test_get_and_serialize(name):
    function = activations.get(name)
    assert function is getattr(activations, name)
    assert activations.get(function) is function
    assert activations.deserialize(activations.serialize(function)) is function
    assert function.__name__ == function.registered_name
    assert copy.deepcopy(function) is function
    assert pickle.loads(pickle.dumps(function)) is function
    assert name in dir(activations)


def test_none_is_linear():
    assert activations.get(None) is activations.get("linear")


def test_config_of_a_function():
    config = {
        "module": "builtins",
        "class_name": "function",
        "config": "relu",
        "registered_name": "function",
    }
    assert activations.get(config) is activations.get("relu")


@pytest.mark.parametrize("convert", [list, np.float64, np.asarray])
def test_any_array_is_accepted(convert):
    np.testing.assert_array_equal(activations.relu(convert([-1, 2])), [0, 2])


def test_relu_with_arguments():
    y = activations.relu(X, negative_slope=0.1, max_value=1.0, threshold=0.25)
    np.testing.assert_allclose(y, [-0.225, -0.075, -0.025, 0.5, 1.0], rtol=1e-6)
    np.testing.assert_allclose(activations.relu(X, 0.5), [-1, -0.25, 0, 0.5, 2])


@pytest.mark.parametrize(("name", "arguments", "expected"), KERAS_WITH_ARGUMENTS)
def test_functions_with_arguments(name, arguments, expected):
    found = getattr(activations, name)(X, **arguments)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(getattr(activations, name)(X, *arguments.values()), found)


def test_every_function_of_keras_is_here():
    keras = pytest.importorskip("keras")
    public = {name for name in dir(keras.activations) if not name.startswith("_")}
    assert public - set(dir(activations)) == set()
    x = np.random.default_rng(0).normal(size=(3, 4, 6)).astype(np.float32) * 3
    # sparsemax of Keras 3.15 adds up too many sums; see its own test.
    for name in public - {"get", "serialize", "deserialize", "threshold", "sparsemax"}:
        theirs = np.asarray(getattr(keras.activations, name)(x))
        found = getattr(activations, name)(x)
        np.testing.assert_allclose(found, theirs, rtol=2e-5, atol=1e-6, err_msg=name)


def test_glu():
    np.testing.assert_allclose(activations.glu(X[:4]), [-1.0, -0.3112297], rtol=1e-6)
    x = np.random.default_rng(0).normal(size=(2, 4, 6)).astype(np.float32)
    y = activations.glu(x, axis=1)
    assert y.shape == (2, 2, 6)
    np.testing.assert_allclose(y, x[:, :2] / (1 + np.exp(-x[:, 2:])), rtol=1e-5)


def test_softmax_with_an_axis():
    x = np.array([[1, 2], [3, 5]], np.float32)
    np.testing.assert_allclose(activations.softmax(x, axis=0), activations.softmax(x.T).T)


def test_relu_keeps_nan():
    np.testing.assert_array_equal(activations.relu([np.nan, np.inf]), [np.nan, np.inf])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: activations.get("relux"), ValueError, 'identifier: relux. Did you mean "relu"?'),
        (lambda: activations.get(np.tanh), ValueError, "the gradient of tanh is not known"),
        (lambda: activations.get(3), ValueError, "got an object of type int"),
        (lambda: activations.tanh(X, 3), TypeError, "tanh: takes no arguments besides x"),
        (lambda: activations.celu(X, beta=1), TypeError, r"celu: celu\(\) got an unexpected"),
        (lambda: activations.celu(X, 0), ValueError, "celu: alpha must not be 0"),
        (lambda: activations.squareplus(X, -1), ValueError, "squareplus: b must be at least 0"),
        (lambda: activations.soft_shrink(X, -1), ValueError, "threshold must be at least 0"),
        (lambda: activations.threshold(X), TypeError, r"threshold: threshold\(\) missing 2"),
        (lambda: activations.get("threshold"), ValueError, "identifier: threshold needs arguments"),
        (lambda: layers.Dense(2, activation="glu"), ValueError, '"glu" changes the shape of the'),
        (lambda: layers.Activation("glu").build((None, 3)), ValueError, "last axis of even size"),
        (lambda: activations.glu(X), ValueError, r"glu: axis -1 of x must have an even size"),
        (lambda: activations.sparsemax(X, 1), ValueError, "axis must be one of the 1 of x, got 1"),
        (lambda: activations.relux, AttributeError, 'no attribute .relux.. Did you mean "relu"?'),
        (lambda: activations.relu("a"), TypeError, "relu: x must hold real numbers"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
