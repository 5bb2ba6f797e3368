"""Resizing and enlarging images: values of Keras, gradients as adjoints, and the edges."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

#: Keras 3.15 on JAX: (interpolation, antialias, input row, outputs)
ROWS = [
    ("bilinear", False, [0, 1, 2, 3], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3]),
    ("bilinear", False, [0, 1, 2, 3, 4], [1 / 3, 2, 11 / 3]),
    ("bilinear", False, [5], [5, 5, 5]),
    ("bilinear", True, [0, 1, 2, 3], [5 / 7, 16 / 7]),
    ("nearest", False, [0, 1, 2, 3, 4], [0, 2, 4]),
    ("nearest", True, [0, 1, 2], [0, 0, 1, 2, 2]),
    ("bicubic", False, [0, 1, 4, 9], [-0.0882353, 0.1240876, 0.5725191, 1.5625, 3.0625, 5.3129773,
                                      8.1167890, 9.4411770]),
    ("lanczos3", False, [0, 1, 4], [-0.0098674, 0.0208106, 1.0, 3.1167579, 4.2914590]),
]  # fmt: skip


@pytest.mark.parametrize(("interpolation", "antialias", "row", "expected"), ROWS)
def test_resize_along_either_axis(interpolation, antialias, row, expected):
    x = np.array(row, np.float32)
    y = ops.resize(x.reshape(1, 1, -1, 1), (1, len(expected)), interpolation, antialias)
    np.testing.assert_allclose(y.ravel(), expected, atol=2e-5)
    y = ops.resize(x.reshape(1, -1, 1, 1), (len(expected), 1), interpolation, antialias)
    np.testing.assert_allclose(y.ravel(), expected, atol=2e-5)


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest", "bicubic", "lanczos3"])
@pytest.mark.parametrize("size", [(3, 9), (14, 4), (7, 5), (1, 1)])
def test_resize_backward_is_the_adjoint(rng, interpolation, antialias, size):
    """A linear map A and its gradient: <dy, A x> = <A' dy, x> for any x and dy."""
    x = rng.standard_normal((3, 7, 5, 2)).astype(np.float32)
    y = ops.resize(x, size, interpolation, antialias)
    assert y.shape == (3, *size, 2) and y.dtype == np.float32 and y.flags.c_contiguous
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = ops.resize_backward(dy, (7, 5), interpolation, antialias)
    assert dx.shape == x.shape and dx.flags.c_contiguous
    scale = np.abs(np.float64(dy) * y).sum()
    assert abs(np.vdot(np.float64(dy), y) - np.vdot(np.float64(dx), x)) < 1e-5 * scale
    if size == (7, 5):
        np.testing.assert_array_equal(y, x)


def test_resize_of_images_does_not_depend_on_their_batch(rng):
    x = rng.standard_normal((9, 40, 50, 3)).astype(np.float32)
    y = ops.resize(x, (120, 110), "bicubic")
    for i in (0, 5, 8):
        np.testing.assert_array_equal(ops.resize(x[i : i + 1], (120, 110), "bicubic")[0], y[i])


@pytest.mark.parametrize(("spatial", "size"), [((5,), 3), ((3, 4), (1, 3)), ((2, 3, 4), (2, 1, 3))])
def test_upsample_repeats(rng, spatial, size):
    x = rng.integers(-8, 9, (2, *spatial, 3)).astype(np.float32)
    y = ops.upsample(x, size)
    expected = x
    for axis, times in enumerate(np.broadcast_to(size, len(spatial)), start=1):
        expected = expected.repeat(times, axis)
    np.testing.assert_array_equal(y, expected)
    dy = rng.standard_normal(y.shape).astype(np.float32)
    dx = ops.upsample_backward(dy, size)
    assert dx.shape == x.shape
    assert abs(np.vdot(np.float64(dy), y) - np.vdot(np.float64(dx), x)) < 1e-4


@pytest.mark.parametrize(
    ("x_shape", "arguments", "error", "message"),
    [
        ((2, 2, 1), ((3, 3),), ValueError, "resize: x must have 4 dimensions"),
        ((1, 2, 2, 1), ((0, 3),), ValueError, "resize: size must be at least 1, got 0"),
        ((1, 2, 2, 1), ((3.0, 3),), TypeError, "resize: size must be an integer, got 3.0"),
        ((1, 0, 2, 1), ((3, 3),), ValueError, r"images must have pixels, got sizes \(0, 2\)"),
        ((1, 2, 2, 1), ((3, 3), "bilinaer"), ValueError, 'Did you mean "bilinear"?'),
    ],
)
def test_resize_refuses(x_shape, arguments, error, message):
    with pytest.raises(error, match=message):
        ops.resize(np.zeros(x_shape, np.float32), *arguments)
