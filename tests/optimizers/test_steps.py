"""Steps of the optimizers: Keras's numbers, and the contract with variables."""

from __future__ import annotations

import copy

import numpy as np
import pytest

from fastconv import optimizers
from fastconv.layers.variable import Variable
from fastconv.optimizers import SGD, Adam, Optimizer

from .common import ALL, ARRAYS, LITERALS, WITH_ALL_SLOTS, gradients, make_variables, train


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


def test_gradients_are_read_anew_in_each_step():
    for dtype in (np.float32, np.float64):
        optimizer, variables = SGD(1.0), make_variables()
        grads = tuple(np.zeros(variable.shape, dtype) for variable in variables)
        before = [variable.numpy() for variable in variables]
        for value in (1, 2):
            for gradient in grads:
                gradient.fill(value)
            optimizer.apply(grads, variables)
        for variable, start in zip(variables, before, strict=True):
            np.testing.assert_allclose(variable.value, start - 3, rtol=1e-6)


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


@pytest.mark.parametrize("cls", ALL)
def test_non_finite_gradients_stay_visible_and_quiet(cls):
    variable = Variable(np.ones(2))
    optimizer = cls(0.1)
    optimizer.apply([np.array([np.nan, 1], np.float32)], [variable])
    if cls is not optimizers.Lamb:  # whose steps depend on the norm of all elements
        assert np.isnan(variable.value).tolist() == [True, False]


@pytest.mark.parametrize("cls", ALL)
def test_zero_learning_rate_leaves_weights_alone(cls):
    variables = make_variables()
    train(cls(0.0), variables)
    for variable in variables:
        np.testing.assert_array_equal(variable.value, ARRAYS[variable.name])


def test_variables_of_different_sizes_share_memory_but_not_numbers():
    alone, together = [], []
    sizes = (3, 40, 7)
    grads = [np.linspace(-1, 1, n, dtype=np.float32) for n in sizes]
    for grad in grads:
        variable = Variable(np.ones(len(grad)))
        optimizers.Adadelta(1.0).apply([grad], [variable])
        alone.append(variable.value)
    together = [Variable(np.ones(n)) for n in sizes]
    optimizers.Adadelta(1.0).apply(grads, together)
    for value, variable in zip(alone, together, strict=True):
        np.testing.assert_array_equal(value, variable.value)


def test_constraints_come_after_the_update():
    variable = Variable(np.array([1.0, -1.0]))

    class Constrained:  # a variable of a class of its own
        constraint = staticmethod(lambda w: np.maximum(w, 0))

        def __getattr__(self, name):
            return getattr(variable, name)

    optimizers.SGD(1.0).apply([np.array([0.25, -0.5], np.float32)], [Constrained()])
    np.testing.assert_array_equal(variable.value, [0.75, 0])


def test_scaled_losses_and_gradients_cancel():
    scaled, plain = make_variables(), make_variables()
    optimizer = Adam(loss_scale_factor=8.0)
    assert optimizer.scale_loss(2.0) == 16.0
    optimizer.apply([8 * gradient for gradient in gradients(0)], scaled)
    Adam().apply(gradients(0), plain)
    for a, b in zip(scaled, plain, strict=True):
        np.testing.assert_array_equal(a.value, b.value)
