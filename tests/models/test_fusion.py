"""Fused passes: the same bits as each layer for itself, and fewer instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastconv import layers
from fastconv.layers import Input
from fastconv.models import Model, fusion
from fastconv.models.plan import Plan
from fastconv.utils import set_random_seed


def passes(model: Model, training: bool = False) -> list[str]:
    """Return what the instructions do, in their order."""
    return [row["what"] for row in model.explain(batch_size=2, training=training)]


def results(make: Any, shape: tuple[int, ...], batch: int = 3) -> list[np.ndarray]:
    """Return predictions and, after some steps of training, the weights."""
    set_random_seed(1)
    model = make()
    rng = np.random.default_rng(2)
    x = (4 * rng.standard_normal((batch, *shape))).astype(np.float32)
    predictions = [model.predict(x, verbose=0) for _ in range(2)]
    model.compile("sgd", "mse")
    y = rng.standard_normal(predictions[0].shape)
    losses = [np.asarray(model.train_on_batch(x, y)) for _ in range(3)]
    return [*predictions, *losses, *model.get_weights(), model.predict(x, verbose=0)]


def assert_same(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "_lease", lambda *_: (None, None))


#: Channels around the widths of vectors.
CHANNELS = [1, 3, 4, 7, 8, 17, 33]

ACTIVATIONS = {"relu": layers.ReLU, "relu6": lambda: layers.ReLU(6)}


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("channels", CHANNELS)
def test_activations_run_in_the_store(
    each_isa: str, name: str, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Model:
        x = inputs = Input((7, 6, channels))
        for layer in (
            layers.Conv2D(channels, 3, padding="same"),
            layers.DepthwiseConv2D(3, strides=2, padding="same"),
            layers.Conv2D(channels + 1, 1, bias_initializer="ones"),
            layers.Dense(channels),
        ):
            x = ACTIVATIONS[name]()(layer(x))
        return Model(inputs, x)

    fused = results(make, (7, 6, channels))
    assert passes(make()) == ["forward"] * 4
    monkeypatch.setattr(fusion, "activation_into_kernel", lambda program: None)
    assert passes(make()) == ["forward", name] * 4
    assert_same(fused, results(make, (7, 6, channels)))


def test_folded_normalization_and_relu6_run_in_the_store() -> None:
    inputs = Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, use_bias=False)(inputs))
    x = layers.ReLU(6)(x)
    x = layers.BatchNormalization()(layers.DepthwiseConv2D(3, use_bias=False)(x))
    assert passes(Model(inputs, layers.Activation("relu6")(x))) == ["forward"] * 2


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_move_behind_max_pooling(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Model:
        inputs = Input((9, 8, 3))
        x = ACTIVATIONS[name]()(layers.Conv2D(5, 3, bias_initializer="ones")(inputs))
        return Model(inputs, layers.MaxPooling2D(3, 2)(x))

    moved = results(make, (9, 8, 3))
    monkeypatch.setattr(fusion, "activation_after_pooling", lambda program: None)
    assert_same(moved, results(make, (9, 8, 3)))
