"""Losses: the values and gradients of Keras."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastconv import losses, naming

from ..literals.objective_cases import LOSSES, UNWEIGHTED, make

LITERALS = json.loads((Path(__file__).parents[1] / "literals" / "objectives.json").read_text())


@pytest.mark.parametrize("name", LOSSES)
def test_values_and_gradients_of_keras(name):
    class_name, options, kind = LOSSES[name]
    expected = LITERALS["losses"][name]
    loss = getattr(losses, class_name)(**options)
    y, p, w = make(kind)
    assert loss(y, p) == pytest.approx(expected["plain"], rel=2e-5)
    value, gradient = loss.value_and_grad(y, p, None if name in UNWEIGHTED else w)
    assert value == pytest.approx(expected["weighted"], rel=2e-5)
    assert gradient.shape == p.shape and gradient.dtype == np.float32
    start = np.array(expected["gradient"])
    np.testing.assert_allclose(
        gradient.reshape(-1)[: len(start)], start, rtol=1e-4, atol=1e-6 * abs(start).max()
    )


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_are_derivatives(name):
    """Also where Keras's literals stop: along a random direction, in steps of float32."""
    class_name, options, kind = LOSSES[name]
    loss = getattr(losses, class_name)(**options)
    y, p, w = make(kind, seed=1)
    direction = np.random.default_rng(2).normal(size=p.shape).astype(np.float32)
    step = np.float32(1e-3)
    up, down = loss(y, p + step * direction, w), loss(y, p - step * direction, w)
    _, gradient = loss.value_and_grad(y, p, w)
    slope = float((gradient.astype(np.float64) * direction).sum())
    size = float(np.abs(gradient * direction).sum())
    assert slope == pytest.approx((up - down) / (2 * step), abs=2e-2 * size + 1e-4)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_its_names_and_config(name):
    class_name, options, _ = LOSSES[name]
    cls = getattr(losses, class_name)
    loss = cls(**options)
    again = losses.deserialize(json.loads(json.dumps(losses.serialize(loss))))
    assert type(again) is cls and again.get_config() == loss.get_config()
    snake = naming.to_snake_case(class_name)
    assert type(losses.get(snake)) is cls
    assert type(losses.get(getattr(losses, snake))) is cls
    assert getattr(losses, snake).__name__ == snake
    assert cls().name == ("huber_loss" if class_name == "Huber" else snake)


def test_functions_take_the_options_of_keras_by_position():
    y, p, _ = make("binary")
    expected = losses.BinaryFocalCrossentropy(True, 0.3, 1.0, reduction=None)(y, p)
    np.testing.assert_array_equal(losses.binary_focal_crossentropy(y, p, True, 0.3, 1.0), expected)
    y, p, _ = make("images")
    per_image = losses.Tversky(0.2, 0.8, axis=(1, 2, 3), reduction="none")(y, p)
    np.testing.assert_array_equal(losses.tversky(y, p, 0.2, 0.8, (1, 2, 3)), per_image)
    assert per_image.shape == (len(p),)


def test_weights_of_samples_on_losses_of_regions():
    y, p, w = make("images")
    per_image = losses.Dice(reduction="none", axis=(1, 2, 3))(y, p)
    spread = np.broadcast_to(w[:, None, None], p.shape[:3])  # as training gives them
    loss = losses.Dice(axis=(1, 2, 3))
    assert loss(y, p, spread) == pytest.approx((w * per_image).mean(), rel=1e-5)
    with pytest.raises(ValueError, match="sample_weight must have the shape of the values"):
        loss(y, p, np.random.default_rng(0).random(p.shape[:3]))
    whole = losses.Dice()
    assert whole(y, p, w) == pytest.approx(whole(y, p) * w.mean(), rel=1e-5)
    np.testing.assert_allclose(
        whole.value_and_grad(y, p, w)[1], whole.value_and_grad(y, p)[1] * w.mean(), rtol=1e-5
    )


def cubic(y_true, y_pred):
    error = y_pred - y_true
    return (np.abs(error) ** 3).mean(-1), 3 * error * np.abs(error) / error.shape[-1]


def batch_mean(y_true, y_pred):
    error = y_pred - y_true
    return np.square(error).mean(), 2 * error / error.size


def test_a_function_of_ones_own():
    y, p, w = make("real")
    loss = losses.get(cubic)
    assert loss.name == "cubic"
    value, gradient = loss.value_and_grad(y, p, w)
    assert value == pytest.approx(((np.abs(p - y) ** 3).mean(-1) * w).mean(), rel=1e-5)
    np.testing.assert_allclose(gradient, cubic(y, p)[1] * w[:, None] / len(w), rtol=1e-5)
    assert losses.get(batch_mean)(y, p) == pytest.approx(losses.MeanSquaredError()(y, p), rel=1e-5)


@pytest.mark.parametrize(
    ("function", "error", "match"),
    [
        (lambda y, p: p.mean(-1), TypeError, r"must return \(values, gradient by y_pred\)"),
        (lambda y, p: (p.mean(-1), p[:, :1]), ValueError, "the gradient must have that shape"),
        (lambda y, p: (p[0], p), ValueError, "values that of its leading axes"),
    ],
)
def test_functions_that_do_not_return_a_pair(function, error, match):
    with pytest.raises(error, match=match):
        losses.get(function).value_and_grad(*make("real")[:2])


def test_functions_are_saved_by_the_name_they_were_registered_with():
    from fastconv.saving import custom_object_scope

    loss = losses.FunctionLoss(cubic, reduction="sum")
    config = json.loads(json.dumps(losses.serialize(loss)))
    assert losses.serialize(losses.huber) == "huber"
    with custom_object_scope({"cubic": cubic}):
        assert isinstance(losses.get("cubic"), losses.FunctionLoss)
        again = losses.FunctionLoss.from_config(config["config"])
    assert again.fn is cubic and again.reduction == "sum" and again.name == "cubic"


def test_wrong_options():
    with pytest.raises(ValueError, match="q must be between 0 and 1"):
        losses.CategoricalGeneralizedCrossEntropy(1.0)
    with pytest.raises(ValueError, match="gamma must be at least 0"):
        losses.BinaryFocalCrossentropy(gamma=-1)
