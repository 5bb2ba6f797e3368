"""Convolutions that add an array before they write their results: the bits of doing it apart."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import config
from fastconv.ops import bound
from fastconv.ops.algorithms.algorithm import AddingAlgorithm
from fastconv.ops.algorithms.plan import CONV2D_ALGORITHMS
from fastconv.ops.packed import PackedKernel

ADDING = [one for one in CONV2D_ALGORITHMS if isinstance(one, AddingAlgorithm)]
#: (N, H, W, C), F, size of the kernel, what the convolution's arguments differ in.
CASES = [
    ((2, 9, 8, 3), 5, 3, {}),
    ((3, 14, 13, 16), 33, 3, {"padding": "valid"}),
    ((2, 11, 12, 32), 24, 1, {}),
    ((1, 7, 6, 700), 40, 1, {}),  # several chains
    ((2, 5, 5, 90), 20, 3, {}),
    ((2, 17, 17, 6), 8, 3, {"strides": 2}),
    ((2, 12, 10, 4), 6, 3, {"groups": 2}),
    ((2, 12, 10, 4), 6, 3, {"dilation": 2}),
    ((2, 6, 6, 200), 2, 1, {}),  # few columns
    ((1, 1, 1, 40), 100, 1, {}),  # one row
    ((0, 6, 6, 2), 3, 3, {}),
]


def test_who_adds():
    assert {algorithm.name for algorithm in ADDING} >= {"direct", "split", "winograd2"}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("algorithm", ADDING, ids=lambda a: a.name)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_bits(each_isa, case, algorithm, threads, monkeypatch):
    shape, filters, size, arguments = case
    given = {"strides": 1, "padding": "same", "dilation": 1, "groups": 1} | arguments
    rng = np.random.default_rng(1)
    x = rng.standard_normal(shape, np.float32)
    if x.size > 100:
        x[0, 3, 2, 0] = np.nan  # tiles of Winograd that are computed directly
    kernel_shape = size, size, shape[3] // given["groups"], filters
    kernel = PackedKernel(rng.standard_normal(kernel_shape, np.float32))
    p = bound.conv_problem(shape, kernel_shape, **given)
    if algorithm.unsupported_reason(p, "forward"):
        pytest.skip("no kernel for this problem")
    monkeypatch.setattr(bound, "plan_conv2d", lambda *_: algorithm)
    assert bound.can_add(p)
    more = rng.standard_normal(p.y_shape, np.float32)
    config.set_num_threads(threads)
    for bias in (None, rng.standard_normal(filters, np.float32)):
        for activation in (0, 1, 2):
            y = np.empty(p.y_shape, np.float32)
            bound.conv2d(p, x, kernel, bias, 0, y)()
            expected = np.empty(p.y_shape, np.float32)
            bound.add([y, more], expected, activation)()
            got = np.full(p.y_shape, 7, np.float32)
            bound.conv2d_add(p, x, kernel, bias, more, activation, got)()
            np.testing.assert_array_equal(got, expected)
    config.set_num_threads(1)
