"""Fused softmax/sigmoid cross-entropy on every instruction set against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

from .. import reference
from .compare import assert_within

SHAPES = [(1, 1), (1, 10), (7, 2), (32, 10), (33, 17), (5, 100), (3, 1000), (64, 3), (0, 5)]


def draw(rng, M, C, scale=1.0):
    return (scale * rng.standard_normal((M, C))).astype(np.float32)


def check_softmax(logits, labels, weights=None):
    loss, dlogits = ops.softmax_cross_entropy(logits, labels, weights)
    expected, expected_gradient = reference.softmax_cross_entropy(logits, labels, weights)
    spread = np.float64(logits).max(axis=1) - np.float64(logits).min(axis=1) + 4
    scale = 1.0 if weights is None else np.abs(weights)[:, None]
    assert_within(loss, expected, spread)
    assert_within(dlogits, expected_gradient, spread[:, None] * scale)


@pytest.mark.parametrize("scale", [1, 30])
@pytest.mark.parametrize(("M", "C"), SHAPES)
def test_softmax_cross_entropy_of_integers(each_isa, rng, M, C, scale):
    labels = rng.integers(0, C, M)
    for dtype in (np.int64, np.int32, np.uint8 if C <= 256 else np.uint16):
        check_softmax(draw(rng, M, C, scale), labels.astype(dtype))


@pytest.mark.parametrize(("M", "C"), SHAPES)
def test_softmax_cross_entropy_of_one_hot_rows_equals_integers(each_isa, rng, M, C):
    logits, labels = draw(rng, M, C), rng.integers(0, C, M)
    one_hot = np.eye(C, dtype=np.float32)[labels]
    check_softmax(logits, one_hot)
    by_row, by_integer = (
        ops.softmax_cross_entropy(logits, one_hot),
        ops.softmax_cross_entropy(logits, labels),
    )
    assert_within(by_row[0], by_integer[0].astype(np.float64), np.abs(by_integer[0]) + 1)
    assert_within(by_row[1], by_integer[1].astype(np.float64), 1.0)


@pytest.mark.parametrize(("M", "C"), SHAPES)
def test_softmax_cross_entropy_of_soft_labels(each_isa, rng, M, C):
    """Rows that do not sum to one are legal: label smoothing, masks, an all-zero row."""
    labels = rng.random((M, C)).astype(np.float32) / C
    labels[::3] = 0
    check_softmax(draw(rng, M, C), labels)


@pytest.mark.parametrize(("M", "C"), SHAPES)
def test_cross_entropy_weights_scale_the_gradient_only(each_isa, rng, M, C):
    weights = rng.random(M).astype(np.float32) * 3
    weights[::4] = 0
    check_softmax(draw(rng, M, C), rng.integers(0, C, M), weights)
    labels = rng.random((M, C)).astype(np.float32)
    check_sigmoid(draw(rng, M, C), labels, weights)


def test_softmax_cross_entropy_does_not_saturate(each_isa):
    """The loss of a hopeless sample is its true value and its gradient is not zero."""
    logits = np.array([[50, -50], [1000, -1000], [-3e38, 3e38]], np.float32)
    loss, dlogits = ops.softmax_cross_entropy(logits, np.array([1, 1, 1]))
    np.testing.assert_array_equal(loss, [100, 2000, 0])
    np.testing.assert_array_equal(dlogits, [[1, -1], [1, -1], [0, 0]])


def check_sigmoid(logits, labels, weights=None):
    loss, dlogits = ops.sigmoid_cross_entropy(logits, labels, weights)
    expected, expected_gradient = reference.sigmoid_cross_entropy(logits, labels, weights)
    scale = 1.0 if weights is None else np.abs(weights)[:, None]
    assert_within(loss, expected, np.abs(np.float64(logits)).mean(axis=1) + 4)
    assert_within(dlogits, expected_gradient, 4.0 * scale / logits.shape[1])


@pytest.mark.parametrize("scale", [1, 30])
@pytest.mark.parametrize(("M", "C"), SHAPES)
def test_sigmoid_cross_entropy(each_isa, rng, M, C, scale):
    check_sigmoid(draw(rng, M, C, scale), rng.integers(0, 2, (M, C)).astype(np.float32))
    check_sigmoid(draw(rng, M, C, scale), rng.random((M, C)).astype(np.float32))


def test_sigmoid_cross_entropy_does_not_saturate(each_isa):
    logits = np.array([[50], [-50], [1000], [-1000]], np.float32)
    labels = np.array([[0], [1], [0], [0]], np.float32)
    loss, dlogits = ops.sigmoid_cross_entropy(logits, labels)
    np.testing.assert_array_equal(loss, [50, 50, 1000, 0])
    np.testing.assert_array_equal(dlogits, [[1], [-1], [1], [0]])


def test_cross_entropy_nan_stays_in_its_row(each_isa, rng):
    logits = draw(rng, 9, 5)
    logits[4, 2] = np.nan
    labels = rng.integers(0, 5, 9)
    one_hot = np.eye(5, dtype=np.float32)[labels]
    for loss, dlogits in (
        ops.softmax_cross_entropy(logits, labels),
        ops.sigmoid_cross_entropy(logits, one_hot),
    ):
        np.testing.assert_array_equal(np.isnan(loss), np.arange(9) == 4)
        np.testing.assert_array_equal(np.isnan(dlogits).any(axis=1), np.arange(9) == 4)


@pytest.mark.parametrize("label", [5, -1, 2**40])
def test_softmax_cross_entropy_rejects_labels_out_of_range(label):
    labels = np.array([0, 4, label, 1])
    with pytest.raises(ValueError, match=rf"softmax_cross_entropy: labels must.* got {label}"):
        ops.softmax_cross_entropy(np.zeros((4, 5), np.float32), labels)
