"""im2col on every instruction set: it only copies, so it must be equal, not close."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

from .. import reference
from .compare import poison
from .problems import CONVS, data


@pytest.mark.parametrize("problem", [p for p in CONVS if p.groups == 1], ids=str)
def test_im2col(each_isa, problem):
    x, window = data(problem).x, problem.kernel[:2]
    expected = reference.im2col(x, window, **problem.geometry)
    poison(expected.shape)
    columns = ops.im2col(x, window, **problem.geometry)
    assert columns.dtype == np.float32
    assert columns.flags.c_contiguous
    assert not np.shares_memory(columns, x)
    np.testing.assert_array_equal(columns, expected.astype(np.float32))


def test_im2col_times_kernel_is_conv2d(each_isa):
    problem = next(p for p in CONVS if p.name == "d2 s2")
    arrays = data(problem, integer=True)
    columns = ops.im2col(arrays.x, problem.kernel[:2], **problem.geometry)
    product = ops.matmul(columns, arrays.kernel.reshape(-1, problem.kernel[3]))
    np.testing.assert_array_equal(
        product.reshape(problem.y), ops.conv2d(arrays.x, arrays.kernel, **problem.options)
    )


@pytest.mark.parametrize("problem", [p for p in CONVS if p.groups == 1], ids=str)
def test_col2im(each_isa, problem):
    """Integers, so that overlapping windows add up exactly."""
    x, window = data(problem, integer=True).x, problem.kernel[:2]
    columns = 2 * reference.im2col(x, window, **problem.geometry).astype(np.float32) + 1
    expected = reference.col2im(columns, problem.x, window, **problem.geometry)
    poison(expected.shape)
    image = ops.col2im(columns, problem.x, window, **problem.geometry)
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image, expected)


def test_im2col_keeps_non_finite_values(each_isa):
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    x[0, 1, 1], x[0, 2, 2], x[0, 3, 3] = np.nan, np.inf, -np.inf
    np.testing.assert_array_equal(
        ops.im2col(x, 3, padding="same"), reference.im2col(x, (3, 3), padding="same")
    )
