"""Compiled programs: the same bits as layer by layer, from memory that is planned once."""

from __future__ import annotations

import threading
import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fastconv
from fastconv import layers, ops
from fastconv.layers import Input
from fastconv.models import Model, Sequential
from fastconv.models.buffers import Buffer, plan_memory
from fastconv.models.plan import Plan


class Scale(layers.Layer):
    """A layer of one's own, without a rule."""

    def create_weights(self, input_shape: Any) -> None:
        self.factor = self.add_weight("factor", (input_shape[-1],), "ones")

    def forward(self, x: np.ndarray, training: bool = False) -> Any:
        def backward(dy: np.ndarray, need_dx: bool = True) -> Any:
            self.factor.add_grad((dy * x).reshape(-1, x.shape[-1]).sum(0))
            return dy * self.factor.value if need_dx else None

        return x * self.factor.value, backward


def article() -> Model:
    return Sequential(
        [
            Input((12, 12, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(12, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def residual() -> Model:
    inputs = Input((12, 12, 1))
    x = layers.Conv2D(8, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU(6.0)(layers.BatchNormalization()(x))
    y = layers.BatchNormalization()(layers.DepthwiseConv2D(3, padding="same")(x))
    y = layers.Activation("silu")(y)
    x = layers.Activation("relu")(layers.Add()([x, y, layers.Conv2D(8, 1)(x)]))
    z = layers.Conv2D(4, 3, strides=2, activation="gelu")(x)
    x = layers.Concatenate()([layers.AveragePooling2D(3, strides=2)(x), z, z])
    x = layers.GlobalAveragePooling2D()(layers.Dropout(0.3)(x))
    return Model(inputs, layers.Dense(10, activation="softmax", kernel_regularizer="l2")(x))


def shared() -> Model:
    twice = layers.Conv2D(4, 3, padding="same", activation="sigmoid")
    frozen = layers.BatchNormalization(trainable=False)
    inputs = Input((12, 12, 1))
    x = layers.Conv2D(4, 1)(layers.DepthwiseConv2D(3, depth_multiplier=3)(inputs))
    x = Scale()(frozen(twice(twice(x))))
    x = layers.Reshape((50, 8))(x)
    return Model(inputs, layers.Dense(10, activation="softmax")(layers.Flatten()(x)))


def ones_own() -> Model:
    return Sequential(
        [
            Input((12, 12, 1)),
            Scale(),
            layers.ZeroPadding2D(1),
            layers.GlobalMaxPooling2D(),
            layers.LayerNormalization(),
            layers.Dense(10, activation="softmax"),
        ]
    )


MODELS = [article, residual, shared, ones_own]


def data(n: int = 40) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, 12, 12, 1)).astype(np.float32)
    return x, np.eye(10, dtype=np.float32)[np.arange(n) % 10]


def trained(make: Any) -> tuple[list[np.ndarray], list[float], np.ndarray]:
    fastconv.utils.set_random_seed(1)
    model = make()
    model.compile("adam", loss="categorical_crossentropy", metrics=["accuracy"])
    x, y = data()
    history = model.fit(x, y, batch_size=16, epochs=4, verbose=0, validation_split=0.2)
    prediction = [model.predict(x, batch_size=16, verbose=0) for _ in range(2)]
    np.testing.assert_array_equal(*prediction)
    return model.get_weights(), history.history["loss"], prediction[0]


def layer_by_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "lease", lambda *_: None)


@pytest.mark.parametrize("make", MODELS)
def test_same_bits_as_layer_by_layer(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = trained(make)
    layer_by_layer(monkeypatch)
    plain = trained(make)
    for a, b in zip(compiled[0], plain[0], strict=True):
        np.testing.assert_array_equal(a, b)
    assert compiled[1] == plain[1]
    np.testing.assert_array_equal(compiled[2], plain[2])


@pytest.mark.parametrize("make", MODELS)
def test_same_bits_for_any_number_of_threads(make: Any) -> None:
    before = fastconv.config.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            fastconv.config.set_num_threads(threads)
            results.append(trained(make))
    finally:
        fastconv.config.set_num_threads(before)
    for a, b in zip(results[0][0], results[1][0], strict=True):
        np.testing.assert_array_equal(a, b)


def test_batches_are_compiled() -> None:
    model = residual()
    x, y = data(32)
    model.compile("sgd", loss="categorical_crossentropy")
    model.fit(x, y, batch_size=8, verbose=0)
    plans = model._plans._plans.values()
    compiled = [key[0] for plan in plans for key, idle in plan.pool._idle.items() if idle]
    assert compiled == [True]


def test_a_prediction_is_the_callers() -> None:
    model = article()
    x, _ = data(3)
    first = [model(x[:1]) for _ in range(3)]
    kept = [y.copy() for y in first]
    model(x[1:2])
    for a, b in zip(first, kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_predictions_from_several_threads() -> None:
    model = residual()
    x, _ = data(16)
    wanted = [model(x[[i]]) for i in range(16)]
    failures: list[int] = []

    def predict(seed: int) -> None:
        order = np.random.default_rng(seed).integers(0, 16, 60).tolist()
        failures.extend(i for i in order if not np.array_equal(model(x[[i]]), wanted[i]))

    threads = [threading.Thread(target=predict, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_step_allocates_nothing_large() -> None:
    model = article()
    model.compile("adam", loss="categorical_crossentropy", metrics=["accuracy"])
    x, y = data(32)
    for _ in range(3):
        model.train_on_batch(x, y)
    tracemalloc.start()
    try:
        for _ in range(20):
            model.train_on_batch(x, y)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100_000  # the input of one layer takes 410 KB


def test_much_memory_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    model = article()
    model.compile("sgd", loss="categorical_crossentropy")
    x, y = data(40)
    kept = []
    for limit in (10**9, 0):
        monkeypatch.setattr("fastconv.models.pool.KEPT_BYTES", limit)
        model.fit(x, y, batch_size=8, verbose=0)
        model.predict(x, batch_size=8, verbose=0)
        plans = model._plans._plans.values()
        kept.append(sum(len(idle or ()) for plan in plans for idle in plan.pool._idle.values()))
    assert kept == [2, 0]


# Folding of batch normalization


def randomized(model: Model) -> Model:
    rng = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            for variable in layer.weights:
                variable.assign(rng.random(variable.shape) + 0.5)
    return model


def test_folding_changes_last_bits_only() -> None:
    model = randomized(residual())
    x, _ = data()
    folded = model(x)
    fastconv.config.set_batch_normalization_folding(False)
    try:
        plain = model(x)
    finally:
        fastconv.config.set_batch_normalization_folding(True)
    assert not np.array_equal(folded, plain)
    np.testing.assert_allclose(folded, plain, rtol=1e-5)
    np.testing.assert_array_equal(folded, model(x))


def test_folding_keeps_the_bits_for_any_batch_size() -> None:
    model = randomized(residual())
    x, _ = data()
    wanted = model(x)
    for size in (1, 7, 40):
        np.testing.assert_array_equal(model.predict(x, batch_size=size, verbose=0), wanted)


@pytest.mark.parametrize("name", ["kernel", "gamma", "beta", "moving_mean", "moving_variance"])
def test_a_changed_weight_is_never_missed(name: str) -> None:
    model = randomized(residual())
    x, _ = data(4)
    before = [model(x) for _ in range(3)][-1]
    variable = next(v for v in model.weights if v.name == name)
    variable.assign(variable.value * 1.5 + 0.1)
    assert not np.array_equal(model(x), before)


def test_training_between_predictions_is_seen() -> None:
    model = residual()
    model.compile("sgd", loss="categorical_crossentropy")
    x, y = data(16)
    before = [model.predict(x, verbose=0) for _ in range(2)][-1]
    model.fit(x, y, verbose=0, epochs=2)
    assert not np.array_equal(model.predict(x, verbose=0), before)


# What a model does


def test_explain_lists_all_products(capsys: pytest.CaptureFixture[str]) -> None:
    model = article()
    rows = model.explain(batch_size=2)
    products = {row["layer"]: row["mflop"] for row in rows if row["mflop"]}
    # 8x8 of 10x10 outputs: the others are not read in the end
    assert products[model.layers[0].name] == pytest.approx(2e-6 * 2 * 8 * 8 * 9 * 8)
    assert "winograd" in capsys.readouterr().out or "direct" in rows[0]["algorithm"]


def test_explain_a_training_step() -> None:
    model = article()
    model.compile("adam", loss="categorical_crossentropy")
    rows = model.explain(batch_size=2, training=True)
    first = model.layers[0].name
    assert not [r for r in rows if r["layer"] == first and r["what"] == "input gradient"]


def test_explain_needs_known_sizes() -> None:
    model = Sequential([Input((None, None, 1)), layers.Conv2D(2, 3)])
    with pytest.raises(ValueError, match=r"explain needs inputs of known sizes"):
        model.explain()


def test_profile_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    model = residual()
    model.compile("adam", loss="categorical_crossentropy")
    x, y = data(4)
    before = model.get_weights()
    rows = model.profile(x, y)
    assert all(row["us"] > 0 for row in rows)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert "GF/s" in capsys.readouterr().out


def test_profile_of_a_file(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from fastconv.profile import main

    article().save(tmp_path / "model.keras")
    assert main([str(tmp_path / "model.keras"), "--batch", "2"]) == 0
    assert "(2, 12, 12, 1)" in capsys.readouterr().out


def test_a_layer_that_gives_another_shape_than_it_says() -> None:
    class Wrong(layers.Layer):
        def forward(self, x: np.ndarray, training: bool = False) -> Any:
            return x[:, :1], None

    model = Sequential([Input((3,)), Wrong(name="wrong")])
    x = np.ones((2, 3), np.float32)
    model(x)
    with pytest.raises(ValueError, match=r'"wrong": forward returned shape \(2, 1\), but'):
        model(x)


# Memory


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 10), st.integers(0, 300)),
        min_size=1,
        max_size=40,
    )
)
def test_buffers_that_live_together_lie_apart(lives: list[tuple[int, int, int]]) -> None:
    buffers = []
    for first, length, size in lives:
        buffer = Buffer((size,))
        buffer.use(first)
        buffer.use(first + length)
        buffers.append(buffer)
    top = plan_memory(buffers)
    for i, a in enumerate(buffers):
        assert a.offset % 64 == 0
        assert a.offset + a.nbytes <= top
        for b in buffers[:i]:
            apart_in_time = a.last < b.first or b.last < a.first
            apart = a.offset + a.nbytes <= b.offset or b.offset + b.nbytes <= a.offset
            assert apart_in_time or apart or not (a.nbytes and b.nbytes)


@pytest.mark.parametrize("name", sorted(ops.ACTIVATIONS))
def test_bound_activations(name: str) -> None:
    kind = ops.ACTIVATIONS[name]
    if not kind.keeps_shape:
        return
    for size in (1, 5, 33, 300):
        x = np.random.default_rng(size).standard_normal((4, size)).astype(np.float32)
        wanted = ops.activation(x, name)
        y = x.copy() if kind.elementwise else np.empty_like(x)
        kind.bind(y if kind.elementwise else x, y)()
        np.testing.assert_array_equal(y, wanted)
        dy = np.cos(x)
        wanted_dx = ops.activation_backward(dy, x, wanted, name)
        kind.bind_backward(dy, x if kind.needs_input else y, dy)()
        np.testing.assert_array_equal(dy, wanted_dx)
