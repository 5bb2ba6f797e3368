"""Activations: numbers that Keras 3 gives, for every function that `ops` registers."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from fastconv import activations, ops

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
}


@pytest.mark.parametrize("name", sorted(ops.ACTIVATIONS))
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
        (lambda: activations.relux, AttributeError, 'no attribute .relux.. Did you mean "relu"?'),
        (lambda: activations.relu("a"), TypeError, "relu: x must hold real numbers"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()
