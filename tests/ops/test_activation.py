"""Activations and their derivatives on every instruction set against the reference."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastconv import ops

from .. import reference
from .compare import EPS, assert_within

ROWWISE = ("softmax", "log_softmax", "sparsemax", "glu")
NAMES = sorted(set(ops.ACTIVATIONS) - set(ROWWISE))

#: Lengths around one, two and four vectors of any width.
LENGTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 130, 1000]


def grid():
    """Return numbers of every size and sign, but not the kinks of piecewise functions."""
    scales = 2.0 ** np.arange(-30, 8, 0.37)
    dense = np.linspace(-12.011, 12.013, 2001)
    x = np.concatenate([-scales[::-1], dense, scales])
    return x.astype(np.float32)


def conditioned(x, name):
    """Return |f| + |x f'|: a relative error of eps in x alone moves f by eps * |x f'|."""
    f, derivative = reference.ACTIVATIONS[name]
    return np.abs(f(x)) + np.abs(x * derivative(x))


def test_every_activation_has_a_reference():
    assert set(NAMES) <= set(reference.ACTIVATIONS)


@pytest.mark.parametrize("name", NAMES)
def test_activation_matches_reference(each_isa, name):
    x = grid()
    x64 = x.astype(np.float64)
    with np.errstate(over="ignore", under="ignore"):
        expected = reference.ACTIVATIONS[name][0](x64)
        bound = conditioned(x64, name)
    expected[np.abs(expected) > np.finfo(np.float32).max] = np.inf
    assert_within(ops.activation(x, name), expected, bound)


#: These only compare and copy.
COPYING = ("linear", "relu", "relu6", "hard_tanh")


@pytest.mark.parametrize("name", [name for name in NAMES if name in COPYING])
def test_activation_that_only_copies_is_exact(each_isa, name, rng):
    x, f, derivative = grid(), *reference.ACTIVATIONS[name]
    dy = rng.standard_normal(x.shape).astype(np.float32)
    y = ops.activation(x, name)
    np.testing.assert_array_equal(y, f(x))
    given = x if ops.activation_needs_input(name) else None
    dx = ops.activation_backward(dy, given, y, name)
    np.testing.assert_array_equal(dx, dy * derivative(np.float64(x)))


@pytest.mark.parametrize("name", NAMES)
def test_activation_does_not_depend_on_the_position(each_isa, name, rng):
    """Vector body and tail must agree: an element's bits do not depend on its neighbours."""
    x = rng.standard_normal(1000).astype(np.float32) * 3
    whole = ops.activation(x, name)
    for length in LENGTHS:
        np.testing.assert_array_equal(ops.activation(x[:length].copy(), name), whole[:length])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (7, 11), (13,), (0, 5)])
def test_activation_keeps_the_shape(each_isa, name, shape, rng):
    x = rng.standard_normal(shape).astype(np.float32)
    y = ops.activation(x, name)
    assert y.shape == shape
    assert name == "linear" or not np.shares_memory(x, y)
    assert ops.activation_backward(y, x, y, name).shape == shape


@pytest.mark.parametrize("name", NAMES)
def test_activation_backward_matches_reference(each_isa, name, rng):
    x = grid()
    x = x[np.abs(x) < 60]  # beyond, exp overflows float32
    dy = rng.standard_normal(x.shape).astype(np.float32)
    x64 = x.astype(np.float64)
    f, derivative = reference.ACTIVATIONS[name]
    expected = dy * derivative(x64)
    # Derivatives taken from y inherit its rounding: an error of eps relative to |dy| and |y|.
    bound = np.abs(dy) * (1 + np.abs(derivative(x64)) + np.minimum(np.abs(f(x64)), 1))
    y = f(x64).astype(np.float32)
    given = x if ops.activation_needs_input(name) else None
    assert_within(ops.activation_backward(dy, given, y, name), expected, bound)


@pytest.mark.parametrize("name", NAMES)
def test_activation_nan_propagates(each_isa, name):
    x = np.array([0.5, np.nan, -0.5, 1.0, np.nan], np.float32)
    np.testing.assert_array_equal(np.isnan(ops.activation(x, name)), np.isnan(x))


@pytest.mark.parametrize("name", NAMES)
def test_activation_of_infinity(each_isa, name):
    """What the formula gives, as in Keras; where it is inf * 0 or inf / inf, the limit will do."""
    infinities, large = np.array([-np.inf, np.inf]), np.array([-1e4, 1e4])
    f = reference.ACTIVATIONS[name][0]
    with np.errstate(all="ignore"):
        formula, limit = f(infinities), f(large)
    limit[np.abs(limit) > 100] *= np.inf
    for result, plain, near in zip(
        ops.activation(infinities.astype(np.float32), name), formula, limit, strict=True
    ):
        undefined = np.isnan(plain)
        assert (undefined and np.isnan(result)) or np.isclose(result, near, 1e-3, 1e-3)


def test_relu_at_zero(each_isa):
    zeros = np.array([0.0, -0.0, 1e-30, -1e-30], np.float32)
    np.testing.assert_array_equal(ops.activation(zeros, "relu"), [0, 0, zeros[2], 0])
    dy = np.ones(4, np.float32)
    dx = ops.activation_backward(dy, zeros, np.maximum(zeros, 0), "relu")
    np.testing.assert_array_equal(dx, [0, 0, 1, 0])


@pytest.mark.parametrize("slope", [0.0, 0.2, 0.3])
def test_leaky_relu(each_isa, rng, slope):
    x = grid()
    dy = rng.standard_normal(x.shape).astype(np.float32)
    expected = reference.relu(np.float64(x), slope)
    assert_within(ops.leaky_relu(x, slope), expected, np.abs(expected))
    expected = dy * reference.relu_derivative(np.float64(x), slope)
    assert_within(ops.leaky_relu_backward(dy, x, slope), expected, np.abs(expected))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 3.0])
def test_elu_with_alpha(each_isa, rng, alpha):
    x = grid()
    dy = rng.standard_normal(x.shape).astype(np.float32)
    y = reference.elu(np.float64(x), alpha)
    assert_within(ops.elu(x, alpha), y, np.abs(y))
    expected = dy * reference.elu_derivative(np.float64(x), alpha)
    assert_within(ops.elu_backward(dy, y.astype(np.float32), alpha), expected, np.abs(dy) * 4)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_value": 6.0},
        {"negative_slope": 0.1},
        {"threshold": 0.7},
        {"negative_slope": 0.25, "max_value": 5.0, "threshold": 1.5},
        {"negative_slope": 0.25, "max_value": 5.0, "threshold": -1.5},
    ],
    ids=str,
)
def test_general_relu(each_isa, rng, options):
    x = grid()
    dy = rng.standard_normal(x.shape).astype(np.float32)
    x64 = np.float64(x)
    bound = np.abs(x64) + abs(options.get("threshold", 0.0))
    assert_within(ops.relu(x, **options), reference.relu(x64, **options), bound)
    expected = dy * reference.relu_derivative(x64, **options)
    assert_within(ops.relu_backward(dy, x, **options), expected, np.abs(expected))


@pytest.mark.parametrize("C", [1, 2, 3, 7, 8, 10, 16, 17, 33, 100, 1000])
@pytest.mark.parametrize("scale", [1, 100])
def test_softmax(each_isa, rng, C, scale):
    x = (scale * rng.standard_normal((9, C))).astype(np.float32)
    dy = rng.standard_normal(x.shape).astype(np.float32)
    y, log_y = reference.softmax(x), reference.log_softmax(x)
    # Rounding in x - max(x) is a relative error in the exponential.
    spread = np.float64(x).max(axis=-1, keepdims=True) - x + 4
    assert_within(ops.softmax(x), y, y * spread)
    assert_within(ops.log_softmax(x), log_y, spread)
    np.testing.assert_array_equal(ops.activation(x, "softmax"), ops.softmax(x))
    np.testing.assert_array_equal(ops.activation(x, "log_softmax"), ops.log_softmax(x))

    expected = reference.softmax_backward(np.float64(dy), y)
    bound = y * (np.abs(dy) + np.abs(dy * y).sum(axis=-1, keepdims=True)) * 2
    y = y.astype(np.float32)
    assert_within(ops.softmax_backward(dy, y), expected, bound)
    assert_within(ops.activation_backward(dy, None, y, "softmax"), expected, bound)
    log_y = np.maximum(log_y, -80).astype(np.float32)
    expected = reference.log_softmax_backward(np.float64(dy), np.float64(log_y))
    bound = np.abs(dy) + np.exp(log_y) * np.abs(dy).sum(axis=-1, keepdims=True) * 4
    assert_within(ops.log_softmax_backward(dy, log_y), expected, bound)
    assert_within(ops.activation_backward(dy, None, log_y, "log_softmax"), expected, bound)


@pytest.mark.parametrize("axis", [-1, 0, 1, 2])
def test_softmax_axis(each_isa, rng, axis):
    x, dy = rng.standard_normal((2, 3, 4, 5)).astype(np.float32)
    for name in ("softmax", "log_softmax"):
        y = getattr(reference, name)(x, axis)
        assert_within(getattr(ops, name)(x, axis), y, np.abs(y) + 8)
        dx = getattr(reference, f"{name}_backward")(np.float64(dy), y, axis)
        result = getattr(ops, f"{name}_backward")(dy, y.astype(np.float32), axis)
        assert_within(result, dx, np.abs(dy).sum() + 8)


WITH_ARGUMENTS = [
    ("gelu", {"approximate": True}),
    ("celu", {"alpha": 0.4}),
    ("celu", {"alpha": -2.0}),
    ("elu", {"alpha": -0.7}),
    ("squareplus", {"b": 0.3}),
    ("hard_shrink", {"threshold": 1.1}),
    ("soft_shrink", {"threshold": 1.1}),
    ("threshold", {"threshold": -0.3, "default_value": 2.0}),
    ("sparsemax", {"axis": 1}),
    ("glu", {"axis": 0}),
    ("glu", {}),
    ("softmax", {"axis": 0}),
]


@pytest.mark.parametrize(("name", "arguments"), WITH_ARGUMENTS, ids=str)
def test_gradient_of_activation_with_arguments(name, arguments, rng):
    """Central differences; a float32 result is known to 1e-7, hence the large step."""
    x = (2 * rng.standard_normal((4, 7, 6))).astype(np.float32)
    function = ops.make_activation(name, **arguments)
    y = function.forward(x)
    r = rng.standard_normal(y.shape).astype(np.float32)
    dx = function.backward(r, x if function.needs_input else None, y)
    assert dx.dtype == np.float32 and dx.shape == x.shape and dx.flags.c_contiguous
    step, kinks = np.float32(2e-3), 0
    for index in [(i, j, k) for i in range(4) for j in (0, 3, 6) for k in (1, 4)]:
        values = []
        for sign in (1, -1, 0):
            moved = x.copy()
            moved[index] += sign * step
            values.append(float(np.vdot(function.forward(moved).astype(np.float64), r)))
        if abs(values[0] + values[1] - 2 * values[2]) > 2e-4:
            kinks += 1
            continue
        assert abs((values[0] - values[1]) / (2 * step) - dx[index]) < 2e-3
    assert kinks <= 4


def test_gelu_approximation_is_accurate(rng):
    x = grid()
    x64 = x.astype(np.float64)
    inner = math.sqrt(2 / math.pi) * (x64 + 0.044715 * x64**3)
    expected = x64 * reference.sigmoid(2 * inner)
    bound = np.abs(expected) + np.abs(x64 * reference.gelu_derivative(x64))
    assert_within(ops.make_activation("gelu", approximate=True).forward(x), expected, bound)


def test_sparsemax(rng):
    """The nearest point of the simplex: x - y is one number on the support, less elsewhere."""
    x = rng.standard_normal((50, 9)).astype(np.float32) * 2
    y = ops.sparsemax(x)
    np.testing.assert_allclose(y.sum(axis=-1), 1, rtol=1e-6)
    assert (y >= 0).all() and (y == 0).any()
    tau = np.where(y > 0, x - y, -np.inf).max(axis=-1, keepdims=True)
    np.testing.assert_allclose((x - y)[y > 0], np.broadcast_to(tau, x.shape)[y > 0], atol=1e-6)
    assert (x <= tau + 1e-6)[y == 0].all()
    assert np.isnan(ops.sparsemax(np.array([[1, np.nan, 2]], np.float32))).all()


def test_softmax_extremes(each_isa):
    x = np.array(
        [[1e38, -1e38, 0], [-np.inf, 0, 0], [3e38, 3e38, 3e38], [-1e4, -1e4 - 1, -2e4]], np.float32
    )
    y = ops.softmax(x)
    assert_within(y, reference.softmax(x), 3.0)
    assert (np.abs(y.sum(axis=-1) - 1) <= 4 * EPS).all()
    bad = np.array([[np.inf, 0, 0], [np.nan, 1, 2], [1, 2, 3]], np.float32)
    np.testing.assert_array_equal(np.isnan(ops.softmax(bad)).all(axis=-1), [True, True, False])
    assert np.isfinite(ops.softmax(bad)[2]).all()


def test_sigmoid_extremes(each_isa):
    x = np.array([-1e38, -200, -88, 0, 88, 200, 1e38], np.float32)
    expected = reference.sigmoid(np.float64(x))
    assert_within(ops.sigmoid(x), expected, expected * 100)


def test_unknown_activation_is_suggested():
    with pytest.raises(ValueError, match=r'relux.*Did you mean "relu"'):
        ops.activation(np.zeros(3, np.float32), "relux")
