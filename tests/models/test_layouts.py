"""Channels-first networks: the same bits with fewer movements of axes."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import layers, utils
from fastconv.layers import (
    Activation,
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Input,
    LeakyReLU,
    MaxPooling2D,
    SeparableConv2D,
    Softmax,
    UpSampling2D,
    ZeroPadding2D,
)
from fastconv.models import Model, Sequential, layouts, plan
from fastconv.models.program import lower

FIRST = {"data_format": "channels_first"}
SHAPE = (3, 8, 6)
X = np.random.default_rng(0).standard_normal((5, *SHAPE)).astype(np.float32)
Y = np.arange(5) % 3


def line():
    return Sequential(
        [
            Input(SHAPE),
            ZeroPadding2D(1, **FIRST),
            Conv2D(4, 3, activation="relu", **FIRST),
            BatchNormalization(axis=1),
            LeakyReLU(),
            MaxPooling2D(2, **FIRST),
            SeparableConv2D(5, 2, **FIRST),
            UpSampling2D(2, **FIRST),
            DepthwiseConv2D(2, activation="tanh", **FIRST),
            Flatten(**FIRST),
            Dense(3, activation="softmax"),
        ]
    )


def branches():
    inputs = Input(SHAPE)
    a = Conv2D(4, 3, padding="same", activation="sigmoid", **FIRST)(inputs)
    b = Conv2D(4, 1, use_bias=False, **FIRST)(inputs)
    both = Activation("relu")(Add()([a, b, a]))
    outputs = Dense(3, activation="softmax")(GlobalAveragePooling2D(**FIRST)(both))
    return Model(inputs, [outputs, b])


def mixed():
    """Layers that need the order as it is stand between."""
    inputs = Input(SHAPE)
    x = Conv2D(4, 3, activation="softmax", **FIRST)(inputs)
    x = Dropout(0.5, seed=1)(Conv2D(4, 1, activity_regularizer="l2", **FIRST)(x))
    x = Softmax(axis=1)(BatchNormalization()(MaxPooling2D(2, **FIRST)(x)))
    x = Conv2D(3, 2, **FIRST)(x)
    return Model(inputs, Dense(3, activation="softmax")(Flatten()(x)))


def dense_block():
    """Concatenations along the channels, and gradients through movements."""
    x = inputs = Input(SHAPE)
    for _ in range(2):
        y = BatchNormalization(axis=1)(Conv2D(2, 3, padding="same", **FIRST)(x))
        x = Concatenate(axis=1)([y, Activation("relu")(y)])
    x = Softmax(axis=1)(MaxPooling2D(2, **FIRST)(x))
    x = Conv2D(3, 2, activation="sigmoid", **FIRST)(x)
    return Model(inputs, Dense(3, activation="softmax")(Flatten(**FIRST)(x)))


def deep():
    """Convolutions, each with a normalization to fold and a relu to put into its store."""
    network = [Input(SHAPE)]
    for filters in (4, 6, 3):
        network += [
            Conv2D(filters, 3, padding="same", use_bias=filters == 6, **FIRST),
            BatchNormalization(axis=1),
            Activation("relu"),
        ]
    return Sequential([*network, GlobalAveragePooling2D(**FIRST), Dense(3, activation="softmax")])


#: Model, and the movements left of two for each layer.
MODELS = {
    "line": (line, 1),
    "branches": (branches, 2),
    "mixed": (mixed, 4),
    "dense_block": (dense_block, 3),
    "deep": (deep, 1),
}


def movements(model):
    program = lower(model.graph, training=True)
    layouts.move_channels_once(program)
    return sum(isinstance(step.layer, layouts.Move) for step in program.steps)


def results(make):
    utils.set_random_seed(1)
    model = make()
    loss = ["sparse_categorical_crossentropy", None][: len(model.outputs)]
    model.compile("sgd", loss)
    history = model.fit(X, Y, epochs=2, batch_size=2, verbose=0) if len(loss) == 1 else None
    if history is None:
        model.train_on_batch(X, [Y, None])
    outputs = [model.predict(X, verbose=0) for _ in range(2)][-1]  # the second is compiled
    return [*model.get_weights(), *(outputs if isinstance(outputs, list) else [outputs])]


@pytest.mark.parametrize("name", MODELS)
def test_the_bits_are_the_same(name, monkeypatch):
    make, count = MODELS[name]
    assert movements(make()) == count
    monkeypatch.setattr(plan, "batch_normalization_folding", lambda: False)
    fewer = results(make)
    monkeypatch.setattr(layouts, "move_channels_once", lambda program: None)
    for one, other in zip(fewer, results(make), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", MODELS)
def test_compiled_as_layer_by_layer(name, monkeypatch):
    make, _ = MODELS[name]
    compiled = results(make)
    monkeypatch.setattr(plan.Plan, "lease", lambda *_: None)
    for one, other in zip(compiled, results(make), strict=True):
        np.testing.assert_array_equal(one, other)


def test_normalizations_are_folded(monkeypatch):
    model = deep()
    products = [layer.name for layer in model.layers if isinstance(layer, (Conv2D, Dense))]
    pooling = model.layers[-2].name
    assert [row["layer"] for row in model.explain(batch_size=2)] == [
        "to_channels_last",
        *products[:3],
        pooling,
        *products[3:] * 2,  # and softmax
    ]
    model.set_weights([w + np.float32(0.1) for w in model.get_weights()])
    folded = model(X)
    monkeypatch.setattr(plan, "batch_normalization_folding", lambda: False)
    np.testing.assert_allclose(Model(model.inputs, model.outputs)(X), folded, rtol=1e-5)


def test_outputs_whose_loss_takes_the_activation(monkeypatch):
    """The value of the loss stays exact where probabilities round to 0."""
    inputs = Input(SHAPE)
    model = Model(inputs, Conv2D(1, 1, activation="sigmoid", **FIRST)(inputs))
    model.set_weights([np.full((1, 1, 3, 1), -100.0), np.zeros(1)])
    model.compile("sgd", "binary_crossentropy")
    ones = np.ones((1, *SHAPE), np.float32)
    assert model.evaluate(ones, ones[:, :1], verbose=0) == pytest.approx(300)


class Rows(Activation):
    """A layer of one's own that knows the order of axes."""

    def forward(self, x, training=False):
        return x * np.arange(x.shape[1], dtype=np.float32)[:, None, None], None


def test_layers_of_ones_own_see_what_they_are_given():
    inputs = Input(SHAPE)
    x = Rows("relu")(Conv2D(4, 1, **FIRST)(inputs))
    model = Model(inputs, Conv2D(2, 1, **FIRST)(x))
    assert movements(model) == 4
    first = model.layers[1](X)
    np.testing.assert_array_equal(model(X), model.layers[3](model.layers[2](first)))


def test_channels_last_networks_are_left_alone():
    model = Sequential([Input((8, 6, 3)), Conv2D(2, 3), BatchNormalization(), Flatten(), Dense(1)])
    program = lower(model.graph, training=False)
    before = list(program.steps)
    layouts.move_channels_once(program)
    assert program.steps == before


def test_masks_stay():
    inputs = Input((4, 2))
    x = layers.Masking()(inputs)
    model = Model(inputs, layers.GlobalAveragePooling1D(**FIRST)(layers.Activation("relu")(x)))
    assert movements(model) == 0
