"""Initializers: distributions, fans, seeds, configs."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest

from fastconv import initializers
from fastconv.random import SeedGenerator

KERNEL = (3, 3, 64, 96)
FAN_IN, FAN_OUT = 3 * 3 * 64, 3 * 3 * 96

ALL = [
    initializers.Constant(2),
    initializers.GlorotNormal(),
    initializers.GlorotUniform(seed=3),
    initializers.HeNormal(),
    initializers.HeUniform(),
    initializers.Identity(2),
    initializers.LecunNormal(),
    initializers.LecunUniform(),
    initializers.Ones(),
    initializers.Orthogonal(2),
    initializers.RandomNormal(1, 2, seed=1),
    initializers.RandomUniform(-1, 3),
    initializers.TruncatedNormal(1, 2),
    initializers.VarianceScaling(2.0, "fan_avg", "uniform", 5),
    initializers.Zeros(),
]


@pytest.mark.parametrize(
    ("name", "std", "limit"),
    [
        ("glorot_uniform", math.sqrt(2 / (FAN_IN + FAN_OUT)), math.sqrt(6 / (FAN_IN + FAN_OUT))),
        ("glorot_normal", math.sqrt(2 / (FAN_IN + FAN_OUT)), None),
        ("he_uniform", math.sqrt(2 / FAN_IN), math.sqrt(6 / FAN_IN)),
        ("he_normal", math.sqrt(2 / FAN_IN), None),
        ("lecun_uniform", math.sqrt(1 / FAN_IN), math.sqrt(3 / FAN_IN)),
        ("lecun_normal", math.sqrt(1 / FAN_IN), None),
    ],
)
def test_variance_scaling_presets(name, std, limit):
    values = getattr(initializers, name)(seed=1)(KERNEL)
    assert values.shape == KERNEL and values.dtype == np.float32
    assert values.mean() == pytest.approx(0, abs=0.02 * std)
    assert values.std() == pytest.approx(std, rel=0.02)
    # A normal cut at two standard deviations, then stretched to the variance it should have.
    bound = limit or 2 * std / 0.87962566103423978
    assert 0.99 * bound < np.abs(values).max() <= bound * (1 + 1e-6)


@pytest.mark.parametrize(
    ("initializer", "mean", "std", "low", "high"),
    [
        (initializers.RandomNormal(1, 0.5, seed=1), 1, 0.5, None, None),
        (initializers.TruncatedNormal(1, 0.5, seed=1), 1, 0.5 * 0.87962566, 0, 2),
        (initializers.RandomUniform(-1, 3, seed=1), 1, 4 / math.sqrt(12), -1, 3),
        (
            initializers.VarianceScaling(4, "fan_out", "untruncated_normal", 1),
            *(0, 2 / math.sqrt(FAN_OUT), None, None),
        ),
    ],
)
def test_distributions(initializer, mean, std, low, high):
    values = initializer(KERNEL)
    assert values.mean() == pytest.approx(mean, abs=0.02 * std)
    assert values.std() == pytest.approx(std, rel=0.02)
    if low is not None:
        assert values.min() >= low and values.max() <= high


@pytest.mark.parametrize(
    ("shape", "fans"),
    [
        ((), (1, 1)),
        ((5,), (5, 5)),
        ((3, 4), (3, 4)),
        ((3, 3, 2, 8), (18, 72)),
        ((3, 8, 2), (24, 6)),
    ],
)
def test_fans(shape, fans):
    assert initializers.compute_fans(shape) == fans


def test_fans_of_given_axes():
    assert initializers.compute_fans((3, 4, 5), input_axes=[0, 1], output_axes=[2]) == (12, 5)


def test_constants():
    np.testing.assert_array_equal(initializers.Zeros()((2,)), [0, 0])
    np.testing.assert_array_equal(initializers.Ones()((2,)), [1, 1])
    np.testing.assert_array_equal(initializers.Constant(0.5)((2,)), [0.5, 0.5])
    np.testing.assert_array_equal(initializers.Identity(3)((2, 3)), [[3, 0, 0], [0, 3, 0]])
    assert initializers.Ones()((2,), dtype="float64").dtype == np.float64


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5), (1, 1, 2, 9)])
def test_orthogonal(shape):
    q = initializers.Orthogonal(gain=2, seed=0)(shape).reshape(-1, shape[-1]) / 2
    gram = q @ q.T if q.shape[0] < q.shape[1] else q.T @ q
    np.testing.assert_allclose(gram, np.eye(len(gram)), atol=1e-6)


@pytest.mark.parametrize("initializer", ALL, ids=lambda i: type(i).__name__)
def test_one_instance_repeats_its_values(initializer):
    np.testing.assert_array_equal(initializer((4, 5)), initializer((4, 5)))


def test_values_follow_from_the_seed():
    draw = initializers.HeNormal(seed=5)((3, 3))
    np.testing.assert_array_equal(initializers.HeNormal(seed=np.int64(5))((3, 3)), draw)
    assert (initializers.HeNormal(seed=6)((3, 3)) != draw).any()


def test_values_stay_the_same_from_version_to_version():
    values = initializers.GlorotUniform(seed=1)((2, 3))
    expected = [[-0.05874074, 0.02589977, 0.559044], [0.98691654, -1.0190872, -0.7796074]]
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_python_random_seeds_the_rest():
    random.seed(3)
    first = initializers.GlorotUniform()((3, 3))
    assert (initializers.GlorotUniform()((3, 3)) != first).any()
    random.seed(3)
    np.testing.assert_array_equal(initializers.GlorotUniform()((3, 3)), first)


def test_seed_generator_gives_new_values_each_time():
    initializer = initializers.RandomNormal(seed=SeedGenerator(4, name="g"))
    first = initializer((5,))
    assert (initializer((5,)) != first).any()
    config = json.loads(json.dumps(initializers.serialize(initializer)))
    assert config["config"]["seed"]["module"] == "keras.random"
    np.testing.assert_array_equal(initializers.deserialize(config)((5,)), first)


@pytest.mark.parametrize("initializer", ALL, ids=lambda i: type(i).__name__)
def test_config_round_trip(initializer):
    config = json.loads(json.dumps(initializers.serialize(initializer)))
    assert config["module"] == "keras.initializers"
    again = initializers.deserialize(config)
    assert type(again) is type(initializer)
    assert again.get_config() == initializer.get_config()


def test_configs_are_those_of_keras():
    assert initializers.VarianceScaling().get_config() == {
        "scale": 1.0,
        "mode": "fan_in",
        "distribution": "truncated_normal",
        "seed": None,
        "input_axes": None,
        "output_axes": None,
    }
    preset = {"seed": None, "input_axes": None, "output_axes": None}
    assert initializers.HeNormal().get_config() == preset
    assert initializers.Zeros().get_config() == {}
    assert initializers.Constant().get_config() == {"value": 0.0}
    normal = {"mean": 0.0, "stddev": 0.05, "seed": None}
    assert initializers.TruncatedNormal().get_config() == normal
    uniform = {"minval": -0.05, "maxval": 0.05, "seed": None}
    assert initializers.RandomUniform().get_config() == uniform


@pytest.mark.parametrize(
    ("identifier", "cls"),
    [
        ("he_normal", initializers.HeNormal),
        ("HeNormal", initializers.HeNormal),
        ("normal", initializers.RandomNormal),
        ("uniform", initializers.RandomUniform),
        ("zero", initializers.Zeros),
        ("one", initializers.Ones),
        (initializers.Ones, initializers.Ones),
        ({"class_name": "HeNormal", "config": {"seed": 1}}, initializers.HeNormal),
    ],
)
def test_get(identifier, cls):
    assert type(initializers.get(identifier)) is cls


def test_get_other_things():
    assert initializers.get(None) is None
    ones = initializers.Ones()
    assert initializers.get(ones) is ones
    given = initializers.get(np.arange(3))
    np.testing.assert_array_equal(given((3,)), [0, 1, 2])
    with pytest.raises(ValueError, match=r"must have the weight's shape \(4,\), got \(3,\)"):
        given((4,))
    with pytest.raises(TypeError, match="an array cannot be written to a config"):
        initializers.serialize(given)

    def sevens(shape, dtype=None):
        return np.full(shape, 7)

    assert initializers.get(sevens) is sevens
    assert initializers.serialize(sevens)["config"] == "sevens"
    with pytest.raises(TypeError, match="a lambda cannot be written"):
        initializers.serialize(lambda shape, dtype=None: np.zeros(shape))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: initializers.get("glorot"), ValueError, "initializer identifier: glorot"),
        (lambda: initializers.get("he_norml"), ValueError, 'Did you mean "he_normal"?'),
        (lambda: initializers.get(3), ValueError, "got an object of type int"),
        (lambda: initializers.RandomNormal(stddev=-1), ValueError, "stddev must be at least 0"),
        (lambda: initializers.RandomUniform(1, 0), ValueError, "maxval must be at least 1, got 0"),
        (lambda: initializers.VarianceScaling(0), ValueError, "scale must be positive, got 0"),
        (
            lambda: initializers.VarianceScaling(mode="in"),
            ValueError,
            'mode must be one of "fan_in',
        ),
        (
            lambda: initializers.VarianceScaling(distribution="gauss"),
            ValueError,
            "distribution must be one of",
        ),
        (lambda: initializers.HeNormal(seed=1.5), TypeError, "HeNormal: seed must be an integer"),
        (lambda: initializers.HeNormal(seed=-1), ValueError, "seed must be at least 0"),
        (lambda: initializers.Constant("a"), TypeError, "value must be a number, got str"),
        (lambda: initializers.Identity()((2,)), ValueError, "the shape must have 2 dimensions"),
        (lambda: initializers.Orthogonal()((2,)), ValueError, "must have 2 dimensions or more"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("initializer", ALL, ids=lambda i: type(i).__name__)
def test_configs_both_ways_with_keras(initializer):
    keras = pytest.importorskip("keras")
    written = json.loads(json.dumps(initializers.serialize(initializer)))
    theirs = keras.initializers.deserialize(json.loads(json.dumps(written)))
    config = json.loads(json.dumps(keras.initializers.serialize(theirs)))
    assert config["config"].keys() <= written["config"].keys()  # Identity's gain gets lost there
    again = initializers.deserialize(config)
    assert type(again) is type(initializer)
    np.testing.assert_array_equal(np.asarray(theirs((4, 5))).shape, np.asarray(again((4, 5))).shape)


def test_every_initializer_of_keras_is_here():
    keras = pytest.importorskip("keras")
    public = {name for name in dir(keras.initializers) if not name.startswith("_")}
    missing = public - set(dir(initializers)) - {"STFT", "STFTInitializer", "stft"}
    assert missing <= {"IdentityInitializer", "OrthogonalInitializer"}
    for name in missing:
        assert initializers.get(name) is not None
