"""Optimiser steps, which work in place, on every instruction set against the reference."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

from .. import reference
from .compare import assert_within

#: Lengths around vectors of any width, and one that several threads share.
SHAPES = [(1,), (3,), (4,), (7,), (8,), (9,), (15,), (16,), (17,), (33,), (3, 3, 5, 7), (70001,)]

COMMON = [
    {},
    {"decay": 0.01},
    {"grad_scale": 0.25},
    {"clip_value": 0.5},
    {"decay": 0.003, "grad_scale": 2.0, "clip_value": 0.7},
]

#: name: (op, number of slots as arguments (None: argument not given), options)
ADAM = {"alpha": 0.01, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
RMSPROP = {"learning_rate": 0.01, "rho": 0.9, "epsilon": 1e-7}
STEPS = {
    "sgd": ("sgd_step", (), {"learning_rate": 0.1}),
    "sgd momentum": ("sgd_step", ("velocity",), {"learning_rate": 0.1, "momentum": 0.9}),
    "sgd nesterov": (
        "sgd_step", ("velocity",), {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    "adam": ("adam_step", ("m", "v"), ADAM),
    "adam amsgrad": ("adam_step", ("m", "v", "v_hat"), ADAM),
    "rmsprop": ("rmsprop_step", ("v",), RMSPROP),
    "rmsprop momentum": (
        "rmsprop_step", ("v", "momentum_slot"), {**RMSPROP, "momentum": 0.8}),
    "rmsprop centered": ("rmsprop_step", ("v", "average"), RMSPROP),
    "rmsprop centered momentum": (
        "rmsprop_step", ("v", "momentum_slot", "average"), {**RMSPROP, "momentum": 0.8}),
}  # fmt: skip


def step_size(name, g, state, options):
    """Return the magnitudes that a step adds up: lr * (|momentum * velocity| + |g|), and so on."""
    op, _, own = STEPS[name]
    sizes = {slot: np.abs(np.float64(value)) for slot, value in state.items()}
    if "velocity" in sizes:
        sizes["velocity"] *= -1  # the velocity points downhill, against g
    average = sizes.pop("average", None)
    w, *slots = getattr(reference, op)(np.zeros(g.shape), np.abs(g), **sizes, **options)
    if average is not None:
        # v - average**2 cancels, and what was lost in v counts for more in the difference.
        average = own["rho"] * average + (1 - own["rho"]) * np.abs(np.float64(g))
        w = w * (slots[0] / np.maximum(slots[0] - average**2, 1e-3 * slots[0])) ** 1.5
    return np.abs(w)


def run(name, shape, rng, common, steps=3):
    """Take some steps with op and reference; the reference starts each from the op's state."""
    op, slots, options = STEPS[name]
    options = {**options, **common}
    w = rng.standard_normal(shape).astype(np.float32)
    state = {slot: np.zeros(shape, np.float32) for slot in slots}
    for _ in range(steps):
        g = rng.standard_normal(shape).astype(np.float32)
        g.flags.writeable = False
        expected_w, *expected_slots = getattr(reference, op)(w, g, **state, **options)
        size = step_size(name, g, state, options)
        before = w.copy()
        assert getattr(ops, op)(w, g, **state, **options) is None
        assert_within(w, expected_w, np.abs(before) + 4 * size)
        for slot, expected in zip(slots, expected_slots, strict=True):
            if slot in ("velocity", "momentum_slot"):
                assert_within(state[slot], expected, 4 * size)
            else:
                g_size = common.get("grad_scale", 1.0) * np.abs(np.float64(g))
                assert_within(
                    state[slot], expected, np.abs(expected) + np.maximum(g_size, g_size**2)
                )
    return w, state


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", STEPS)
def test_step_shapes(each_isa, rng, name, shape):
    run(name, shape, rng, {})


@pytest.mark.parametrize("common", COMMON, ids=str)
@pytest.mark.parametrize("name", STEPS)
def test_step_options(each_isa, rng, name, common):
    run(name, (37,), rng, common)


@pytest.mark.parametrize("name", STEPS)
def test_step_zero_gradient_keeps_the_weights(each_isa, name, rng):
    op, slots, options = STEPS[name]
    w = rng.standard_normal(21).astype(np.float32)
    before = w.copy()
    state = {slot: np.zeros(21, np.float32) for slot in slots}
    getattr(ops, op)(w, np.zeros(21, np.float32), **state, **options)
    np.testing.assert_array_equal(w, before)


@pytest.mark.parametrize("name", STEPS)
def test_step_nan_gradient_is_not_hidden(each_isa, name, rng):
    """Clipping must not turn a NaN into a number."""
    op, slots, options = STEPS[name]
    for common in ({}, {"clip_value": 0.5}):
        w = rng.standard_normal(21).astype(np.float32)
        state = {slot: np.zeros(21, np.float32) for slot in slots}
        g = np.ones(21, np.float32)
        g[13] = np.nan
        getattr(ops, op)(w, g, **state, **options, **common)
        np.testing.assert_array_equal(np.isnan(w), np.arange(21) == 13)


@pytest.mark.parametrize("name", STEPS)
def test_step_refuses_weights_it_cannot_update_in_place(name):
    op, slots, options = STEPS[name]
    g = np.ones((4, 6), np.float32)
    read_only = np.ones((4, 6), np.float32)
    read_only.flags.writeable = False
    for w in (
        read_only,
        np.ones((4, 6)),
        np.ones((4, 6), np.int64),
        np.ones((4, 12), "f4")[:, ::2],
    ):
        state = {slot: np.zeros((4, 6), np.float32) for slot in slots}
        with pytest.raises((TypeError, ValueError), match=rf"{op}: w .*must be"):
            getattr(ops, op)(w, g, **state, **options)
        assert (w == 1).all()


@pytest.mark.parametrize("name", STEPS)
def test_step_refuses_other_shapes(name):
    op, slots, options = STEPS[name]
    w = np.ones((4, 6), np.float32)
    state = {slot: np.zeros((4, 6), np.float32) for slot in slots}
    with pytest.raises(ValueError, match=rf"{op}: .*\(4, 6\).*got \(6,\)"):
        getattr(ops, op)(w, np.ones(6, np.float32), **state, **options)
    for slot in slots:
        with pytest.raises(ValueError, match=rf"{op}: .*\(4, 6\).*got \(4,\)"):
            wrong = {**state, slot: np.zeros(4, np.float32)}
            getattr(ops, op)(w, np.ones((4, 6), np.float32), **wrong, **options)


@pytest.mark.parametrize("size", [0, 1, 2, 7, 16, 17, 1000, 100_003])
def test_sum_of_squares(each_isa, rng, size):
    x = rng.standard_normal(size).astype(np.float32)
    result = ops.sum_of_squares(x)
    assert isinstance(result, float)
    assert abs(result - np.square(x, dtype=np.float64).sum()) <= 1e-13 * result


def test_sum_of_squares_does_not_overflow(each_isa):
    x = np.full((3, 5), 1e30, np.float32)
    expected = 15 * float(np.float32(1e30)) ** 2
    assert abs(ops.sum_of_squares(x) - expected) <= 1e-13 * expected
    assert np.isnan(ops.sum_of_squares(np.array([1, np.nan, 2], np.float32)))
