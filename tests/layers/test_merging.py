"""Merging layers against formulas and central differences."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import layers
from fastconv.layers import Add, Average, Concatenate, Dot, Input, Maximum, Minimum, Multiply
from fastconv.layers import Subtract as Sub

SHAPES = [(2, 3, 4), (2, 1, 4), (2, 4)]
CASES = [
    (Add(), SHAPES, lambda a, b, c: a + b + c[:, None]),
    (Sub(), SHAPES[:2], lambda a, b: a - b),
    (Multiply(), SHAPES, lambda a, b, c: a * b * c[:, None]),
    (Average(), SHAPES, lambda a, b, c: (a + b + c[:, None]) / 3),
    (Maximum(), SHAPES, lambda a, b, c: np.maximum(np.maximum(a, b), c[:, None])),
    (Minimum(), SHAPES, lambda a, b, c: np.minimum(np.minimum(a, b), c[:, None])),
    (Concatenate(1), [(2, 3, 4), (2, 1, 4)], lambda a, b: np.concatenate([a, b], 1)),
    (Dot((2, 1)), [(2, 3, 4), (2, 4, 5)], lambda a, b: a @ b),
    (Dot(-1), [(2, 4), (2, 4)], lambda a, b: (a * b).sum(1, keepdims=True)),
    (
        Dot(1, normalize=True),
        [(2, 4), (2, 4)],
        lambda a, b: (
            (a * b).sum(1, keepdims=True)
            / np.linalg.norm(a, axis=1, keepdims=True)
            / np.linalg.norm(b, axis=1, keepdims=True)
        ),
    ),
]


@pytest.mark.parametrize(("layer", "shapes", "formula"), CASES, ids=lambda x: type(x).__name__)
def test_values_and_gradients(rng, layer, shapes, formula):
    xs = [rng.normal(size=shape).astype(np.float32) for shape in shapes]
    y, backward = layer.forward(xs, training=True)
    np.testing.assert_allclose(y, formula(*xs), rtol=1e-5, atol=1e-6)
    assert layer.compute_output_shape(shapes) == y.shape
    dy = rng.normal(size=y.shape)
    gradients = backward(dy.astype(np.float32))
    for i, (x, gradient) in enumerate(zip(xs, gradients, strict=True)):
        assert gradient.shape == x.shape
        step, exact = 1e-5, [a.astype(np.float64) for a in xs]
        for index in np.ndindex(x.shape):
            values = []
            for sign in (1, -1):
                moved = [a.copy() for a in exact]
                moved[i][index] += sign * step
                values.append((formula(*moved) * dy).sum())
            slope = (values[0] - values[1]) / (2 * step)
            np.testing.assert_allclose(gradient[index], slope, rtol=1e-3, atol=1e-4)


def test_products_with_zeros_and_equal_maxima():
    a, b, c = (np.full((1, 1), v, np.float32) for v in (0.0, 2.0, 3.0))
    dy = np.ones((1, 1), np.float32)
    gradients = Multiply().forward([a, b, c], training=True)[1](dy)
    assert [float(g[0, 0]) for g in gradients] == [6, 0, 0]
    gradients = Maximum().forward([b, b], training=True)[1](dy)
    assert [float(g[0, 0]) for g in gradients] == [0.5, 0.5]


def test_functions_and_single_inputs():
    x = np.ones((2, 3), np.float32)
    np.testing.assert_array_equal(layers.add([x, x]), 2 * x)
    np.testing.assert_array_equal(layers.concatenate([x, x], axis=1), np.ones((2, 6)))
    np.testing.assert_array_equal(Add()([x]), x)
    assert not np.may_share_memory(Add()([x]), x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda a, b: Add()([a, b]), r'shapes: \(None, 3\), \(None, 4\).*InputLayer "b"'),
        (lambda a, b: Concatenate(0)([a, b]), r"axis must be one of 1\.\.1"),
        (lambda a, b: Dot(1)([a, b]), "must agree in size"),
        (lambda a, b: Sub()([a, a, a]), "exactly 2 inputs, got 3"),
        (lambda a, b: Add()(a), "takes a list of symbolic tensors, got KerasTensor"),
        (lambda a, b: layers.Dense(1)([a, b]), "takes one symbolic tensor, got list"),
    ],
)
def test_what_does_not_go_together(make, message):
    with pytest.raises(ValueError, match=message):
        make(Input((3,), name="a"), Input((4,), name="b"))
