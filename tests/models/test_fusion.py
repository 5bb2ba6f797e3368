"""Fused passes: the same bits as each layer for itself, and fewer instructions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastconv import layers, ops, optimizers
from fastconv.layers import Input
from fastconv.models import Model, fusion
from fastconv.models.lowering import Builder
from fastconv.models.plan import Plan
from fastconv.ops import bound
from fastconv.ops.fusion import STORED
from fastconv.utils import set_random_seed


def passes(model: Model, training: bool = False) -> list[str]:
    """Return what the instructions do, in their order."""
    return [row["what"] for row in model.explain(batch_size=2, training=training)]


def results(make: Any, shape: tuple[int, ...], rate: float = 0.01) -> list[np.ndarray]:
    """Return predictions and, after some steps of training, the weights."""
    set_random_seed(1)
    model = make()
    rng = np.random.default_rng(2)
    x = (4 * rng.standard_normal((3, *shape))).astype(np.float32)
    predictions = [model.predict(x, verbose=0) for _ in range(2)]
    model.compile(optimizers.SGD(rate), "mse")
    y = rng.standard_normal(predictions[0].shape)
    losses = [np.asarray(model.train_on_batch(x, y)) for _ in range(3)]
    return [*predictions, *losses, *model.get_weights(), model.predict(x, verbose=0)]


def assert_same(a: list[np.ndarray], b: list[np.ndarray]) -> None:
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "lease", lambda *_: None)


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
    assert passes(make()) == [f"forward, {name}"] * 4
    monkeypatch.setattr(fusion, "activation_into_kernel", lambda program: None)
    assert passes(make()) == ["forward", name] * 4
    assert_same(fused, results(make, (7, 6, channels)))


def test_folded_normalization_and_relu6_run_in_the_store() -> None:
    inputs = Input((8, 8, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3, use_bias=False)(inputs))
    x = layers.ReLU(6)(x)
    x = layers.BatchNormalization()(layers.DepthwiseConv2D(3, use_bias=False)(x))
    assert passes(Model(inputs, layers.Activation("relu6")(x))) == ["forward, relu6"] * 2


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_move_behind_max_pooling(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Model:
        inputs = Input((9, 8, 3))
        x = ACTIVATIONS[name]()(layers.Conv2D(5, 3, bias_initializer="ones")(inputs))
        return Model(inputs, layers.MaxPooling2D(3, 2)(x))

    moved = results(make, (9, 8, 3))
    monkeypatch.setattr(fusion, "activation_after_pooling", lambda program: None)
    assert_same(moved, results(make, (9, 8, 3)))


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each activation layer run by itself."""
    monkeypatch.setattr(Builder, "activation_behind", lambda *_: (None, 0))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("window", [(2, 2, "valid"), (3, 2, "same"), (11, 11, "valid")], ids=str)
@pytest.mark.parametrize("channels", CHANNELS)
def test_max_pooling_and_activation(
    each_isa: str, name: str, window: Any, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Model:
        inputs = Input((13, 12, channels))
        x = layers.Conv2D(channels, 3, padding="same", activation=name)(inputs)
        return Model(inputs, layers.Dense(2)(layers.MaxPooling2D(*window)(x)))

    fused = results(make, (13, 12, channels))
    model = make()
    model.compile("sgd", "mse")
    together = window[0] <= window[1]  # the windows do not overlap
    if each_isa == "amx" and passes(model)[0] == "forward":
        together = False  # split floats cannot pool what they compute
    first = [f"forward, max-pooling, {name}"] if together else ["forward", f"forward, {name}"]
    assert passes(model)[: len(first)] == first
    assert f"{name} gradient" not in passes(model, training=True)
    alone(monkeypatch)
    assert f"{name} gradient" in passes(model, training=True)
    assert_same(fused, results(make, (13, 12, channels)))
    layer_by_layer(monkeypatch)
    assert_same(fused, results(make, (13, 12, channels)))


def residual(name: str, channels: int, blocks: int = 2) -> Model:
    """A network whose sums are read by two layers, or by one."""
    inputs = Input((6, 5, 2))
    x = ACTIVATIONS[name]()(layers.Conv2D(channels, 3)(inputs))
    for _ in range(blocks):
        y = layers.BatchNormalization(axis=-1)(layers.Conv2D(channels, 1, use_bias=False)(x))
        y = layers.BatchNormalization()(layers.Dense(channels)(ACTIVATIONS[name]()(y)))
        x = ACTIVATIONS[name]()(layers.Add()([y, x]))
    x = layers.Add()([x, x, layers.Dense(channels)(x)])
    return Model(inputs, layers.Dense(3)(layers.Activation(name)(x)))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("channels", CHANNELS)
def test_residual_blocks(
    each_isa: str, name: str, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Model:
        return residual(name, channels)

    fused = results(make, (6, 5, 2))
    alone(monkeypatch)
    assert_same(fused, results(make, (6, 5, 2)))
    layer_by_layer(monkeypatch)
    assert_same(fused, results(make, (6, 5, 2)))


def test_residual_blocks_copy_and_add_nothing_by_itself() -> None:
    model = residual("relu", 4)
    assert passes(model).count("forward, relu") == 6  # the first, one in a block, and the sums
    model.compile("sgd", "mse")
    done = passes(model, training=True)
    assert "copy" not in done
    assert done.count("forward, sum, relu") == 2  # of normalizations
    assert done.count("gradients, relu gradient") == 2  # of normalizations
    assert done.count("sum of gradients, relu gradient, gradients") == 2
    assert done.count("sum of gradients, relu gradient") == 1  # of the first relu
    assert "relu" not in done


def test_convolutions_add_shortcuts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two convolutions that are added the later one does it; no activated one does."""

    def make() -> Model:
        x = inputs = Input((9, 7, 6))
        y = layers.Conv2D(6, 3, padding="same")(layers.Conv2D(6, 1, activation="relu")(x))
        x = layers.ReLU()(layers.Add()([x, y]))
        x = layers.Add()([layers.Conv2D(4, 1)(x), layers.Conv2D(4, 3, padding="same")(x)])
        x = layers.Add()([x, layers.Conv2D(4, 3, padding="same", activation="relu")(x)])
        return Model(inputs, x)

    fused = results(make, (9, 7, 6))
    done = passes(make())
    assert done.count("forward, sum, relu") == 1
    assert done.count("forward, sum") == 1
    assert done.count("forward, relu") == 2
    sums_alone(monkeypatch)
    assert "forward, sum" not in passes(make())
    assert_same(fused, results(make, (9, 7, 6)))


def sums_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each normalization run by itself, and each sum of gradients."""
    monkeypatch.setattr(Builder, "addition_behind", lambda *_: (None, None))
    monkeypatch.setattr(Builder, "unmake", lambda *_, **__: None)


@pytest.mark.parametrize("activation", ["relu", "relu6", "linear", "tanh"])
@pytest.mark.parametrize("trainable", [True, False])
@pytest.mark.parametrize("channels", CHANNELS[::2])
def test_normalizations_and_sums(
    each_isa: str,
    activation: str,
    trainable: bool,
    channels: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sums of a shortcut, of a normalized one, of one that comes later, of the same, of three."""

    def normalized(x: Any) -> Any:
        x = layers.Conv2D(channels, 1, use_bias=False)(x)
        return layers.BatchNormalization(beta_initializer="ones", trainable=trainable)(x)

    def make() -> Model:
        x = inputs = Input((7, 9, channels))
        for i in range(5):
            y = normalized(x)
            others = [[x], [normalized(x)], [layers.Conv2D(channels, 1)(x)], [y], [x, x]][i]
            x = layers.Activation(activation)(layers.Add()([y, *others]))
        return Model(inputs, layers.ReLU(6)(x))  # a gradient of one of these, then that of another

    fused = results(make, (7, 9, channels), rate=1e-4)
    model = make()
    model.compile("sgd", "mse")
    done = passes(model, training=True)
    name = f", {activation}" if activation in ACTIVATIONS else ""
    assert done.count(f"forward, sum{name}") == 2
    if name:
        assert done.count(f"sum of gradients, {activation} gradient, gradients") == 2
    sums_alone(monkeypatch)
    assert f"forward, sum{name}" not in passes(model, training=True)
    assert_same(fused, results(make, (7, 9, channels), rate=1e-4))
    layer_by_layer(monkeypatch)
    assert_same(fused, results(make, (7, 9, channels), rate=1e-4))


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (40, 3), (700, 4), (90, 33), (9, 130)], ids=str)
def test_normalization_and_activation(
    each_isa: str, name: str, shape: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make() -> Model:
        inputs = Input(shape)
        x = layers.Dense(shape[-1])(inputs)
        for options in ({}, {"scale": False}, {"center": False}, {"trainable": False}):
            x = ACTIVATIONS[name]()(layers.BatchNormalization(**options)(x))
            x = layers.Dense(shape[-1])(x)
        return Model(inputs, x)

    fused = results(make, shape)
    model = make()
    model.compile("sgd", "mse")
    done = passes(model, training=True)
    assert done.count(f"gradients, {name} gradient") == 3
    assert done.count(f"{name} gradient, gradients") == 1  # statistics that are fixed
    alone(monkeypatch)
    assert_same(fused, results(make, shape))
    layer_by_layer(monkeypatch)
    assert_same(fused, results(make, shape))


def test_normalization_before_a_convolution_applies_its_relu() -> None:
    inputs = Input((8, 8, 3))
    x = layers.ReLU()(layers.BatchNormalization()(inputs))
    assert passes(Model(inputs, layers.Conv2D(4, 3)(x))) == ["forward, relu", "forward"]


def test_values_that_others_read_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def make() -> Model:
        inputs = Input((5, 4, 3))
        sums = layers.Add()([layers.Conv2D(3, 1)(inputs), layers.Conv2D(3, 1)(inputs)])
        norm = layers.BatchNormalization()(sums)
        pool = layers.MaxPooling2D(2, 1, "same")(norm)
        relus = [layers.ReLU()(x) for x in (sums, norm, pool)]
        return Model(inputs, [sums, layers.Add()([norm, pool, *relus]), relus[0]])

    model, x = make(), np.random.default_rng(0).standard_normal((3, 5, 4, 3)).astype(np.float32)
    compiled = [model.predict(x, verbose=0) for _ in range(2)][1]
    assert "forward, relu" not in passes(model)
    layer_by_layer(monkeypatch)
    assert_same(compiled, model.predict(x, verbose=0))


@pytest.mark.parametrize("code", [0, *STORED.values()])
@pytest.mark.parametrize("size", [1, 3, 4, 15, 17, 1000, 40_000])
def test_sums_of_arrays(each_isa: str, rng: np.random.Generator, size: int, code: int) -> None:
    a, b, v = 3 * rng.standard_normal((3, size)).astype(np.float32)
    a[0] = np.nan
    y = np.full(size + 8, np.nan, np.float32)
    bound.add([a, b], y[:size], code)()
    name = {value: key for key, value in STORED.items()}.get(code, "linear")
    np.testing.assert_array_equal(y[:size], ops.activation(a + b, name))
    assert np.isnan(y[size:]).all()
    bound.add_backward(a, b, v, code, y[:size])()
    np.testing.assert_array_equal(y[:size], ops.activation_backward(a + b, None, v, name))


@pytest.mark.parametrize("code", [0, *STORED.values()])
@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize(
    "shape", [(1, 1), (5, 3), (9000, 4), (2101, 16), (700, 64), (90, 33), (130, 300)], ids=str
)
def test_normalizations_of_arrays_and_sums(
    each_isa: str, rng: np.random.Generator, shape: Any, fixed: bool, code: int
) -> None:
    """Of several blocks, written to arrays of their own and over those that are read."""
    name = {value: key for key, value in STORED.items()}.get(code, "linear")
    x, more, dy, v, y = 3 * rng.standard_normal((5, *shape)).astype(np.float32)
    gamma, beta, mean, variance = 0.5 + rng.random((4, shape[-1])).astype(np.float32)
    weights = gamma, beta, mean, variance, 1e-3
    expected = ops.activation(ops.batch_norm(x, *weights) + more, name)
    bound.batch_norm(x, *weights, y, code, more)()
    np.testing.assert_array_equal(y, expected)
    over = more.copy()
    bound.batch_norm(x, *weights, over, code, over)()
    np.testing.assert_array_equal(over, expected)
    bound.batch_norm_train(x, gamma, beta, 1e-3, y, *np.empty_like([mean, mean]), code, more)()
    alone = ops.batch_norm_train(x, gamma, beta, 1e-3)[0]
    np.testing.assert_array_equal(y, ops.activation(alone + more, name))

    op = ops.batch_norm_inference_backward if fixed else ops.batch_norm_backward
    for added in (None, more):
        total = dy if added is None else dy + added
        dz = ops.activation_backward(total, None, v, name)
        dx, *of_weights = op(dz, x, gamma, mean, variance, 1e-3)
        for in_place in (False, True):
            given = dy.copy()
            new_dz = given if in_place else np.full_like(dz, np.nan)
            new_dx = given if in_place else np.full_like(dz, np.nan)
            done = new_dx, *np.empty_like([mean, mean])
            outer = new_dz, added, v if code else None
            bound.batch_norm_backward(
                given, x, gamma, (mean, variance), 1e-3, fixed, done, code, None, outer
            )()
            assert_same([*done], [dx, *of_weights])
            assert in_place or (new_dz == dz).all()
