"""The truth itself: its gradients against central differences, and against the teaching twins.

tests/reference.py and fastconv/reference/ share no code and are written differently (taps that
are added up here, windows that are cut out there), so that an error would have to be made twice.
"""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from fastconv import reference as twin

from . import programs, reference

GEOMETRIES = [
    {},
    {"padding": "same"},
    {"strides": (2, 3), "padding": "same"},
    {"strides": (3, 2)},
    {"dilation": (2, 1), "padding": "same"},
    {"strides": (2, 2), "dilation": (1, 2), "padding": ((1, 0), (2, 3))},
]


def test_slices_of_taps_are_all_taps():
    pads = "valid", "same", ((3, 0), (1, 4))
    for size, window, strides, dilation, padding in itertools.product(
        [(6, 7), (5, 9)], [(1, 1), (2, 3)], [(1, 1), (3, 2)], [(1, 1), (2, 4)], pads
    ):
        geometry = {"strides": strides, "padding": padding, "dilation": dilation}
        found = set()
        for kh, kw, (_, oh, ow), (_, ih, iw) in reference.tap_slices(size, window, **geometry):
            rows = zip(np.r_[oh].tolist(), np.r_[ih].tolist(), strict=True)
            columns = list(zip(np.r_[ow].tolist(), np.r_[iw].tolist(), strict=True))
            found |= {(i, j, kh, kw, h, w) for i, h in rows for j, w in columns}
        assert found == set(reference.taps(size, window, **geometry))


def numerical_gradient(f, x, dy, step=1e-5):
    """Return d sum(dy * f(x)) / dx by central differences, one element at a time."""

    def moved(index, by):
        other = np.array(x, np.float64)
        other[index] += by
        return f(other)

    gradient = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        gradient[index] = (dy * (moved(index, step) - moved(index, -step))).sum() / (2 * step)
    return gradient


def check_gradient(gradient, f, x, dy, tolerance=1e-8):
    np.testing.assert_allclose(
        gradient, numerical_gradient(f, x, dy), rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_conv2d_gradients(rng, geometry, groups):
    x, kernel = rng.standard_normal((2, 4, 5, 4)), rng.standard_normal((3, 2, 4 // groups, 2))
    options = {**geometry, "groups": groups}
    y = reference.conv2d(x, kernel, **options)
    dy = rng.standard_normal(y.shape)
    check_gradient(
        reference.conv2d_backward_input(dy, kernel, x.shape, **options),
        lambda x: reference.conv2d(x, kernel, **options), x, dy)  # fmt: skip
    check_gradient(
        reference.conv2d_backward_filter(x, dy, kernel.shape, **options),
        lambda kernel: reference.conv2d(x, kernel, **options), kernel, dy)  # fmt: skip
    check_gradient(
        reference.bias_backward(dy),
        lambda bias: reference.conv2d(x, kernel, bias, **options), np.zeros(2), dy)  # fmt: skip


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_depthwise_gradients(rng, geometry):
    x, kernel = rng.standard_normal((2, 4, 5, 3)), rng.standard_normal((3, 2, 3, 2))
    y = reference.depthwise_conv2d(x, kernel, **geometry)
    dy = rng.standard_normal(y.shape)
    check_gradient(
        reference.depthwise_conv2d_backward_input(dy, kernel, x.shape, **geometry),
        lambda x: reference.depthwise_conv2d(x, kernel, **geometry), x, dy)  # fmt: skip
    check_gradient(
        reference.depthwise_conv2d_backward_filter(x, dy, kernel.shape, **geometry),
        lambda kernel: reference.depthwise_conv2d(x, kernel, **geometry), kernel, dy)  # fmt: skip


POOLINGS = [{"strides": (2, 3)}, {"strides": (1, 1), "padding": "same"}, {"strides": (3, 2)}]


@pytest.mark.parametrize("geometry", POOLINGS, ids=str)
def test_pooling_gradients(rng, geometry):
    x = rng.permutation(2 * 5 * 6 * 3).reshape(2, 5, 6, 3).astype(float)  # no ties, no near-ties
    y, argmax = reference.max_pool2d(x, (2, 3), **geometry)
    dy = rng.standard_normal(y.shape)
    check_gradient(
        reference.max_pool2d_backward(dy, argmax, x.shape, (2, 3), **geometry),
        lambda x: reference.max_pool2d(x, (2, 3), **geometry)[0], x, dy)  # fmt: skip
    check_gradient(
        reference.average_pool2d_backward(dy, x.shape, (2, 3), **geometry),
        lambda x: reference.average_pool2d(x, (2, 3), **geometry), x, dy)  # fmt: skip


def test_max_pool2d_ties_and_nan():
    """The first maximum in row-major order wins; NaN beats everything, the first NaN the others."""
    x = np.zeros((1, 4, 4, 1))
    nan, inf = np.nan, np.inf
    x[0, :, :, 0] = [[1, 2, nan, 9], [2, 2, 8, nan], [-inf, -inf, 0, 0], [-inf, -inf, 0, 5]]
    y, argmax = reference.max_pool2d(x, (2, 2), strides=(2, 2))
    np.testing.assert_array_equal(y[0, :, :, 0], [[2, nan], [-inf, 5]])
    np.testing.assert_array_equal(argmax[0, :, :, 0], [[1, 0], [0, 3]])


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_col2im_is_the_adjoint_of_im2col(rng, geometry):
    """<im2col(x), c> equals <x, col2im(c)> for all x and c."""
    x = rng.standard_normal((2, 5, 6, 3))
    columns = reference.im2col(x, (3, 2), **geometry)
    c = rng.standard_normal(columns.shape)
    image = reference.col2im(c, x.shape, (3, 2), **geometry)
    np.testing.assert_allclose((columns * c).sum(), (x * image).sum(), rtol=1e-12)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_im2col_turns_convolution_into_a_product(rng, geometry):
    x, kernel = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((3, 2, 3, 4))
    product = reference.im2col(x, (3, 2), **geometry) @ kernel.reshape(-1, 4)
    y = reference.conv2d(x, kernel, **geometry)
    np.testing.assert_allclose(product.reshape(y.shape), y, rtol=1e-12, atol=1e-12)


def test_dense_gradients(rng):
    x, kernel = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5))
    dy = rng.standard_normal((2, 3, 5))
    check_gradient(
        reference.dense_backward_input(dy, kernel), lambda x: reference.dense(x, kernel), x, dy
    )
    check_gradient(
        reference.dense_backward_filter(x, dy), lambda k: reference.dense(x, k), kernel, dy
    )


@pytest.mark.parametrize("name", reference.ACTIVATIONS)
def test_activation_derivatives(name):
    f, derivative = reference.ACTIVATIONS[name]
    x = np.linspace(-7.03, 7.01, 301)  # none of the kinks at multiples of 1/2
    check_gradient(derivative(x), f, x, np.ones_like(x))


@pytest.mark.parametrize("max_value", [None, 2.0])
@pytest.mark.parametrize("threshold", [-0.5, 0.0, 1.0])
def test_general_relu_derivative(threshold, max_value):
    options = {"negative_slope": 0.1, "max_value": max_value, "threshold": threshold}
    x = np.linspace(-7.03, 7.01, 301)
    check_gradient(
        reference.relu_derivative(x, **options),
        lambda x: reference.relu(x, **options), x, np.ones_like(x))  # fmt: skip


@pytest.mark.parametrize("axis", [-1, 0])
def test_softmax_gradients(rng, axis):
    x, dy = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
    for name in ("softmax", "log_softmax"):
        f, backward = getattr(reference, name), getattr(reference, f"{name}_backward")
        y = f(x, axis)
        check_gradient(backward(dy, y, axis), lambda x, f=f: f(x, axis), x, dy)
    np.testing.assert_allclose(reference.softmax(x, axis).sum(axis=axis), 1)


@pytest.mark.parametrize("soft", [False, True])
def test_cross_entropy_gradients(rng, soft):
    logits, weights = rng.standard_normal((5, 3)), rng.random(5)
    labels = rng.random((5, 3)) if soft else rng.integers(0, 3, 5)
    _, gradient = reference.softmax_cross_entropy(logits, labels, weights)
    check_gradient(
        gradient, lambda z: reference.softmax_cross_entropy(z, labels)[0], logits, weights
    )
    labels = rng.random((5, 3))
    _, gradient = reference.sigmoid_cross_entropy(logits, labels, weights)
    check_gradient(
        gradient, lambda z: reference.sigmoid_cross_entropy(z, labels)[0], logits, weights
    )


def test_cross_entropy_is_minus_the_log_probability(rng):
    logits, labels = rng.standard_normal((5, 3)), rng.integers(0, 3, 5)
    p = reference.softmax(logits)[np.arange(5), labels]
    np.testing.assert_allclose(reference.softmax_cross_entropy(logits, labels)[0], -np.log(p))
    y = rng.integers(0, 2, (5, 3))
    p = 1 / (1 + np.exp(-logits))
    expected = -np.where(y == 1, np.log(p), np.log(1 - p)).mean(axis=1)
    np.testing.assert_allclose(reference.sigmoid_cross_entropy(logits, y)[0], expected)


@pytest.mark.parametrize("with_gamma", [True, False])
def test_batch_norm_gradients(rng, with_gamma):
    x, dy = rng.standard_normal((2, 3, 2, 3)), rng.standard_normal((2, 3, 2, 3))
    gamma = rng.standard_normal(3) if with_gamma else None
    beta = rng.standard_normal(3)
    _, mean, variance = reference.batch_norm_train(x, gamma, beta)
    train, fixed = (
        lambda x, gamma, beta: reference.batch_norm_train(x, gamma, beta)[0],
        lambda x, gamma, beta: reference.batch_norm(x, gamma, beta, mean, variance),
    )
    for f, backward in (
        (train, reference.batch_norm_backward),
        (fixed, reference.batch_norm_inference_backward),
    ):
        dx, dgamma, dbeta = backward(dy, x, gamma, mean, variance)
        check_gradient(dx, lambda x, f=f: f(x, gamma, beta), x, dy)
        check_gradient(dbeta, lambda b, f=f: f(x, gamma, b), beta, dy)
        at = np.ones(3) if gamma is None else gamma
        check_gradient(dgamma, lambda g, f=f: f(x, g, beta), at, dy)


def test_batch_norm_train_normalises(rng):
    y, _, _ = reference.batch_norm_train(5 + 3 * rng.standard_normal((50, 4)), None, None, 0.0)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(y.std(axis=0), 1)


def test_optimizer_steps_go_downhill(rng):
    """Each minimises |w|^2 / 2, whose gradient is w; a first step of Adam has length alpha."""
    w, zeros = rng.standard_normal(5) + 3, np.zeros(5)
    adam = {"alpha": 0.1, "beta_1": 0.0, "beta_2": 0.0, "epsilon": 1e-12}
    np.testing.assert_allclose(w - reference.adam_step(w, w, zeros, zeros, **adam)[0], 0.1)
    rmsprop = {"learning_rate": 0.1, "rho": 0.0, "epsilon": 1e-24}
    np.testing.assert_allclose(w - reference.rmsprop_step(w, w, zeros, **rmsprop)[0], 0.1)
    np.testing.assert_allclose(reference.sgd_step(w, w, learning_rate=0.1)[0], 0.9 * w)
    plain, velocity = reference.sgd_step(w, w, zeros, learning_rate=0.1, momentum=0.9)
    np.testing.assert_allclose((plain, velocity), (0.9 * w, -0.1 * w))
    nesterov, _ = reference.sgd_step(
        w, w, zeros, learning_rate=0.1, momentum=0.9, nesterov=True)  # fmt: skip
    np.testing.assert_allclose(nesterov, (1 - 0.09 - 0.1) * w)
    clipped = reference.sgd_step(
        w, w, learning_rate=0.1, decay=0.5, grad_scale=10.0, clip_value=2.0)  # fmt: skip
    np.testing.assert_allclose(clipped[0], 0.5 * w - 0.2)


# --- the teaching twins ----------------------------------------------------------------------


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_twin_conv2d(rng, geometry, groups):
    x, kernel = rng.standard_normal((2, 5, 6, 4)), rng.standard_normal((3, 2, 4 // groups, 6))
    bias, options = rng.standard_normal(6), {**geometry, "groups": groups}
    y = reference.conv2d(x, kernel, bias, **options)
    dy = rng.standard_normal(y.shape)
    for result, expected in (
        (twin.conv2d(x, kernel, bias, **options), y),
        (twin.conv2d_backward_input(dy, kernel, x.shape, **options),
         reference.conv2d_backward_input(dy, kernel, x.shape, **options)),
        (twin.conv2d_backward_filter(x, dy, kernel.shape, **options),
         reference.conv2d_backward_filter(x, dy, kernel.shape, **options)),
    ):  # fmt: skip
        assert result.dtype == np.float64
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("geometry", GEOMETRIES, ids=str)
def test_twin_depthwise_and_im2col(rng, geometry):
    x, kernel = rng.standard_normal((2, 5, 6, 3)), rng.standard_normal((3, 2, 3, 2))
    bias = rng.standard_normal(6)
    columns = reference.im2col(x, (3, 2), **geometry)
    c = rng.standard_normal(columns.shape)
    for result, expected in (
        (twin.depthwise_conv2d(x, kernel, bias, **geometry),
         reference.depthwise_conv2d(x, kernel, bias, **geometry)),
        (twin.im2col(x, (3, 2), **geometry), columns),
        (twin.col2im(c, x.shape, (3, 2), **geometry),
         reference.col2im(c, x.shape, (3, 2), **geometry)),
    ):  # fmt: skip
        np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("geometry", POOLINGS, ids=str)
def test_twin_pooling(rng, geometry):
    x = rng.standard_normal((2, 5, 6, 3))
    for name in ("max_pool2d", "average_pool2d"):
        expected = getattr(reference, name)(x, (2, 3), **geometry)
        expected = expected[0] if name == "max_pool2d" else expected
        np.testing.assert_allclose(getattr(twin, name)(x, (2, 3), **geometry), expected)
    np.testing.assert_array_equal(twin.max_pool2d(x), twin.max_pool2d(x, 2, strides=(2, 2)))
    x[1, 2, 3, 1] = np.nan
    expected, _ = reference.max_pool2d(x, (2, 3), **geometry)
    np.testing.assert_array_equal(twin.max_pool2d(x, (2, 3), **geometry), expected)


def test_twin_dense_softmax_relu(rng):
    x, kernel, bias = rng.standard_normal((2, 3, 4)), rng.standard_normal((4, 5)), np.arange(5.0)
    np.testing.assert_allclose(twin.dense(x, kernel, bias), reference.dense(x, kernel, bias))
    for axis in (-1, 1):
        np.testing.assert_allclose(twin.softmax(x, axis), reference.softmax(x, axis))
    np.testing.assert_array_equal(twin.relu(x), reference.relu(x))
    np.testing.assert_array_equal(twin.relu([np.nan, -1, np.inf]), [np.nan, 0, np.inf])


def test_twin_of_an_empty_batch():
    x = np.zeros((0, 4, 4, 2))
    assert twin.conv2d(x, np.zeros((3, 3, 2, 5))).shape == (0, 2, 2, 5)
    assert twin.im2col(x, 3).shape == (0, 18)
    assert twin.max_pool2d(x).shape == (0, 2, 2, 2)


def test_twin_says_what_is_wrong():
    with pytest.raises(ValueError, match="empty output"):
        twin.conv2d(np.zeros((1, 2, 2, 1)), np.zeros((3, 3, 1, 1)))
    with pytest.raises(ValueError, match=r'padding must be "valid", "same".*got \'foo\''):
        twin.max_pool2d(np.zeros((1, 2, 2, 1)), padding="foo")


def test_twins_are_not_imported_with_the_package():
    program = "import sys, fastconv; sys.exit('fastconv.reference' in sys.modules)"
    programs.run("-c", program)
