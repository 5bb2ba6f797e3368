"""How results are compared: float32 tolerances from theory, and equality bit by bit."""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(np.float32).eps)
TINY = float(np.finfo(np.float32).tiny)  # kernels may flush smaller results to zero


def assert_within(result, expected, bound, factor=4.0):
    """Check float32 `result` against float64 `expected`: |error| <= factor * eps * bound.

    `bound` is the same computation on absolute values: it is the sum of the magnitudes that were
    added up, hence tight for every length of sum. Non-finite values must match exactly.
    """
    assert isinstance(result, np.ndarray)
    assert result.dtype == np.float32
    assert result.shape == expected.shape
    assert result.flags.c_contiguous
    finite = np.isfinite(expected)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(expected), "NaN in other places")
    infinite = np.isinf(expected)
    np.testing.assert_array_equal(result[infinite], expected[infinite], "other infinities")
    assert np.isfinite(result[finite]).all(), "finite results became infinite or NaN"
    error = np.abs(np.where(finite, result, 0.0) - np.where(finite, expected, 0.0))
    allowed = np.where(finite, factor * EPS * np.broadcast_to(bound, error.shape), 0.0) + TINY
    ratio = error / allowed
    if (ratio > 1).any():
        worst = np.unravel_index(ratio.argmax(), ratio.shape)
        where = tuple(int(i) for i in worst)
        raise AssertionError(
            f"{(ratio > 1).sum()} of {ratio.size} elements are off; the worst, at {where}: "
            f"got {result[worst]!r}, expected {expected[worst]!r}, "
            f"error {error[worst]:.3g} is {ratio[worst]:.3g} times the tolerance"
        )


def assert_same_bits(result, expected, what=""):
    """Check that two results, arrays or tuples of arrays, agree bit by bit."""
    if isinstance(expected, tuple):
        assert len(result) == len(expected), what
        for one, other in zip(result, expected, strict=True):
            assert_same_bits(one, other, what)
        return
    result, expected = np.asarray(result), np.asarray(expected)
    assert result.dtype == expected.dtype, what
    assert result.shape == expected.shape, what
    if result.tobytes() != expected.tobytes():
        differ = result != expected
        raise AssertionError(f"{what}: {differ.sum()} of {differ.size} elements differ")


def poison(shape):
    """Leave NaN in the memory that the next array of this shape is likely to get."""
    np.full(shape, np.nan, np.float32)
