"""The learning rate: numbers, schedules, functions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fastconv.layers.variable import Variable
from fastconv.optimizers import SGD, Adam, schedules

from .common import ALL


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("rate", [1, 0, 0.5, np.float32(0.1), np.float64(0.1), np.int64(2)])
def test_learning_rate_any_real_number(cls, rate):
    optimizer = cls(rate)
    assert optimizer.learning_rate == float(rate)
    assert type(optimizer.learning_rate) is float


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize("rate", [-0.1, math.nan, math.inf, np.float32("nan")])
def test_learning_rate_out_of_range(cls, rate):
    with pytest.raises(ValueError, match=f"{cls.__name__}: learning_rate must be"):
        cls(learning_rate=rate)


@pytest.mark.parametrize("rate", ["0.1", None, True, 1j, [0.1, 0.2], schedules.CosineDecay])
def test_learning_rate_wrong_type(rate):
    with pytest.raises(TypeError, match="Adam: learning_rate must be a number"):
        Adam(rate)


def test_schedule_starts_at_step_zero():
    seen = []

    class Recorder(schedules.LearningRateSchedule):
        def __call__(self, step):
            seen.append(step)
            return 0.5**step

    variable = Variable(np.array([0.0]))
    optimizer = SGD(Recorder())
    for _ in range(3):
        optimizer.apply([np.ones(1, np.float32)], [variable])
    assert seen == [0, 1, 2]
    assert variable.value[0] == -1.75
    assert optimizer.learning_rate == 0.125


def test_schedule_cannot_be_overwritten_by_a_number():
    optimizer = SGD(schedules.CosineDecay(0.1, 10))
    with pytest.raises(TypeError, match="learning_rate is a CosineDecay"):
        optimizer.learning_rate = 0.1
    optimizer.learning_rate = schedules.CosineDecay(0.2, 10)
    assert optimizer.learning_rate == 0.2


def test_learning_rate_is_settable():
    optimizer = SGD(0.1)
    optimizer.learning_rate = np.float32(0.5)
    assert optimizer.learning_rate == 0.5
    with pytest.raises(ValueError, match="learning_rate must be at least 0"):
        optimizer.learning_rate = -1
    optimizer.learning_rate = schedules.CosineDecay(0.2, 10)
    assert optimizer.learning_rate == 0.2


def test_learning_rate_function():
    rates = iter([0.5, 0.25])
    variable = Variable(np.array([0.0]))
    optimizer = SGD(lambda: next(rates))
    for _ in range(2):
        optimizer.apply([np.ones(1, np.float32)], [variable])
    assert variable.value[0] == -0.75
    with pytest.raises(TypeError, match="learning_rate is a function"):
        optimizer.get_config()


@pytest.mark.parametrize("value", [math.nan, -1.0])
def test_schedule_that_leaves_the_range(value):
    variable = Variable(np.array([1.0]))
    optimizer = SGD(lambda: value)
    with pytest.raises(ValueError, match="SGD: the scheduled learning_rate must be"):
        optimizer.apply([np.ones(1, np.float32)], [variable])
    assert variable.value[0] == 1.0
