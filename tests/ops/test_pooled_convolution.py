"""Convolutions whose results are pooled before they are written: the bits of doing it apart."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import config
from fastconv.ops import bound
from fastconv.ops.algorithms.plan import CONV2D_ALGORITHMS
from fastconv.ops.packed import PackedKernel

POOLING = [algorithm for algorithm in CONV2D_ALGORITHMS if algorithm.name != "depthwise"]
#: (N, H, W, C), F, windows (KH, KW, SH, SW), what the convolution's arguments differ in.
CASES = [
    ((2, 9, 8, 3), 5, (2, 2, 2, 2), {}),
    ((3, 14, 13, 16), 33, (2, 2, 2, 2), {"padding": "valid"}),
    ((2, 31, 30, 8), 16, (3, 2, 3, 4), {}),
    ((1, 70, 66, 4), 40, (2, 3, 2, 3), {}),
    ((2, 17, 17, 6), 8, (5, 5, 7, 5), {"strides": 2}),
    ((2, 12, 10, 4), 6, (2, 2, 2, 2), {"groups": 2}),
    ((2, 12, 10, 4), 6, (1, 1, 2, 2), {"dilation": 2}),
    ((5, 6, 6, 2), 3, (6, 6, 6, 6), {}),
    ((2, 12, 10, 16), 2, (2, 2, 2, 2), {}),  # few columns: summed in lanes
    ((1, 8, 8, 100), 20, (2, 2, 2, 2), {}),  # several chains
    ((1, 40, 300, 2), 20, (2, 2, 2, 2), {}),
    ((0, 6, 6, 2), 3, (2, 2, 2, 2), {}),
]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("algorithm", POOLING, ids=lambda a: a.name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_bits(each_isa, case, algorithm, threads, monkeypatch):
    shape, filters, window, arguments = case
    given = {"strides": 1, "padding": "same", "dilation": 1, "groups": 1} | arguments
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape, np.float32)
    if x.size:
        x[0, 3, 2, 0] = np.nan  # tiles of Winograd that are computed directly
    kernel_shape = 3, 3, shape[3] // given["groups"], filters
    kernel = PackedKernel(rng.standard_normal(kernel_shape, np.float32))
    bias = rng.standard_normal(filters, np.float32)
    p = bound.conv_problem(shape, kernel_shape, **given)
    if algorithm.unsupported_reason(p, "forward"):
        pytest.skip("no kernel for this problem")
    monkeypatch.setattr(bound, "plan_conv2d", lambda *_: algorithm)
    geometry = (*window, 0, 0)
    if not bound.can_pool(p, geometry):
        assert algorithm.name in ("im2col", "split")
        return
    (n, height, width, _), (kh, kw, sh, sw) = p.y_shape, window
    pooled = n, (height - kh) // sh + 1, (width - kw) // sw + 1, filters
    config.set_num_threads(threads)
    y = np.empty(p.y_shape, np.float32)
    bound.conv2d(p, x, kernel, bias, 0, y)()
    for activation in (0, 1):
        expected, got = np.empty(pooled, np.float32), np.full(pooled, 7, np.float32)
        places, at = np.empty(pooled, np.int8), np.full(pooled, 99, np.int8)
        bound.max_pool2d(y, expected, places, geometry, activation)()
        bound.conv2d_max_pool2d(p, x, kernel, bias, got, at, geometry, activation)()
        assert got.tobytes() == expected.tobytes()
        assert at.tobytes() == places.tobytes()
        got[:] = 7
        bound.conv2d_max_pool2d(p, x, kernel, bias, got, None, geometry, activation)()
        np.testing.assert_array_equal(got, expected)
    config.set_num_threads(1)


def test_windows_that_overlap_or_are_padded_are_pooled_apart():
    p = bound.conv_problem(
        (1, 8, 8, 4), (3, 3, 4, 4), strides=1, padding="same", dilation=1, groups=1
    )
    assert bound.can_pool(p, (2, 2, 2, 2, 0, 0))
    assert not bound.can_pool(p, (3, 2, 2, 2, 0, 0))
    assert not bound.can_pool(p, (2, 2, 2, 2, 1, 0))
