"""Convolutions in one and three dimensions, and transposed ones, against float64 loops.

With small integers sums are exact, so that results are compared with ==. Gradients of a linear map
A are checked as its adjoint: <dy, A x> = <A' dy, x> for any x and dy.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from fastconv import ops

from . import reference_nd

CASES = range(24)


def integers(rng, *shape):
    return rng.integers(-4, 5, shape).astype(np.float32)


def dot(a, b):
    return float(np.vdot(np.float64(a), np.float64(b)))


def problem(case, transposed=False):
    """Return a random generator, rank, sizes, window and options."""
    rng = np.random.default_rng([case, transposed])
    rank = (1, 3, 2)[case % 3]

    def ints(low, high):
        return tuple(int(n) for n in rng.integers(low, high + 1, rank))

    strides, dilation = ints(1, 3), ints(1, 2)
    window, padding = ints(1, 3), ("valid", "same")[rng.integers(2)]
    size = ints(1, 5) if transposed else ints(5, 7)
    return rng, size, window, {"strides": strides, "padding": padding, "dilation": dilation}


@pytest.fixture(params=[1, 300, None], ids=["slice by slice", "small blocks", "at once"])
def block(request, monkeypatch):
    """Make conv3d compute so many numbers at a time."""
    if request.param:
        monkeypatch.setattr(sys.modules["fastconv.ops.conv3d"], "_BLOCK", request.param)


@pytest.mark.parametrize("case", CASES)
def test_conv(block, case):
    rng, size, window, options = problem(case)
    groups = int(rng.integers(1, 4))
    if len(size) == 1 and case % 2:
        options["padding"] = "causal"
    x = integers(rng, 3, *size, 2 * groups)
    kernel = integers(rng, *window, 2, 3 * groups)
    bias = integers(rng, 3 * groups)
    expected = reference_nd.conv(x, kernel, groups=groups, **options) + bias
    options["groups"] = groups
    y = ops.conv(x, kernel, bias, **options)
    assert y.dtype == np.float32 and y.flags.c_contiguous
    np.testing.assert_array_equal(y, expected)
    relu = ops.conv(x, kernel, bias, activation="relu", **options)
    np.testing.assert_array_equal(relu, np.maximum(expected, 0))
    dy = integers(rng, *y.shape)
    linear = dot(dy, y - bias)
    dx = ops.conv_backward_input(dy, kernel, x.shape, **options)
    dkernel = ops.conv_backward_filter(x, dy, kernel.shape, **options)
    assert dx.shape == x.shape and dkernel.shape == kernel.shape
    assert dx.flags.c_contiguous and dkernel.flags.c_contiguous
    assert dot(dx, x) == linear
    assert dot(dkernel, kernel) == linear
    # Each entry of the gradients by itself, for it is linear: the loss with one number more.
    at = tuple(int(rng.integers(n)) for n in kernel.shape)
    one = np.zeros_like(kernel)
    one[at] = 1
    options["groups"] = groups
    assert dkernel[at] == dot(dy, ops.conv(x, one, **options))
    at = tuple(int(rng.integers(n)) for n in x.shape)
    one = np.zeros_like(x)
    one[at] = 1
    assert dx[at] == dot(dy, ops.conv(one, kernel, **options))


@pytest.mark.parametrize("case", CASES)
def test_conv_transpose(case):
    rng, size, window, options = problem(case, transposed=True)
    if case % 4 == 1:
        options["output_padding"] = tuple(s - 1 for s in options["strides"])
    x, kernel = integers(rng, 2, *size, 3), integers(rng, *window, 2, 3)
    expected = reference_nd.conv_transpose(x, kernel, **options)
    if 0 in expected.shape:
        with pytest.raises(ValueError, match="empty output"):
            ops.conv_transpose(x, kernel, **options)
        return
    y = ops.conv_transpose(x, kernel, **options)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(
        ops.conv_transpose(x, kernel, [1, -2], activation="relu", **options),
        np.maximum(expected + np.array([1, -2]), 0),
    )
    dy = integers(rng, *y.shape)
    dx = ops.conv_transpose_backward_input(dy, kernel, x.shape, **options)
    dkernel = ops.conv_transpose_backward_filter(x, dy, kernel.shape, **options)
    assert dx.shape == x.shape and dkernel.shape == kernel.shape
    assert dot(dx, x) == dot(dkernel, kernel) == dot(dy, y)


@pytest.mark.parametrize(
    ("n", "k", "s", "padding", "output_padding", "expected"),
    [  # Keras 3.15: x = 1, 2, ..., kernel = 1, 10, 100, ...
        (3, 3, 2, "same", None, [1, 10, 102, 20, 203, 30]),
        (3, 3, 2, "valid", None, [1, 10, 102, 20, 203, 30, 300]),
        (2, 1, 3, "valid", None, [1, 0, 0, 2, 0, 0]),
        (2, 2, 3, "same", None, [1, 10, 0, 2, 20, 0]),
        (2, 3, 2, "valid", 1, [1, 10, 102, 20, 200, 0]),
        (2, 4, 1, "same", None, [12, 120]),
    ],
)
def test_conv_transpose_has_the_size_of_keras(n, k, s, padding, output_padding, expected):
    x = np.arange(1, n + 1, dtype=np.float32).reshape(1, n, 1)
    kernel = (10.0 ** np.arange(k)).reshape(k, 1, 1)
    y = ops.conv_transpose(x, kernel, strides=s, padding=padding, output_padding=output_padding)
    np.testing.assert_array_equal(y.ravel(), expected)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling(kind, case):
    rng, size, window, options = problem(case)
    del options["dilation"]
    x = integers(rng, 2, *size, 2)  # full of ties
    expected, expected_dx = reference_nd.pool(x, window, kind=kind, **options)
    numbers = np.arange(1, expected.size + 1, dtype=np.float32).reshape(expected.shape)
    if kind == "max":
        y, argmax = ops.max_pool(x, window, return_argmax=True, **options)
        np.testing.assert_array_equal(y, expected)
        np.testing.assert_array_equal(ops.max_pool(x, window, **options), expected)
        dx = ops.max_pool_backward(numbers, argmax, x.shape, window, **options)
        np.testing.assert_array_equal(dx, expected_dx)
    else:
        y = ops.average_pool(x, window, **options)
        np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)
        dx = ops.average_pool_backward(numbers, x.shape, window, **options)
        assert abs(dot(dx, x) - dot(numbers, y)) <= 1e-6 * dot(numbers, np.abs(y)) + 1e-3


def test_max_pooling_of_volumes_propagates_nan_and_marks_the_first():
    x = np.zeros((1, 4, 4, 4, 1), np.float32)
    x[0, 0, 1, 1], x[0, 1, 0, 0] = np.nan, np.nan
    x[0, 2:, 2:, 2:] = -np.inf
    y, argmax = ops.max_pool(x, 2, return_argmax=True)
    assert np.isnan(y[0, 0, 0, 0, 0]) and np.isnan(y).sum() == 1
    assert y[0, 1, 1, 1, 0] == -np.inf
    dx = ops.max_pool_backward(np.ones_like(y), argmax, x.shape, 2)
    assert dx[0, 0, 1, 1, 0] == 1 and dx[0, 1, 0, 0, 0] == 0
    assert dx[0, 2, 2, 2, 0] == 1 and dx.sum() == y.size


@pytest.mark.parametrize("kind", ["max", "average"])
@pytest.mark.parametrize(
    ("size", "output_size"),
    [((5,), (3,)), ((3,), (5,)), ((6, 7), (3, 4)), ((4, 5, 6), (2, 3, 4)), ((4, 4, 4), (1, 1, 1))],
)
def test_adaptive_pooling(rng, kind, size, output_size):
    x = integers(rng, 2, *size, 3)
    expected = reference_nd.adaptive_pool(x, output_size, kind)
    dy = integers(rng, *expected.shape)
    if kind == "max":
        y, argmax = ops.adaptive_max_pool(x, output_size, return_argmax=True)
        np.testing.assert_array_equal(y, ops.adaptive_max_pool(x, output_size))
        dx = ops.adaptive_max_pool_backward(dy, argmax, x.shape, output_size)
    else:
        y = ops.adaptive_average_pool(x, output_size)
        dx = ops.adaptive_average_pool_backward(dy, x.shape, output_size)
    np.testing.assert_allclose(y, expected, rtol=1e-6, atol=1e-6)
    assert abs(dot(dx, x) - dot(dy, y)) < 1e-4


def test_adaptive_max_pooling_takes_the_first_of_equals():
    x = np.ones((1, 3, 3, 1), np.float32)
    _, argmax = ops.adaptive_max_pool(x, 2, return_argmax=True)
    dx = ops.adaptive_max_pool_backward(np.ones((1, 2, 2, 1)), argmax, x.shape, 2)
    np.testing.assert_array_equal(dx[0, ..., 0], [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


def f32(*shape):
    return np.zeros(shape, np.float32)


#: what: (call, what its message says)
WRONG = {
    "conv rank": (lambda: ops.conv(f32(1, 2), f32(3, 3)), r"conv: kernel must have 3 or 4 or 5"),
    "depthwise rank": (lambda: ops.depthwise_conv(f32(1, 2, 2, 2, 1), f32(1, 1, 1, 1, 1)),
                       r"depthwise_conv: kernel must have 3 or 4 dimensions, got 5"),
    "conv1d x": (lambda: ops.conv1d(f32(2, 5, 5, 1), f32(3, 1, 1)), r"conv1d: x must have 3 dim"),
    "conv1d padding": (lambda: ops.conv1d(f32(2, 5, 1), f32(3, 1, 1), padding="full"),
                       r'conv1d: padding must be.*"valid"'),
    "conv1d empty": (lambda: ops.conv1d(f32(2, 2, 1), f32(3, 1, 1)), r"conv2d: empty output"),
    "conv3d x": (lambda: ops.conv3d(f32(2, 5, 5, 1), f32(3, 3, 3, 1, 1)),
                 r"conv3d: x must have shape \(N, D, H, W, C\)"),
    "conv3d kernel": (lambda: ops.conv3d(f32(2, 5, 5, 5, 1), f32(3, 3, 1, 1)),
                      r"conv3d: kernel must have shape \(KD, KH, KW"),
    "conv3d channels": (lambda: ops.conv3d(f32(2, 5, 5, 5, 1), f32(3, 3, 3, 2, 1)),
                        r"conv3d: x has C=1 but kernel .* needs C=2"),
    "conv3d empty": (lambda: ops.conv3d(f32(2, 2, 5, 5, 1), f32(3, 3, 3, 1, 1)),
                     r"conv3d: empty output: D=2 .* window depth 3"),
    "conv3d padding": (lambda: ops.conv3d(f32(2, 5, 5, 5, 1), f32(3, 3, 3, 1, 1), padding=1),
                       r"conv3d: padding must be .*\(front, back\).*got 1"),
    "conv3d dy": (lambda: ops.conv3d_backward_filter(f32(1, 3, 3, 3, 1), f32(1, 2, 1, 1, 1),
                                                     (3, 3, 3, 1, 1)),
                  r"conv3d_backward_filter: dy must have the shape \(1, 1, 1, 1, 1\)"),
    "transposed ranks": (lambda: ops.conv_transpose(f32(1, 2, 2, 1), f32(3, 1, 1)),
                         r"conv_transpose: .*the same number"),
    "transposed channels": (lambda: ops.conv_transpose(f32(1, 2, 1), f32(3, 1, 2)),
                            r"conv_transpose: x has C=1 but kernel \(3, 1, 2\)"),
    "transposed bias": (lambda: ops.conv_transpose(f32(1, 2, 1), f32(3, 2, 1), f32(1)),
                        r"conv_transpose: bias must have shape \(2,\), got \(1,\)"),
    "transposed padding": (lambda: ops.conv_transpose(f32(1, 2, 1), f32(3, 2, 1), padding="full"),
                           r'conv_transpose: padding must be one of "valid", "same"'),
    "output padding": (lambda: ops.conv_transpose(f32(1, 2, 1), f32(3, 2, 1), output_padding=1),
                       r"output_padding must be less than strides.*got output_padding=\(1,\)"),
    "transposed dy": (lambda: ops.conv_transpose_backward_filter(
        f32(1, 2, 1), f32(1, 3, 2), (3, 2, 1)), r"dy must have the shape \(1, 4, 2\)"),
    "pool rank": (lambda: ops.max_pool(f32(2, 2), 2), r"max_pool: x must have one to three"),
    "pool size": (lambda: ops.average_pool(f32(1, 4, 4, 4, 1), (2, 2)), r"pool_size must be"),
    "pool dy": (lambda: ops.average_pool_backward(f32(1, 3, 1), (1, 4, 1), 2),
                r"average_pool_backward: dy must have shape \(1, 2, 1\)"),
    "adaptive empty": (lambda: ops.adaptive_max_pool(f32(1, 0, 1), 2), r"must not be empty"),
    "adaptive size": (lambda: ops.adaptive_average_pool(f32(1, 3, 1), 0), r"output_size must be"),
    "adaptive dy": (lambda: ops.adaptive_average_pool_backward(f32(1, 3, 1), (1, 4, 1), 2),
                    r"dy must have shape \(1, 2, 1\)"),
    "zero_pad": (lambda: ops.zero_pad(f32(1, 2, 1), ((1, -1),)), r"zero_pad: padding must be"),
    "crop": (lambda: ops.crop(f32(1, 2, 1), ((2, 1),)), r"crop: cropping must leave something"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_are_explained(what):
    call, message = WRONG[what]
    with pytest.raises(ValueError, match=message):
        call()
