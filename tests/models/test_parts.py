"""Large batches go through inference in parts, with the bits of the whole."""

from __future__ import annotations

import numpy as np
import pytest

import fastconv
from fastconv import Model, Sequential, layers
from fastconv.models import parts
from fastconv.models.parts import Parts, part_size


def convolutions():
    fastconv.utils.set_random_seed(5)
    return Sequential(
        [
            layers.Input((12, 12, 3)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(4, activation="softmax"),
        ]
    )


def two_inputs():
    a, b = layers.Input((6, 6, 2)), layers.Input((5,))
    z = layers.Concatenate()([layers.Flatten()(layers.Conv2D(3, 3)(a)), b])
    return Model([a, b], [layers.Dense(2)(z), layers.ReLU()(z)])


def lease(model, arrays):
    """Return what runs the second batch of such a shape."""
    model.predict_on_batch(arrays)
    model.predict_on_batch(arrays)
    arrays = arrays if isinstance(arrays, list) else [arrays]
    plan = model.inference_plan()
    return plan.lease(plan.key(False, [array.shape for array in arrays]))


def test_parts_have_the_bits_of_the_whole(rng, monkeypatch):
    x = rng.random((60, 12, 12, 3), np.float32)
    model = convolutions()
    whole = [model.predict_on_batch(x) for _ in range(3)][-1]
    assert not isinstance(lease(model, x), Parts)
    monkeypatch.setattr(parts, "PART_BYTES", 50_000)
    model = convolutions()
    assert isinstance(lease(model, x), Parts)
    np.testing.assert_array_equal(model.predict_on_batch(x), whole)
    np.testing.assert_array_equal(model.predict(x, batch_size=60, verbose=0), whole)
    np.testing.assert_array_equal(model.compile_for_inference().predict(x, batch_size=60), whole)


def test_several_inputs_and_outputs(rng, monkeypatch):
    arrays = [rng.random((40, 6, 6, 2), np.float32), rng.random((40, 5), np.float32)]
    model = two_inputs()
    whole = model.predict_on_batch(arrays)
    monkeypatch.setattr(parts, "PART_BYTES", 4000)
    model._plans.clear()
    assert isinstance(lease(model, arrays), Parts)
    for ours, expected in zip(model.predict_on_batch(arrays), whole, strict=True):
        np.testing.assert_array_equal(ours, expected)


def over_the_batch(z):
    return z - z.mean(axis=0)


def test_functions_of_yours_see_the_whole_batch(rng, monkeypatch):
    monkeypatch.setattr(parts, "PART_BYTES", 1000)
    model = Sequential([layers.Input((4,)), layers.Dense(3), layers.Lambda(over_the_batch)])
    x = rng.random((50, 4), np.float32)
    for _ in range(3):
        y = model.predict_on_batch(x)
    np.testing.assert_allclose(y.mean(axis=0), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("n", "images", "size"), [(64, 16, 16), (60, 16, 15), (50, 16, 10), (97, 16, 97), (64, 1, 1)]
)
def test_parts_are_equal(monkeypatch, n, images, size):
    monkeypatch.setattr(parts, "BYTES_PER_WEIGHT_BYTE", 0)
    plan = convolutions().inference_plan()
    execution = plan.compile(False, [(n, 12, 12, 3)])
    monkeypatch.setattr(parts, "PART_BYTES", execution.nbytes * images // n)
    assert part_size(execution, plan.program(False), [(n, 12, 12, 3)]) == size


def test_parts_are_worth_reading_the_weights_again(monkeypatch):
    fastconv.utils.set_random_seed(5)
    plan = Sequential([layers.Input((100,)), layers.Dense(100)]).inference_plan()
    execution = plan.compile(False, [(64, 100)])
    monkeypatch.setattr(parts, "PART_BYTES", 1)
    # 40,400 bytes of weights; each image reads and writes 800.
    for ratio, size in ((0, 1), (0.05, 2), (0.2, 8), (2, 64)):
        monkeypatch.setattr(parts, "BYTES_PER_WEIGHT_BYTE", ratio)
        assert part_size(execution, plan.program(False), [(64, 100)]) == size
