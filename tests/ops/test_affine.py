"""affine_transform: against loops, against Keras, and its gradient."""

from __future__ import annotations

import math
import os

import numpy as np
import pytest

from fastconv import ops

MODES = ["reflect", "wrap", "nearest", "constant"]
IDENTITY = np.eye(2, 3, dtype=np.float32)


def inside(index, size, mode):
    """Return the pixel that stands for `index`, None for the fill value."""
    if mode == "nearest":
        return min(max(index, 0), size - 1)
    if mode == "wrap":
        return index % size
    if mode == "reflect":
        while not 0 <= index < size:
            index = -1 - index if index < 0 else 2 * size - 1 - index
        return index
    return index if 0 <= index < size else None


def slow(x, matrices, interpolation, mode, fill):
    """The definition, pixel by pixel, in float64."""
    y = np.zeros(x.shape)
    n, h, w, _ = x.shape
    for i, j, k in np.ndindex(n, h, w):
        px, py = matrices[i].astype(np.float64) @ [k, j, 1]
        if interpolation == "nearest":
            corners = [(math.floor(abs(p) + 0.5) * (1 if p >= 0 else -1)) for p in (py, px)]
            taps = [(corners[0], corners[1], 1.0)]
        else:
            fy, fx = math.floor(py), math.floor(px)
            ay, ax = py - fy, px - fx
            taps = [
                (fy, fx, (1 - ay) * (1 - ax)),
                (fy, fx + 1, (1 - ay) * ax),
                (fy + 1, fx, ay * (1 - ax)),
                (fy + 1, fx + 1, ay * ax),
            ]
        for row, column, weight in taps:
            row, column = inside(row, h, mode), inside(column, w, mode)
            outside = row is None or column is None
            y[i, j, k] += weight * (fill if outside else x[i, row, column])
    return y


def some(seed=0, shape=(3, 6, 5, 2)):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape).astype(np.float32)
    matrices = IDENTITY + rng.uniform(-1.5, 1.5, (shape[0], 2, 3)) * [[1, 1, 6], [1, 1, 6]]
    return x, matrices.astype(np.float32)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_against_loops(interpolation, mode):
    x, matrices = some()
    y = ops.affine_transform(x, matrices, interpolation, mode, 3.0)
    np.testing.assert_allclose(y, slow(x, matrices, interpolation, mode, 3.0), atol=3e-5)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_identity_and_whole_pixels_are_exact(interpolation):
    x, _ = some()
    np.testing.assert_array_equal(ops.affine_transform(x, [IDENTITY] * 3, interpolation), x)
    shifted = IDENTITY + np.float32([[0, 0, 1], [0, 0, 2]])  # reads one to the right, two below
    y = ops.affine_transform(x, [shifted] * 3, interpolation, "wrap")
    np.testing.assert_array_equal(y, np.roll(x, (-2, -1), (1, 2)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_gradient_is_the_adjoint(interpolation, mode):
    x, matrices = some(1)
    dy = np.random.default_rng(2).standard_normal(x.shape).astype(np.float32)
    y = ops.affine_transform(x, matrices, interpolation, mode, 0.0)
    dx = ops.affine_transform_backward(dy, matrices, interpolation, mode)
    assert np.vdot(y, dy) == pytest.approx(np.vdot(x, dx), abs=1e-4)


def test_large_batches_are_done_in_blocks_of_the_same_bits():
    x, matrices = some(3, (70, 32, 32, 3))
    whole = ops.affine_transform(x, matrices)
    np.testing.assert_array_equal(whole[40:41], ops.affine_transform(x[40:41], matrices[40:41]))
    dx = ops.affine_transform_backward(x, matrices)
    np.testing.assert_array_equal(
        dx[40:41], ops.affine_transform_backward(x[40:41], matrices[40:41])
    )


@pytest.mark.parametrize("shape", [(0, 4, 4, 1), (2, 0, 4, 1), (2, 4, 0, 1), (2, 4, 4, 0)])
def test_empty(shape):
    x = np.zeros(shape, np.float32)
    assert ops.affine_transform(x, np.zeros((shape[0], 2, 3))).shape == shape


@pytest.mark.parametrize(
    ("matrices", "options", "message"),
    [
        (np.zeros((2, 2, 3)), {}, r"matrices must have shape \(3, 2, 3\), got \(2, 2, 3\)"),
        (np.full((3, 2, 3), np.nan), {}, "matrices must be finite"),
        (np.zeros((3, 2, 3)), {"fill_mode": "mirror"}, 'fill_mode must be one of "reflect"'),
        (np.zeros((3, 2, 3)), {"interpolation": "bicubic"}, "interpolation must be one of"),
    ],
)
def test_wrong_arguments(matrices, options, message):
    with pytest.raises(ValueError, match=f"affine_transform: {message}"):
        ops.affine_transform(some()[0], matrices, **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_against_keras(interpolation, mode):
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    x, matrices = some(4, (4, 7, 9, 3))
    rows = np.concatenate([matrices.reshape(4, 6), np.zeros((4, 2), np.float32)], axis=1)
    theirs = keras.ops.image.affine_transform(
        x, rows, interpolation=interpolation, fill_mode=mode, fill_value=3.0
    )
    ours = ops.affine_transform(x, matrices, interpolation, mode, 3.0)
    np.testing.assert_allclose(ours, np.asarray(theirs), atol=2e-5)
