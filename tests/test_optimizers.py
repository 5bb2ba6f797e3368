"""Optimizers: Keras's numbers, arguments, state, and the contract with variables."""

import copy
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from fastconv import optimizers
from fastconv.layers.variable import Variable
from fastconv.naming import reset_names
from fastconv.optimizers import SGD, Adam, AdamW, Optimizer, RMSprop, schedules

LITERALS = json.loads((Path(__file__).parent / "literals" / "optimizers.json").read_text())
ARRAYS = {key: np.array(value, np.float32) for key, value in LITERALS["arrays"].items()}
ALL = [SGD, Adam, AdamW, RMSprop]
WITH_ALL_SLOTS = [
    SGD(momentum=0.9),
    Adam(amsgrad=True),
    AdamW(amsgrad=True),
    RMSprop(momentum=0.9, centered=True),
]


def make_variables():
    return [
        Variable(ARRAYS["kernel"], "kernel", path="dense/kernel"),
        Variable(ARRAYS["bias"], "bias", path="dense/bias"),
    ]


def gradients(step):
    return [ARRAYS["kernel_gradients"][step].copy(), ARRAYS["bias_gradients"][step].copy()]


def train(optimizer, variables, steps=range(5)):
    for step in steps:
        optimizer.apply(gradients(step), variables)


@pytest.mark.parametrize("case", LITERALS["optimizers"])
def test_steps_as_keras(each_isa, case):
    expected = LITERALS["optimizers"][case]
    optimizer = optimizers.deserialize(expected)
    variables = make_variables()
    for step in range(5):
        optimizer.apply(gradients(step), variables)
        # Keras computed in double precision: what differs is the rounding of five float32 steps.
        for variable, key in zip(variables, ["kernel", "bias"], strict=True):
            np.testing.assert_allclose(
                variable.value, expected[key][step], rtol=0, atol=1e-6, err_msg=f"{key} {step}"
            )
    assert len(optimizer.variables) == len(expected["state"])
    for i, (ours, theirs) in enumerate(zip(optimizer.variables, expected["state"], strict=True)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7, err_msg=f"state {i}")


@pytest.mark.parametrize("cls", ALL)
def test_get_config_as_keras(cls):
    expected = LITERALS["configs"][cls.__name__]
    assert cls(name=expected["name"]).get_config() == expected


@pytest.mark.parametrize("optimizer", WITH_ALL_SLOTS, ids=lambda o: type(o).__name__)
def test_serialize_round_trip(optimizer):
    description = json.loads(json.dumps(optimizers.serialize(optimizer)))
    assert description["module"] == "keras.optimizers"
    again = optimizers.deserialize(description)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


def test_serialize_schedule_inside_optimizer():
    optimizer = Adam(schedules.CosineDecay(0.1, 10))
    description = json.loads(json.dumps(optimizers.serialize(optimizer)))
    assert description["config"]["learning_rate"] == {
        "module": "keras.optimizers.schedules",
        "class_name": "CosineDecay",
        "config": schedules.CosineDecay(0.1, 10).get_config(),
        "registered_name": None,
    }
    assert optimizers.deserialize(description).get_config() == optimizer.get_config()


@pytest.mark.parametrize("name", ["adam", "Adam", "ADAM"])
def test_get_by_name_ignores_case(name):
    assert type(optimizers.get(name)) is Adam


def test_get():
    adam = Adam()
    assert optimizers.get(adam) is adam
    assert optimizers.get(None) is None
    assert type(optimizers.get(RMSprop)) is RMSprop
    made = optimizers.get({"class_name": "AdamW", "config": {"beta_1": 0.8}})
    assert type(made) is AdamW and made.beta_1 == 0.8


@pytest.mark.parametrize("identifier", ["adamm", {"class_name": "Adamm", "config": {}}])
def test_get_unknown_name(identifier):
    with pytest.raises(ValueError, match=r'optimizer identifier: adamm\. Did you mean "adam"'):
        optimizers.get(identifier)


@pytest.mark.parametrize("identifier", [3, object(), print, {"config": {}}])
def test_get_refuses_other_objects(identifier):
    with pytest.raises(ValueError, match="Could not interpret optimizer identifier"):
        optimizers.get(identifier)


def test_deserialize_custom_object():
    class Mine(SGD):
        pass

    made = optimizers.deserialize({"class_name": "Mine", "config": {}}, {"Mine": Mine})
    assert type(made) is Mine


# Arguments


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


@pytest.mark.parametrize("cls", ALL)
def test_lr_is_deprecated(cls):
    with pytest.warns(DeprecationWarning, match=f"{cls.__name__}: lr is deprecated") as record:
        optimizer = cls(lr=0.25)
    assert record[0].filename == __file__  # else Python would not show it
    assert optimizer.learning_rate == 0.25
    with pytest.warns(DeprecationWarning) as record:
        optimizer.lr = optimizer.lr / 2
    assert {warning.filename for warning in record} == {__file__}
    assert optimizer.learning_rate == 0.125


@pytest.mark.parametrize("cls", ALL)
def test_decay_is_ignored_with_warning(cls):
    with pytest.warns(UserWarning, match=f"{cls.__name__}: decay .*InverseTimeDecay") as record:
        cls(decay=1e-6)
    assert record[0].filename == __file__
    cls(decay=0.0)


@pytest.mark.parametrize("cls", ALL)
def test_unknown_argument(cls):
    expected = r"not recognized: {'weightdecay': 1}. Did you mean \"weight_decay\""
    with pytest.raises(ValueError, match=f"{cls.__name__}: .*{expected}"):
        cls(weightdecay=1)


def test_unknown_argument_of_a_subclass():
    with pytest.raises(ValueError, match='Did you mean "beta_1"'):
        Adam(beta1=0.9)


@pytest.mark.parametrize(
    ("cls", "options", "message"),
    [
        (SGD, {"momentum": 1.5}, r"SGD: momentum must be in \[0, 1\], got 1.5"),
        (SGD, {"weight_decay": -1}, "SGD: weight_decay must be at least 0"),
        (Adam, {"beta_1": 1}, "Adam: beta_1 must be less than 1"),
        (Adam, {"beta_2": -0.1}, r"Adam: beta_2 must be in \[0, 1\]"),
        (Adam, {"epsilon": math.nan}, "Adam: epsilon must be finite"),
        (AdamW, {"weight_decay": None}, "AdamW: weight_decay must be a number"),
        (RMSprop, {"rho": 1.0}, "RMSprop: rho must be less than 1"),
        (SGD, {"clipnorm": 0}, "SGD: clipnorm must be greater than 0"),
        (SGD, {"clipvalue": -1}, "SGD: clipvalue must be at least 0"),
        (SGD, {"clipnorm": 1, "clipvalue": 1}, "SGD: only one of clipnorm, clipvalue"),
        (SGD, {"use_ema": True}, "SGD: use_ema is not supported"),
        (SGD, {"loss_scale_factor": 2.0}, "SGD: loss_scale_factor is not supported"),
        (SGD, {"gradient_accumulation_steps": 4}, "gradient_accumulation_steps is not supported"),
        (SGD, {"ema_overwrite_frequency": 4}, "ema_overwrite_frequency is not supported"),
    ],
)
def test_arguments_out_of_range(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls(**options)


def test_numpy_scalars_as_arguments():
    optimizer = SGD(momentum=np.float32(0.5), clipnorm=np.int32(2), weight_decay=1)
    json.dumps(optimizer.get_config())
    assert optimizer.clipnorm == 2.0


# The learning rate over time


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


# Steps


@pytest.mark.parametrize("optimizer", WITH_ALL_SLOTS, ids=lambda o: type(o).__name__)
def test_contract_with_variables(optimizer):
    """Values change in place, versions count, gradients and trainable flags are left alone."""
    optimizer = type(optimizer).from_config(optimizer.get_config())
    variables = make_variables()
    values = [variable.value for variable in variables]
    grads = gradients(0)
    before = copy.deepcopy(grads)
    assert optimizer.apply_gradients(zip(grads, variables, strict=True)) == 1
    for i, variable in enumerate(variables):
        assert variable.value is values[i]
        assert variable.version == 1
        assert variable.grad is None
        assert not np.array_equal(variable.value, ARRAYS[variable.name])
        np.testing.assert_array_equal(grads[i], before[i])


@pytest.mark.parametrize("optimizer", WITH_ALL_SLOTS, ids=lambda o: type(o).__name__)
def test_order_of_variables_does_not_matter(optimizer):
    config = optimizer.get_config()
    first, second = make_variables(), make_variables()
    ours, other = type(optimizer).from_config(config), type(optimizer).from_config(config)
    ours.build(first)
    for step in range(3):
        ours.apply(gradients(step)[::-1], first[::-1])
        other.apply(gradients(step), second)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


def test_clipnorm_of_huge_gradient_does_not_overflow():
    variable = Variable(np.zeros(2))
    SGD(1.0, clipnorm=5.0).apply([np.array([3e30, 4e30], np.float32)], [variable])
    np.testing.assert_allclose(variable.value, [-3, -4], rtol=1e-6)


@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_clip_by_norm_shows_non_finite_gradients(each_isa, option, bad):
    variable = Variable(np.zeros(2))
    SGD(1.0, **{option: 1.0}).apply([np.array([bad, 1], np.float32)], [variable])
    assert np.isnan(variable.value).all()


@pytest.mark.parametrize("option", ["clipnorm", "global_clipnorm"])
def test_gradient_at_the_limit_is_not_clipped(option):
    variable = Variable(np.zeros(2))
    SGD(1.0, **{option: 5.0}).apply([np.array([3, 4], np.float32)], [variable])
    np.testing.assert_array_equal(variable.value, [-3, -4])


def test_zero_gradient_with_clipnorm():
    variable = Variable(np.ones(2))
    SGD(1.0, clipnorm=1.0).apply([np.zeros(2, np.float32)], [variable])
    np.testing.assert_array_equal(variable.value, [1, 1])


def test_weight_decay_alone():
    variable = Variable(np.array([1.0]))
    SGD(0.5, weight_decay=0.5).apply([np.zeros(1, np.float32)], [variable])
    assert variable.value[0] == 0.75


@pytest.mark.parametrize("by", ["name", "variable"])
def test_exclude_from_weight_decay(by):
    kernel, bias = Variable(np.array([1.0]), "kernel"), Variable(np.array([1.0]), "bias")
    optimizer = SGD(0.5, weight_decay=0.5)
    if by == "name":
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma"])
    else:
        optimizer.exclude_from_weight_decay(var_list=[bias])
    optimizer.apply([np.zeros(1, np.float32)] * 2, [kernel, bias])
    assert (kernel.value[0], bias.value[0]) == (0.75, 1.0)


def test_gradient_of_another_dtype_is_cast():
    variable = Variable(np.array([1.0]))
    SGD(0.5).apply([np.array([1], np.int64)], [variable])
    assert variable.value[0] == 0.5


def test_missing_gradient_warns_and_is_skipped():
    variables = make_variables()
    with pytest.warns(UserWarning, match="no gradient for dense/bias"):
        SGD().apply([gradients(0)[0], None], variables)
    assert [variable.version for variable in variables] == [1, 0]


def test_no_gradient_at_all():
    with pytest.raises(ValueError, match="no gradient for any variable"):
        SGD().apply([None, None], make_variables())


def test_empty_lists_do_nothing():
    optimizer = SGD()
    optimizer.apply([], [])
    assert optimizer.iterations == 0


def test_wrong_gradients_change_nothing():
    variables = make_variables()
    optimizer = Adam()
    with pytest.raises(ValueError, match=r"gradient of dense/bias must have shape \(2,\)"):
        optimizer.apply([gradients(0)[0], np.zeros((2, 1), np.float32)], variables)
    with pytest.raises(ValueError, match="1 gradients for 2 variables"):
        optimizer.apply(gradients(0)[:1], variables)
    assert optimizer.iterations == 0
    assert [variable.version for variable in variables] == [0, 0]


def test_apply_without_variables():
    optimizer = SGD(1.0)
    with pytest.raises(RuntimeError, match="call build"):
        optimizer.apply(gradients(0))
    variables = make_variables()
    optimizer.build(variables)
    optimizer.apply(gradients(0))
    np.testing.assert_array_equal(variables[1].value, ARRAYS["bias"] - gradients(0)[1])


# Which variables


def test_unknown_variable():
    optimizer = Adam()
    optimizer.build(make_variables())
    with pytest.raises(ValueError, match="unknown variable dense/kernel"):
        optimizer.apply(gradients(0), make_variables())


def test_second_model_is_refused():
    optimizer = Adam()
    optimizer.build(make_variables())
    with pytest.raises(ValueError, match="already trains other variables; make a new one: Adam"):
        optimizer.build(make_variables())


def test_build_again_keeps_known_slots():
    kernel, bias = make_variables()
    new = Variable(np.zeros(4), "bias", path="other/bias")
    optimizer = Adam()
    train(optimizer, [kernel, bias], range(2))
    before = [array.copy() for array in optimizer.variables]
    optimizer.build([kernel, bias])
    with pytest.warns(UserWarning, match="the state of other/bias starts at zero"):
        optimizer.build([kernel, new])
    after = optimizer.variables
    for i in range(4):
        np.testing.assert_array_equal(after[i], before[i])
    assert [array.shape for array in after[4:]] == [(4,), (4,)]
    assert not after[4].any()


def test_build_with_nothing_forgets():
    optimizer = Adam()
    train(optimizer, make_variables(), range(2))
    optimizer.build(())
    assert not optimizer.built
    assert len(optimizer.variables) == 2
    optimizer.build(make_variables())
    assert optimizer.iterations == 2
    assert not any(array.any() for array in optimizer.variables[2:])


def test_build_again_is_silent_without_slots():
    kernel, bias = make_variables()
    optimizer = SGD()
    optimizer.build([kernel])
    optimizer.build([kernel, bias])
    train(optimizer, [kernel, bias], range(1))


# State


@pytest.mark.parametrize("optimizer", WITH_ALL_SLOTS, ids=lambda o: type(o).__name__)
def test_resumed_training_is_bitwise_the_same(optimizer):
    config = optimizer.get_config()
    straight, first = make_variables(), make_variables()
    train(type(optimizer).from_config(config), straight)

    before = type(optimizer).from_config(config)
    train(before, first, range(3))
    saved = [np.array(array, copy=True) for array in before.variables]
    second = [Variable(variable.value, variable.name) for variable in first]
    after = type(optimizer).from_config(before.get_config())
    after.build(second)
    after.set_weights(saved)
    assert after.iterations == 3
    train(after, second, range(3, 5))
    for a, b in zip(straight, second, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


def test_state_holds_changed_learning_rate():
    optimizer = SGD(0.1)
    optimizer.build(make_variables())
    optimizer.set_weights([np.int64(7), np.float32(0.25)])
    assert (optimizer.iterations, optimizer.learning_rate) == (7, 0.25)


def test_state_of_schedule_has_no_learning_rate():
    optimizer = SGD(schedules.CosineDecay(0.1, 10))
    optimizer.build(make_variables())
    assert [array.dtype for array in optimizer.variables] == [np.int32]


def test_set_weights_that_do_not_fit():
    optimizer = Adam()
    with pytest.raises(RuntimeError, match="call build"):
        optimizer.set_weights([])
    optimizer.build(make_variables())
    good = optimizer.variables
    with pytest.raises(ValueError, match="6 arrays are needed, got 5"):
        optimizer.set_weights(good[:5])
    with pytest.raises(ValueError, match=r"array 5 must have shape \(2,\), got \(3,\)"):
        optimizer.set_weights([np.int32(1), *good[1:5], np.zeros(3)])
    assert optimizer.iterations == 0


def test_copy_and_pickle():
    optimizer = Adam(amsgrad=True)
    variables = make_variables()
    train(optimizer, variables, range(2))
    for again in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        assert len(again.variables) == 8
        for a, b in zip(again.variables, optimizer.variables, strict=True):
            np.testing.assert_array_equal(a, b)
        before = optimizer.variables[2].copy()
        again.apply(gradients(2))
        np.testing.assert_array_equal(optimizer.variables[2], before)


def test_default_names_count():
    reset_names()
    assert [Adam().name, Adam().name, AdamW().name, SGD(name="mine").name] == [
        "adam",
        "adam_1",
        "adam_w",
        "mine",
    ]


def test_optimizer_of_your_own():
    class Sign(Optimizer):
        def slot_groups(self):
            return (("steps",),)

        def update_step(self, weight, gradient, slots, learning_rate, **shared):
            slots["steps"] += 1
            weight -= learning_rate * np.sign(gradient)

    variable = Variable(np.zeros(2))
    optimizer = Sign(0.5)
    optimizer.apply([np.array([2, -3], np.float32)], [variable])
    np.testing.assert_array_equal(variable.value, [-0.5, 0.5])
    np.testing.assert_array_equal(optimizer.variables[2], [1, 1])
    with pytest.raises(NotImplementedError, match=r"Optimizer must define update_step"):
        Optimizer(0.1).apply([np.ones(2, np.float32)], [variable])
