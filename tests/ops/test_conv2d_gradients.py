"""conv2d gradients: every algorithm on every instruction set against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

from .. import reference
from .compare import assert_within, poison
from .problems import CONVS, GRADIENTS, Conv, cases, data, tolerance, truth


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(GRADIENTS))
def test_gradient_matches_reference(each_isa, problem, direction, algorithm):
    expected = truth(problem, direction)
    poison(expected.shape)
    gradient = GRADIENTS[direction](ops, data(problem), problem, algorithm=algorithm)
    assert_within(gradient, expected, tolerance(problem, direction, algorithm), factor=1)


@pytest.mark.parametrize(("problem", "direction", "algorithm"), cases(GRADIENTS, exact=True))
def test_gradient_integers_are_exact(each_isa, problem, direction, algorithm):
    expected = truth(problem, direction, integer=True)
    poison(expected.shape)
    gradient = GRADIENTS[direction](ops, data(problem, integer=True), problem, algorithm=algorithm)
    np.testing.assert_array_equal(gradient, expected)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(
    ("problem", "direction", "algorithm"),
    cases(GRADIENTS, [Conv("3x3", (2, 7, 6, 5), (3, 3, 5, 17))]),
)
def test_gradient_non_finite_dy_reaches_exactly_its_outputs(
    each_isa, problem, direction, algorithm, value
):
    dy = data(problem).dy.copy()
    dy[1, 2, 2, 4] = value
    arrays = data(problem)._replace(dy=dy)
    with np.errstate(invalid="ignore"):
        expected = GRADIENTS[direction](reference, arrays, problem)
    gradient = GRADIENTS[direction](ops, arrays, problem, algorithm=algorithm)
    assert_within(gradient, expected, tolerance(problem, direction, algorithm), factor=1)


@pytest.mark.parametrize("problem", CONVS[::7], ids=str)
def test_bias_backward(each_isa, problem):
    dy = data(problem).dy
    assert_within(
        ops.bias_backward(dy), reference.bias_backward(dy), reference.bias_backward(np.abs(dy))
    )


@pytest.mark.parametrize("shape", [(5,), (1, 1), (100, 3), (1000, 17), (3, 7, 64), (2, 9, 9, 33)])
def test_bias_backward_any_rank_is_exact(each_isa, rng, shape):
    dy = rng.integers(-8, 9, shape).astype(np.float32)
    np.testing.assert_array_equal(ops.bias_backward(dy), reference.bias_backward(dy))
