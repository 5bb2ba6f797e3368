"""Normalization of groups: against float64 loops, gradients, and independence of the batch."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

from .compare import EPS, assert_same_bits

SHAPES = [(5, 1, 1, 7), (300, 1, 1, 33), (3, 4, 6, 2), (2, 3, 500, 40), (4, 6, 5, 1), (3, 1, 1, 1)]


def draw(rng, shape, offset=0.0):
    x = (rng.standard_normal(shape) + offset).astype(np.float32)
    gamma = (1 + 0.3 * rng.standard_normal((shape[1], shape[3]))).astype(np.float32)
    beta = rng.standard_normal((shape[1], shape[3])).astype(np.float32)
    return x, gamma, beta


def reference(x, gamma, beta, epsilon, center):
    """Plain loops in float64."""
    y = np.empty(x.shape)
    for n in range(x.shape[0]):
        for g in range(x.shape[1]):
            group = x[n, g].astype(np.float64)
            if center:
                group = group - group.mean()
            scaled = group / np.sqrt((group**2).mean() + epsilon)
            y[n, g] = scaled * (1 if gamma is None else gamma[g]) + (0 if beta is None else beta[g])
    return y


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("offset", [0, 1000])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_forward(rng, shape, offset, center):
    x, gamma, beta = draw(rng, shape, offset)
    for weights in ((gamma, beta), (None, beta), (gamma, None)):
        y, _, _ = ops.normalize_groups(x, *weights, 1e-3, center)
        expected = reference(x, *weights, 1e-3, center)
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, expected, rtol=EPS, atol=1e-9)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("shape", [(3, 2, 4, 3), (4, 1, 1, 6)], ids=str)
def test_backward(rng, shape, center):
    """Central differences of the float64 loops."""
    x, gamma, beta = draw(rng, shape)
    dy = rng.standard_normal(shape).astype(np.float32)
    _, mean, inverse = ops.normalize_groups(x, gamma, beta, 0.1, center)
    found = ops.normalize_groups_backward(dy, x, gamma, mean, inverse, center)
    arrays = [x.astype(np.float64), gamma.astype(np.float64), beta.astype(np.float64)]
    for array, gradient in zip(arrays, found, strict=True):
        expected = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            kept, values = array[index], []
            for sign in (1, -1):
                array[index] = kept + sign * 1e-5
                values.append((reference(*arrays, 0.1, center) * dy).sum())
            array[index] = kept
            expected[index] = (values[0] - values[1]) / 2e-5
        assert gradient.dtype == np.float32
        np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_do_not_depend_on_the_batch(rng, shape):
    x, gamma, beta = draw(rng, shape)
    dy = rng.standard_normal(shape).astype(np.float32)
    y, mean, inverse = ops.normalize_groups(x, gamma, beta, 1e-3)
    dx = ops.normalize_groups_backward(dy, x, gamma, mean, inverse)[0]
    for part in (slice(0, 1), slice(1, 3), slice(2, None)):
        z, *kept = ops.normalize_groups(x[part], gamma, beta, 1e-3)
        assert_same_bits(z, y[part])
        assert_same_bits(
            ops.normalize_groups_backward(dy[part], x[part], gamma, *kept)[0], dx[part]
        )


def test_nothing_to_normalize():
    for shape in ((0, 2, 3, 4), (2, 2, 0, 4)):
        x = np.zeros(shape, np.float32)
        y, *kept = ops.normalize_groups(x, None, None, 1e-3)
        dx, dgamma, dbeta = ops.normalize_groups_backward(x, x, None, *kept)
        assert y.shape == dx.shape == shape
        assert not dgamma.any() and not dbeta.any()
