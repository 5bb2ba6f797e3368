"""Batch normalization and its gradients on every instruction set against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

from .. import reference
from .compare import assert_within

SHAPES = [
    (4, 5, 6, 1), (4, 5, 6, 3), (2, 7, 7, 8), (3, 4, 5, 17), (2, 3, 3, 64), (1, 2, 3, 65),
    (32, 10), (33, 130), (5, 6, 16), (20, 9, 9, 4), (40, 9, 8), (1101, 16), (9, 60, 32), (20, 300),
]  # fmt: skip


def draw(rng, shape, offset=0.0, scale=1.0):
    C = shape[-1]
    x = (offset + scale * rng.standard_normal(shape)).astype(np.float32)
    gamma = (1 + 0.3 * rng.standard_normal(C)).astype(np.float32)
    beta = rng.standard_normal(C).astype(np.float32)
    return x, gamma, beta


def normalised_bound(x, gamma, beta, mean, variance, epsilon):
    """Magnitudes added up in (x - mean) * inv * gamma + beta."""
    inv = 1 / np.sqrt(np.float64(variance) + epsilon)
    gamma = 1.0 if gamma is None else np.abs(gamma)
    return (np.abs(x) + np.abs(mean)) * inv * gamma + (0.0 if beta is None else np.abs(beta))


@pytest.mark.parametrize("with_affine", ["both", "gamma", "beta", "neither"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm(each_isa, rng, shape, with_affine):
    x, gamma, beta = draw(rng, shape)
    gamma = gamma if with_affine in ("both", "gamma") else None
    beta = beta if with_affine in ("both", "beta") else None
    mean = rng.standard_normal(shape[-1]).astype(np.float32)
    variance = rng.random(shape[-1]).astype(np.float32) + np.float32(0.1)
    for epsilon in (1e-3, 1e-5):
        assert_within(
            ops.batch_norm(x, gamma, beta, mean, variance, epsilon),
            reference.batch_norm(x, gamma, beta, mean, variance, epsilon),
            2 * normalised_bound(x, gamma, beta, mean, variance, epsilon),
        )


@pytest.mark.parametrize(("offset", "scale"), [(0, 1), (5, 0.1), (-1000, 1)])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_batch_norm_train(each_isa, rng, shape, offset, scale):
    """Large offsets ruin the variance when it is computed as E[x^2] - E[x]^2."""
    x, gamma, beta = draw(rng, shape, offset, scale)
    y, mean, variance = ops.batch_norm_train(x, gamma, beta, 1e-3)
    expected, expected_mean, expected_variance = reference.batch_norm_train(x, gamma, beta, 1e-3)
    assert_within(mean, expected_mean, np.abs(np.float64(x)).reshape(-1, shape[-1]).mean(axis=0))
    np.testing.assert_allclose(variance, expected_variance, rtol=2e-6, atol=1e-12)
    bound = normalised_bound(x, gamma, beta, expected_mean, expected_variance, 1e-3)
    assert_within(y, expected, 4 * bound)


def test_batch_norm_train_constant_channel(each_isa):
    """A channel without any variance comes out as beta, exactly."""
    x = np.full((3, 4, 4, 5), 0.1, np.float32)
    beta = np.arange(5, dtype=np.float32)
    y, mean, variance = ops.batch_norm_train(x, None, beta)
    np.testing.assert_allclose(mean, x[0, 0, 0], rtol=1e-6)
    assert (variance <= 1e-14).all()
    np.testing.assert_allclose(y, np.broadcast_to(beta, x.shape), atol=1e-6)


@pytest.mark.parametrize("with_gamma", [True, False])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("op", ["batch_norm_backward", "batch_norm_inference_backward"])
def test_batch_norm_backward(each_isa, rng, op, shape, with_gamma):
    x, gamma, _ = draw(rng, shape, 0.5)
    gamma = gamma if with_gamma else None
    dy = rng.standard_normal(shape).astype(np.float32)
    _, mean, variance = reference.batch_norm_train(x, None, None)
    mean, variance = mean.astype(np.float32), variance.astype(np.float32)
    if op == "batch_norm_inference_backward":
        mean, variance = mean + np.float32(0.2), variance * np.float32(1.5)
    arguments = (dy, x, gamma, mean, variance, 1e-3)
    dx, dgamma, dbeta = getattr(ops, op)(*arguments)
    expected_dx, expected_dgamma, expected_dbeta = getattr(reference, op)(*arguments)

    inv = 1 / np.sqrt(np.float64(variance) + 1e-3)
    leading = tuple(range(x.ndim - 1))
    magnitude = (np.abs(np.float64(x)) + np.abs(mean)) * inv
    bound_dbeta = np.abs(np.float64(dy)).sum(axis=leading)
    bound_dgamma = (np.abs(dy) * magnitude).sum(axis=leading)
    assert_within(dbeta, expected_dbeta, bound_dbeta)
    assert_within(dgamma, expected_dgamma, 2 * bound_dgamma)
    count = x.size // shape[-1]
    bound_dx = np.abs(dy) + (bound_dbeta + magnitude * bound_dgamma) / count
    assert_within(dx, expected_dx, 2 * bound_dx * inv * (1 if gamma is None else np.abs(gamma)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_batch_norm_non_finite_values_stay_in_their_channel(each_isa, rng, value):
    x, gamma, beta = draw(rng, (3, 4, 5, 9))
    x[1, 2, 3, 4] = value
    y, mean, variance = ops.batch_norm_train(x, gamma, beta)
    others = np.arange(9) != 4
    assert np.isnan(y[..., 4]).any()
    assert not np.isfinite(mean[4])
    assert not np.isfinite(variance[4])
    assert np.isfinite(y[..., others]).all()
    assert np.isfinite(mean[others]).all()
    assert np.isfinite(variance[others]).all()
