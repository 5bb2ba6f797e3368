"""What optimizers remember: which variables, saving, copies."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from fastconv.layers.variable import Variable
from fastconv.optimizers import SGD, Adam, Nadam, schedules

from .common import WITH_ALL_SLOTS, gradients, make_variables, train


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
    with pytest.warns(UserWarning, match="the state of other/bias starts anew"):
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


def test_order_of_the_state_is_that_of_files():
    optimizer = Nadam(use_ema=True, gradient_accumulation_steps=2)
    optimizer.build([Variable(np.zeros(1)), Variable(np.zeros(2))])
    shapes = [array.shape for array in optimizer.variables]
    averages, accumulators, moments = [(1,), (2,)], [(1,), (2,)], [(1,), (1,), (2,), (2,)]
    assert shapes == [(), (), *averages, *accumulators, *moments, ()]


def test_accumulation_goes_on_where_it_was_saved():
    def make():
        return Adam(gradient_accumulation_steps=2, use_ema=True)

    straight, first = make_variables(), make_variables()
    train(make(), straight)
    before, after = make(), make()
    train(before, first, range(3))
    assert before.iterations == 1
    second = [Variable(variable.value, variable.name) for variable in first]
    after.build(second)
    after.set_weights([np.array(array) for array in before.variables])
    train(after, second, range(3, 5))
    for a, b in zip(straight, second, strict=True):
        np.testing.assert_array_equal(a.value, b.value)


def test_averages():
    variable = Variable(np.array([1.0]))
    optimizer = SGD(1.0, use_ema=True, ema_momentum=0.5)
    for _ in range(2):
        optimizer.apply([np.ones(1, np.float32)], [variable])
    assert variable.value == -1
    version = variable.version
    optimizer.swap_averages()
    assert variable.value == -0.5 and variable.version > version
    optimizer.swap_averages()
    assert variable.value == -1
    optimizer.finalize_variable_values([variable])
    assert variable.value == -0.5
    with pytest.raises(ValueError, match="no moving averages; use use_ema=True"):
        SGD().swap_averages()
