"""Constructor arguments, names and configurations of optimizers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from fastconv import optimizers
from fastconv.naming import reset_names
from fastconv.optimizers import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    AdamW,
    Ftrl,
    Lion,
    Nadam,
    RMSprop,
    schedules,
)

from .common import ALL, LITERALS, WITH_ALL_SLOTS


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


@pytest.mark.parametrize("cls", ALL)
def test_lr_is_deprecated(cls):
    with pytest.warns(DeprecationWarning, match=f"{cls.__name__}: lr is deprecated") as record:
        optimizer = cls(lr=0.25)
    assert record[0].filename == __file__  # else Python would not show it
    assert optimizer.learning_rate == 0.25
    optimizer.lr = optimizer.lr / 2  # no second warning
    assert optimizer.learning_rate == 0.125


def test_attribute_lr_is_deprecated():
    with pytest.warns(DeprecationWarning, match="SGD: lr is deprecated") as record:
        assert SGD(0.5).lr == 0.5
    assert record[0].filename == __file__


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
        (SGD, {"ema_momentum": 1.5}, r"SGD: ema_momentum must be in \[0, 1\]"),
        (SGD, {"ema_overwrite_frequency": -1}, "ema_overwrite_frequency must be at least 1"),
        (SGD, {"loss_scale_factor": -2.0}, "SGD: loss_scale_factor must be at least 0"),
        (SGD, {"gradient_accumulation_steps": 1}, "accumulation_steps must be at least 2, got 1"),
        (Adagrad, {"initial_accumulator_value": -1}, "initial_accumulator_value must be"),
        (Adadelta, {"rho": 1}, "Adadelta: rho must be less than 1"),
        (Nadam, {"beta_2": 2}, "Nadam: beta_2 must be in"),
        (Lion, {"beta_1": 0}, "Lion: beta_1 must be greater than 0"),
        (Ftrl, {"learning_rate_power": 0.5}, "Ftrl: learning_rate_power must be at most 0"),
        (Ftrl, {"l1_regularization_strength": -1}, "Ftrl: l1_regularization_strength must be"),
    ],
)
def test_arguments_out_of_range(cls, options, message):
    with pytest.raises(ValueError, match=message):
        cls(**options)


def test_numpy_scalars_as_arguments():
    optimizer = SGD(momentum=np.float32(0.5), clipnorm=np.int32(2), weight_decay=1)
    json.dumps(optimizer.get_config())
    assert optimizer.clipnorm == 2.0


def test_default_names_count():
    reset_names()
    assert [Adam().name, Adam().name, AdamW().name, SGD(name="mine").name] == [
        "adam",
        "adam_1",
        "adam_w",
        "mine",
    ]


def test_legacy_names():
    with pytest.warns(DeprecationWarning, match=r"legacy\.Adam is deprecated"):
        assert optimizers.legacy.Adam is Adam
    with pytest.raises(AttributeError, match="no attribute 'schedules'"):
        _ = optimizers.legacy.schedules
