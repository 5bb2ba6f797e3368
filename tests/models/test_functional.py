"""Functional, traced and nested models: graphs, training, configs."""

from __future__ import annotations

import json

import numpy as np
import pytest

import fastconv
from fastconv import layers, models
from fastconv.layers import BatchNormalization, Dense, Dropout, Input
from fastconv.models import Model, Sequential


def two_by_two(keras=fastconv):
    """Two inputs, two outputs, shared layers, nested models, operators."""
    own = keras.layers
    a, b = keras.Input((4,), name="p"), keras.Input((4,), name="q")
    z = (a + b) * 2.0 - 1
    z = 1 - (-z / np.full((4,), 2.0, "float32"))
    shared = own.Dense(3, name="d", activation="tanh")
    line = keras.Sequential([own.InputLayer((4,)), own.Dense(2, name="in")], name="seq")
    i = keras.Input((3,), name="fi")
    outputs = [own.Dense(2, name="f1")(i), own.Dense(2, name="f2", kernel_regularizer="l2")(i)]
    inner = keras.Model(i, outputs, name="inner")
    d1, d2 = shared(z), shared(a)
    f, g = inner(d1), inner(d2)
    u = own.Concatenate(name="out1")([d1, f[0], g[1]])
    v = own.Average(name="avg")([line(z), f[1], g[0]])
    return keras.Model({"p": a, "q": b}, {"u": u, "v": v}, name="mm")


def data(rng, n=16):
    x = {key: rng.normal(size=(n, 4)).astype(np.float32) for key in "pq"}
    return x, {"u": rng.normal(size=(n, 7)), "v": rng.normal(size=(n, 2))}


def give_weights(model, seed=0):
    rng = np.random.default_rng(seed)
    model.set_weights([0.5 * rng.normal(size=w.shape) for w in model.weights])


def without(config, *keys):
    if isinstance(config, dict):
        return {key: without(value, *keys) for key, value in config.items() if key not in keys}
    return [without(item, *keys) for item in config] if isinstance(config, list) else config


@pytest.mark.filterwarnings("ignore")  # of Keras about NumPy
def test_training_and_configs_agree_with_keras(rng):
    keras = pytest.importorskip("keras")
    ours, theirs = two_by_two(), two_by_two(keras)
    names = [layer.name for layer in theirs.layers]
    assert [layer.name for layer in ours.layers] == names
    # The numbers in automatic names depend on what ran before.
    theirs_again = keras.models.model_from_json(ours.to_json())
    ours_again = models.model_from_json(theirs.to_json())
    every = (ours, theirs, theirs_again, ours_again)
    x, y = data(rng)
    for model in every:
        give_weights(model)
    predicted = [model.predict(x, verbose=0) for model in every]
    for other in predicted[1:]:
        for key in "uv":
            np.testing.assert_allclose(other[key], predicted[0][key], rtol=1e-5, atol=1e-6)
    logs = []
    for model, own in ((ours, fastconv), (theirs, keras)):
        model.compile(
            own.optimizers.SGD(0.05),
            {"u": "mse", "v": "mae"},
            loss_weights={"u": 1.0, "v": 2.0},
            metrics={"u": ["mae"], "v": ["mse"]},
        )
        weight = {"u": np.arange(16) / 8, "v": np.ones(16)}
        kwargs = {"batch_size": 8, "epochs": 5, "shuffle": False, "verbose": 0}
        logs.append(model.fit(x, y, sample_weight=weight, **kwargs).history)
    assert set(logs[0]) == set(logs[1]) == {"loss", "u_loss", "v_loss", "u_mae", "v_mse"}
    for key, values in logs[0].items():
        np.testing.assert_allclose(values, logs[1][key], rtol=1e-5)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_config_is_keras_s():
    model = two_by_two()
    config = model.get_config()
    assert [layer["name"] for layer in config["layers"]][:2] == ["p", "q"]
    by_name = {layer["name"]: layer for layer in config["layers"]}
    tensors = by_name["d"]["inbound_nodes"]
    assert len(tensors) == 2 and tensors[1]["args"][0]["config"] == {
        "shape": [None, 4],
        "dtype": "float32",
        "keras_history": ["p", 0, 0],
    }
    (merged,) = by_name["out1"]["inbound_nodes"]
    places = [tensor["config"]["keras_history"] for tensor in merged["args"][0]]
    assert places == [["d", 0, 0], ["inner", 0, 0], ["inner", 1, 1]]
    assert config["input_layers"] == {"p": ["p", 0, 0], "q": ["q", 0, 0]}
    adds = [layer for layer in config["layers"] if layer["class_name"] == "Add"]
    assert adds[0]["module"] == "keras.src.ops.numpy" and set(adds[0]["config"]) == {"name"}
    again = type(model).from_config(json.loads(json.dumps(config)))
    assert without(again.get_config(), "shared_object_id") == without(config, "shared_object_id")


def test_extractors_share_weights(rng):
    model = two_by_two()
    x, _ = data(rng)
    part = Model(model.input, model.get_layer("d").output)
    full = model.predict(x, verbose=0)
    np.testing.assert_array_equal(part.predict(x, verbose=0), full["u"][:, :3])
    line = Sequential([Input((4,)), Dense(3, name="a"), Dense(2)])
    both = Model(line.inputs, [line.get_layer("a").output, line.output])
    hidden, out = both(x["p"])
    np.testing.assert_array_equal(out, line(x["p"]))
    top = Model(line.get_layer("a").output, line.output)  # begins in the middle
    np.testing.assert_array_equal(top(hidden), out)
    assert top.weights[0] is line.layers[1].kernel


def test_gradients_of_shared_layers_add_up():
    i = Input((1,))
    shared = Dense(1, use_bias=False, kernel_initializer="ones")
    model = Model(i, shared(shared(shared(i))))  # y = w**3 x
    model.compile(fastconv.optimizers.SGD(0.1), "mse")
    model.fit(np.ones((1, 1)), np.zeros((1, 1)), verbose=0)
    assert shared.kernel.value[0, 0] == pytest.approx(1 - 0.1 * 2 * 3)


def test_no_gradients_below_what_learns_and_beside_the_loss():
    calls = []

    class Spy(layers.Layer):
        def forward(self, x, training=False):
            def backward(dy, need_dx=True):
                calls.append((self.name, need_dx))
                return dy if need_dx else None

            return x, backward if training else None

    i = Input((2,))
    low = Spy(name="low")(i)
    hidden = Dense(2)(low)
    out = Spy(name="out")(Dense(1)(Spy(name="middle")(hidden)))
    beside = Spy(name="beside")(Dense(1)(hidden))
    model = Model(i, [out, beside])
    model.compile("sgd", ["mse", None])
    with pytest.warns(UserWarning, match="no gradient for"):
        model.fit(np.ones((4, 2)), [np.ones((4, 1)), np.ones((4, 1))], verbose=0)
    assert calls == [("out", True), ("middle", True)]


def test_inference_mode_of_a_call_stays(rng):
    norm = BatchNormalization()
    i = Input((4,))
    base = Model(i, Dropout(0.5)(norm(Dense(4)(i))))
    model = Model(i, Dense(1)(base(i, training=False)))
    model.compile("sgd", "mse")
    before = norm.beta.numpy()
    model.fit(rng.random((8, 4)) + 5, np.zeros((8, 1)), verbose=0)
    assert not norm.moving_mean.value.any()  # statistics stay,
    assert (norm.beta.value != before).all()  # weights learn


class Residual(layers.Layer):
    """A layer made of layers, in Keras's way."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.dense = Dense(units, activation="relu")

    def call(self, x):
        return self.dense(x) + x


class Traced(Model):
    def __init__(self):
        super().__init__()
        self.last = Dense(2, name="last")
        self.blocks = [Residual(4), Residual(4)]
        self.drop = Dropout(0.5)

    def call(self, inputs, training=None):
        x = inputs["a"] + inputs["b"]
        for block in self.blocks:
            x = block(x)
        if training:
            x = self.drop(x, training=training)
        return self.last(x)


def test_subclasses_are_traced(rng):
    model = Traced()
    x = {key: rng.random((16, 4)).astype(np.float32) for key in "ab"}
    y = model(x)
    assert y.shape == (16, 2)
    assert model.layers[0].name == "last"
    assert [v.name for v in model.weights] == ["kernel", "bias"] * 3
    assert model.weights[0].shape == (4, 2)  # in the order of the attributes
    h = x["a"] + x["b"]
    for block in model.blocks:
        h = block(h)
    np.testing.assert_allclose(model.last(h), y, rtol=1e-6)
    model.compile("adam", "mse")
    history = model.fit(x, np.zeros((16, 2)), epochs=30, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_what_a_call_cannot_do():
    class Bad(Model):
        def call(self, x):
            return np.exp(x)

    with pytest.raises(TypeError, match=r"is symbolic.*Use layers"):
        Bad()(np.ones((2, 3)))
    with pytest.raises(NotImplementedError, match="define call"):
        Model().build((None, 3))


def test_structures_of_data(rng):
    model = two_by_two()
    x, y = data(rng)
    model.compile("sgd", {"u": "mse", "v": "mse"})
    as_lists = model.evaluate([x["p"], x["q"]], [y["u"], y["v"]], verbose=0)
    assert as_lists == model.evaluate(x, y, verbose=0) and len(as_lists) == 3
    batches = [(x, y), (x, y)]
    assert model.evaluate(iter(batches), verbose=0) == pytest.approx(as_lists)
    assert set(model.predict(x, verbose=0)) == {"u", "v"}
    history = model.fit(x, y, validation_data=(x, y), verbose=0).history
    assert {"val_loss", "val_u_loss", "val_v_loss"} < set(history)
    model.train_on_batch(x, y)
    for bad, message in (
        ({"p": x["p"]}, r"x must be a list with one entry for each of \['p', 'q'\]"),
        ({**x, "q": x["q"][:3]}, r"same number of samples, got x\['p'\]: 16, x\['q'\]: 3"),
        ({**x, "q": x["q"][:, :2]}, r'inputs of shape \(N, 4\) for "q", got \(N, 2\)'),
    ):
        with pytest.raises(ValueError, match=message):
            model.fit(bad, y, verbose=0)
    with pytest.raises(ValueError, match="y must be a list with one entry"):
        model.fit(x, {"u": y["u"]}, verbose=0)
    with pytest.raises(ValueError, match="class_weight works with one output"):
        model.fit(x, y, class_weight={0: 1}, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": {"uu": "mse"}}, r"loss has the key 'uu', but the outputs are called .*'u', 'v'"),
        ({"loss": ["mse"] * 3}, r"2 outputs \(u, v\), got 3 entries in loss"),
        ({"loss": "mse", "metrics": ["mae"]}, "got 1 entries in metrics"),
        ({"loss": "mse", "loss_weights": 2.0}, "loss_weights must be a list or dictionary"),
    ],
)
def test_compile_for_several_outputs(arguments, message):
    with pytest.raises(ValueError, match=message):
        two_by_two().compile("sgd", **arguments)


def test_graphs_that_are_none():
    a, b = Input((2,), name="a"), Input((2,), name="b")
    y = Dense(1, name="top")(layers.add([a, b]))
    with pytest.raises(ValueError, match=r'output of Dense "top" is not connected.*"b"'):
        Model(a, y)
    with pytest.raises(ValueError, match='"same" is the name of a Dense and of a Flatten'):
        Model(a, layers.Flatten(name="same")(Dense(1, name="same")(a)))
    with pytest.raises(ValueError, match="outputs must be what Input"):
        Model(a, Dense(1))
    with pytest.raises(TypeError, match="no truth value"):
        bool(y)
    with pytest.raises(AttributeError, match="has no output: it was never called"):
        _ = Dense(1).output


def test_masks_reach_the_layers_that_use_them():
    i = Input((3, 2))
    pooled = layers.GlobalAveragePooling1D()(Dropout(0.1)(layers.Masking()(i)))
    model = Model(i, pooled)
    x = np.zeros((1, 3, 2), np.float32)
    x[0, 0] = 4
    np.testing.assert_array_equal(model.predict(x, verbose=0), [[4, 4]])


@pytest.mark.parametrize(
    "layer",
    [
        Dense(2, kernel_initializer="identity"),
        layers.TimeDistributed(Dense(2, kernel_initializer="identity")),
        layers.Identity(),
        layers.ActivityRegularization(),
        layers.PReLU(),
        layers.Rescaling(1),
        layers.Normalization(mean=0, variance=1),
        layers.LayerNormalization(),
        layers.UnitNormalization(),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_masks_pass_through(layer):
    i = Input((3, 2))
    y = layer(layers.Masking()(i))
    x = np.zeros((1, 3, 2), np.float32)
    x[0, 0] = 4, 3
    steps, pooled = Model(i, [y, layers.GlobalAveragePooling1D()(y)])(x)
    np.testing.assert_array_equal(pooled, steps[:, 0])


def test_deep_graphs_and_names():
    i = x = Input((1,))
    for _ in range(1500):
        x = x + 1.0
    assert Model(i, x)(np.zeros((1, 1)))[0, 0] == 1500


def test_summary_tells_what_is_connected(capsys):
    two_by_two().summary(line_length=76)
    table = capsys.readouterr().out
    assert "Connected to" in table and "p[0][0], q[0][0]" in table
    i = Input((4,))
    Model(i, Dense(2)(Dense(3)(i))).summary()
    assert "Connected to" not in capsys.readouterr().out


def test_augmentation_in_files_of_keras_is_at_rest_in_inference():
    """Keras writes training=True, the default of such a call, and does not mean it."""
    i = layers.Input((4, 4, 1))
    m = Model(i, layers.RandomFlip()(i))
    config = m.get_config()
    config["layers"][1]["inbound_nodes"][0]["kwargs"] = {"training": True}
    x = np.arange(32.0, dtype=np.float32).reshape(2, 4, 4, 1)
    np.testing.assert_array_equal(type(m).from_config(config).predict(x, verbose=0), x)


def test_activity_penalties_of_a_model_that_is_called_twice():
    """Every call counts, as with Keras on TensorFlow; on JAX the first one is forgotten."""
    inner = Sequential([layers.Input((4,)), layers.Dense(4, activity_regularizer="l2")])
    i = layers.Input((4,))
    m = Model(i, inner(inner(i)))
    m.compile("sgd", "mse")
    x = np.random.default_rng(0).standard_normal((6, 4)).astype(np.float32)
    once, twice = inner(x), inner(inner(x))
    penalty = 0.01 * (np.square(once).sum() + np.square(twice).sum()) / 6
    expected = np.square(twice).mean() + penalty
    assert m.evaluate(x, np.zeros((6, 4)), verbose=0) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match=r"activity_regularizer of a layer within .* not count"):
        layers.TimeDistributed(inner)(layers.Input((2, 4)))
