"""Learning-rate schedules: Keras's numbers, the points where they bend, and their arguments."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from fastconv.optimizers import schedules
from fastconv.optimizers.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRateSchedule,
    PiecewiseConstantDecay,
    PolynomialDecay,
)

LITERALS = json.loads((Path(__file__).parent / "literals" / "optimizers.json").read_text())
EXAMPLES = [
    ExponentialDecay(0.1, 10, 0.5, staircase=True),
    InverseTimeDecay(0.1, 10, 0.5),
    PiecewiseConstantDecay([3, 10], [0.1, 0.05, 0.01]),
    PolynomialDecay(0.1, 10, power=2, cycle=True),
    CosineDecay(0.1, 10, warmup_target=0.2, warmup_steps=5),
    CosineDecayRestarts(0.1, 10, m_mul=0.5),
]


@pytest.mark.parametrize(
    "case", LITERALS["schedules"], ids=lambda c: f"{c['class_name']}{c['arguments']}"
)
def test_rates_as_keras(case):
    schedule = getattr(schedules, case["class_name"])(*case["arguments"])
    for step, expected in zip(LITERALS["schedule_steps"], case["rates"], strict=True):
        # Keras computed in double precision, up to float32 constants.
        assert schedule(step) == pytest.approx(expected, rel=1e-6, abs=1e-9), step
        assert type(schedule(step)) is float
    assert schedule.get_config() == case["config"]


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: type(s).__name__)
def test_serialize_round_trip(schedule):
    description = json.loads(json.dumps(schedules.serialize(schedule)))
    assert description["module"] == "keras.optimizers.schedules"
    again = schedules.deserialize(description)
    assert type(again) is type(schedule)
    assert [again(step) for step in range(40)] == [schedule(step) for step in range(40)]


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: type(s).__name__)
def test_step_may_be_any_scalar(schedule):
    for step in (np.int64(3), np.float32(3), np.array(3), 3.0):
        assert schedule(step) == schedule(3)


@pytest.mark.parametrize("schedule", EXAMPLES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("step", ["3", None, np.arange(2)])
def test_step_must_be_a_number(schedule, step):
    with pytest.raises(TypeError, match="step must be a number"):
        schedule(step)


def test_deserialize_unknown():
    with pytest.raises(ValueError, match=r"schedule identifier: CosineDecai. Did you mean"):
        schedules.deserialize({"class_name": "CosineDecai", "config": {}})


def test_piecewise_boundaries_are_inclusive():
    schedule = PiecewiseConstantDecay([10], [1.0, 0.5])
    assert [schedule(step) for step in (0, 10, 11)] == [1.0, 1.0, 0.5]


def test_piecewise_without_boundaries():
    assert PiecewiseConstantDecay([], [0.3])(5) == 0.3


@pytest.mark.parametrize("t_mul", [1.0, 2.0, 3.0, 5.0])
def test_restarts_are_exact(t_mul):
    """A logarithm would put some of these restarts one step too late."""
    schedule = CosineDecayRestarts(0.1, 10, t_mul=t_mul, m_mul=0.5)
    step = 0
    for restart in range(8):
        assert schedule(step) == pytest.approx(0.1 * 0.5**restart, rel=1e-12), step
        step += int(10 * t_mul**restart)
        assert schedule(step - 0.001) < 1e-6


def test_cosine_ends_at_alpha():
    schedule = CosineDecay(0.1, 10, alpha=0.2)
    assert schedule(10) == schedule(1000) == pytest.approx(0.02)


def test_cosine_warm_up_meets_the_target():
    schedule = CosineDecay(0.0, 10, warmup_target=0.5, warmup_steps=4)
    assert [schedule(step) for step in range(5)] == [0.0, 0.125, 0.25, 0.375, 0.5]
    assert schedule(5) == pytest.approx(0.25 * (1 + math.cos(math.pi / 10)))
    assert schedule(14) == 0.0


def test_polynomial_end_is_exact():
    assert PolynomialDecay(0.1, 7, 0.0)(7) == 0.0
    assert PolynomialDecay(0.1, 7, 0.0)(10**9) == 0.0


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ExponentialDecay(0.1, 0, 0.5), ValueError, "decay_steps must be greater than 0"),
        (lambda: ExponentialDecay(0.1, -5, 0.5), ValueError, "decay_steps must be at least 0"),
        (lambda: ExponentialDecay(-0.1, 5, 0.5), ValueError, "initial_learning_rate must be"),
        (lambda: ExponentialDecay("0.1", 5, 0.5), TypeError, "initial_learning_rate must be"),
        (lambda: InverseTimeDecay(0.1, 5, math.nan), ValueError, "decay_rate must be finite"),
        (lambda: PolynomialDecay(0.1, 5, power=-1), ValueError, "power must be at least 0"),
        (lambda: CosineDecay(0.1, 5, warmup_target=1, warmup_steps=-1), ValueError, "warmup_steps"),
        (lambda: CosineDecayRestarts(0.1, 5, t_mul=0.5), ValueError, "t_mul must be at least 1"),
        (lambda: PiecewiseConstantDecay([1], [0.1]), ValueError, "got 1 values and 1 boundaries"),
        (lambda: PiecewiseConstantDecay([2, 1], [1, 1, 1]), ValueError, "boundaries must increase"),
    ],
)
def test_arguments_out_of_range(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_schedule_of_your_own():
    class Half(LearningRateSchedule):
        config_keys = ("start",)

        def __init__(self, start):
            self.start = start

        def __call__(self, step):
            return self.start / (step + 1)

    description = schedules.serialize(Half(0.5))
    assert description["config"] == {"start": 0.5}
    assert schedules.deserialize(description, {"Half": Half})(1) == 0.25
    with pytest.raises(NotImplementedError, match="must define __call__"):
        LearningRateSchedule()(0)
