"""Small ops that copy, scale or drop: on every instruction set against plain NumPy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastconv import ops
from fastconv.ops import bound

from .compare import assert_within


@pytest.mark.parametrize("pads", [((0, 0), (0, 0)), ((1, 2), (0, 3)), ((4, 0), (1, 1))], ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (1, 1, 1, 17), (0, 2, 2, 3)], ids=str)
def test_zero_pad2d(each_isa, rng, shape, pads):
    x = rng.standard_normal(shape).astype(np.float32)
    y = ops.zero_pad2d(x, pads)
    assert y.dtype == np.float32
    assert not np.shares_memory(x, y)
    np.testing.assert_array_equal(y, np.pad(x, ((0, 0), *pads, (0, 0))))


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.float64, np.int16])
@pytest.mark.parametrize("shape", [(1,), (33, 7), (2, 5, 5, 3)], ids=str)
def test_scale_shift(each_isa, rng, shape, dtype):
    x = rng.integers(0, 256, shape).astype(dtype)
    expected = x.astype(np.float64) * np.float32(1 / 255) - 0.5
    assert_within(ops.scale_shift(x, 1 / 255, -0.5), expected, np.abs(expected) + 1)


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.25, 0.5, 0.9])
def test_dropout_keeps_and_scales(each_isa, rng, rate):
    x = rng.standard_normal((200, 100)).astype(np.float32)
    y, mask = ops.dropout(x, rate, 1234)
    assert set(np.unique(mask)) <= {np.float32(0), np.float32(1 / (1 - rate))}
    np.testing.assert_array_equal(y, x * mask)
    assert abs((mask == 0).mean() - rate) < 0.01  # 3 standard deviations


def test_dropout_of_everything_is_zero(each_isa):
    y, mask = ops.dropout(np.ones((3, 5), np.float32), 1.0, 7)
    assert not y.any()
    assert not mask.any()


def test_dropout_mask_depends_on_the_seed_only(each_isa):
    """The mask of an element does not depend on the values, nor on how many follow it."""
    first = ops.dropout(np.ones(1000, np.float32), 0.5, 99)[1]
    again = ops.dropout(np.full(1000, 3, np.float32), 0.5, 99)[1]
    other = ops.dropout(np.ones(1000, np.float32), 0.5, 100)[1]
    shorter = ops.dropout(np.ones(601, np.float32), 0.5, 99)[1]
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[:601], shorter)
    assert 400 < (first != other).sum() < 600


def test_dropout_accepts_any_64_bit_seed(each_isa):
    x = np.ones(64, np.float32)
    masks = {ops.dropout(x, 0.5, seed)[1].tobytes() for seed in (0, 1, 2**32, 2**63, 2**64 - 1)}
    assert len(masks) == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8])
@pytest.mark.parametrize("shape", [(50,), (50, 7), (50, 6, 5, 3)], ids=str)
def test_take_rows(each_isa, rng, shape, dtype):
    x = rng.integers(0, 256, shape).astype(dtype)
    for indices in (rng.permutation(50)[:32], np.array([49, 0, 0]), np.array([], np.int64)):
        rows = ops.take_rows(x, indices)
        assert rows.dtype == np.float32
        np.testing.assert_array_equal(rows, x[indices].astype(np.float32))


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 1001])
def test_total(rng, size):
    x = (rng.standard_normal(size) * 10.0 ** rng.integers(-6, 7, size)).astype(np.float32)
    assert ops.total(x) == pytest.approx(math.fsum(x.tolist()), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("cols", [1, 2, 10, 100])
def test_count_hits_is_that_of_argmax(rng, cols):
    scores, labels = rng.integers(0, 5, (2, 300, cols)).astype(np.float32)  # with many equals
    for each in (scores, labels):
        each[rng.random(each.shape) < 0.1 / cols] = np.nan
    run = bound.count_hits(scores)
    best = scores.argmax(axis=-1)
    assert run(labels) == np.count_nonzero(best == labels.argmax(axis=-1))
    for classes in (best, rng.integers(0, cols, 300), best - 1):
        assert run(classes) == np.count_nonzero(best == classes)
    assert bound.count_hits(scores[:0])(best[:0]) == 0


@pytest.mark.parametrize("index", [50, -1, 2**40])
def test_take_rows_rejects_indices_out_of_range(index):
    with pytest.raises(ValueError, match=rf"take_rows: indices must.*got {index}"):
        ops.take_rows(np.zeros((50, 3), np.float32), np.array([0, index]))
