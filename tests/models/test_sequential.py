"""Building a Sequential: add, pop, build, names, weights, configs."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest

from fastconv import layers, models
from fastconv.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from fastconv.models import Sequential


def small(*, declared=True, **kwargs):
    first = [Input((8, 8, 1))] if declared else []
    return Sequential(
        [*first, Conv2D(2, 3, activation="relu"), Flatten(), Dense(3, activation="softmax")],
        **kwargs,
    )


def test_three_ways_to_declare_the_input_agree():
    shapes = []
    for model in (
        small(),
        Sequential([Conv2D(2, 3, input_shape=(8, 8, 1)), Flatten(), Dense(3)]),
        Sequential([layers.InputLayer((8, 8, 1)), Conv2D(2, 3), Flatten(), Dense(3)]),
    ):
        assert model.built
        assert model.input_shape == (None, 8, 8, 1) and model.output_shape == (None, 3)
        assert [type(layer).__name__ for layer in model.layers] == ["Conv2D", "Flatten", "Dense"]
        shapes.append([weight.shape for weight in model.weights])
    assert shapes[0] == [(3, 3, 1, 2), (2,), (72, 3), (3,)]
    assert shapes[0] == shapes[1] == shapes[2]


def test_layers_are_built_as_they_are_added():
    model = Sequential()
    model.add(Input((8, 8, 1)))
    assert not model.built
    model.add(Conv2D(2, 3))
    assert model.built and model.output_shape == (None, 6, 6, 2)
    with pytest.raises(ValueError, match=r'Conv2D "big".*kernel|window'):
        model.add(Conv2D(2, 9, name="big"))
    assert len(model.layers) == 1
    model.add(Flatten())
    assert model.output_shape == (None, 72)


def test_deferred_build():
    model = small(declared=False)
    assert not model.built and model.weights == [] and model.get_weights() == []
    with pytest.raises(ValueError, match="count_params"):
        model.count_params()
    for name in ("input_shape", "output_shape"):
        with pytest.raises(AttributeError, match="build it first"):
            getattr(model, name)
    with pytest.raises(ValueError, match="build needs the input shape"):
        model.build()
    model.build((None, 8, 8, 1))
    assert model.count_params() == 20 + 219
    model.build((4, 8, 8, 1))  # agrees
    with pytest.raises(ValueError, match=r"must have shape \(None, 8, 8, 1\)"):
        model.build((None, 9, 9, 1))


def test_data_builds_a_model():
    model = small(declared=False)
    assert model.predict(np.zeros((2, 8, 8, 1)), verbose=0).shape == (2, 3)
    assert model.input_shape == (None, 8, 8, 1)
    other = small(declared=False)
    assert other(np.zeros((2, 8, 8, 1))).shape == (2, 3)


def test_unknown_sizes():
    model = Sequential([Input((None, None, 3)), Conv2D(4, 3, padding="same")])
    assert model.output_shape == (None, None, None, 4)
    for size in (5, 9):
        assert model(np.zeros((1, size, size, 3))).shape == (1, size, size, 4)
    model.add(Flatten())
    with pytest.raises(ValueError, match="GlobalAveragePooling2D"):
        model.add(Dense(2))


def test_pop():
    model = small()
    dense = model.layers[-1]
    assert model.pop() is dense
    assert model.output_shape == (None, 72) and model.built
    model.add(Dense(5))
    assert model.output_shape == (None, 5)
    empty = Sequential()
    with pytest.raises(IndexError, match="cannot pop from an empty Sequential"):
        empty.pop()


def test_what_add_refuses():
    model = small()
    with pytest.raises(ValueError, match=r"got a class; did you forget the parentheses: Dense\("):
        model.add(Dense)
    with pytest.raises(ValueError, match="needs a layer, got int"):
        model.add(3)
    with pytest.raises(ValueError, match="needs a layer, got function"):
        model.add(lambda x: x)
    with pytest.raises(ValueError, match="an Input can only come first, and once"):
        model.add(Input((8, 8, 1)))
    with pytest.raises(ValueError, match='"d" is taken'):
        Sequential([Dense(2, name="d"), Dense(2, name="d")])


def test_only_layers_without_weights_can_be_used_twice():
    shared = Dense(3)
    with pytest.raises(ValueError, match="is used twice; only layers without weights"):
        Sequential([Input((3,)), shared, shared])
    unbuilt = Dense(3)
    model = Sequential([unbuilt, unbuilt])
    with pytest.raises(ValueError, match="is used twice"):
        model.build((None, 3))
    drop = Dropout(0.5)
    assert len(Sequential([Input((3,)), drop, Dense(2), drop]).layers) == 3
    Sequential([drop, Dense(2), drop]).build((None, 3))


def test_layer_of_another_library_is_named():
    class Alien:
        pass

    Alien.__module__ = "keras.src.layers"
    with pytest.raises(ValueError, match=r"it is one of keras, take the layer from fastconv"):
        Sequential([Alien()])


def test_empty_model():
    with pytest.raises(ValueError, match=r"has no layers. Call model.add\(layer\)"):
        Sequential().predict(np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"has no layers. Call model.add\(layer\)"):
        Sequential([Input((3,))])(np.zeros((1, 3)))


def test_call_checks_shapes_and_types():
    model = small()
    x = np.random.default_rng(0).random((2, 8, 8, 1))
    expected = model(x)
    assert expected.dtype == np.float32
    for same in (x[..., 0], x[..., None], x.tolist(), np.asfortranarray(x), x.astype(">f8")):
        np.testing.assert_array_equal(model(same), expected)
    np.testing.assert_array_equal(model(np.ones((2, 8, 8), bool)), model(np.ones((2, 8, 8))))
    for shape, hint in (
        ((2, 9, 9, 1), r"shape \(N, 8, 8, 1\), got \(N, 9, 9, 1\)"),
        ((8, 8), "A single sample"),
        ((2, 1, 8, 8), "channels-first"),
        ((2, 8), "got"),
    ):
        with pytest.raises(ValueError, match=hint):
            model(np.zeros(shape))
    with pytest.raises(TypeError, match="complex"):
        model(np.zeros((2, 8, 8, 1), complex))


def test_call_never_returns_the_input():
    x = np.zeros((2, 3), np.float32)
    y = Sequential([Input((3,)), Dropout(0.5)])(x)
    y += 1
    assert not x.any()


def test_weights_round_trip():
    a, b = small(), small()
    b.set_weights(a.get_weights())
    for one, two in zip(a.weights, b.weights, strict=True):
        np.testing.assert_array_equal(one.value, two.value)
        assert one.value is not two.value
    with pytest.raises(ValueError, match="needs 4 arrays, got 3"):
        b.set_weights(a.get_weights()[:-1])
    wrong = a.get_weights()
    wrong[2] = wrong[2].T
    with pytest.raises(ValueError, match=r"kernel must have shape \(72, 3\), got \(3, 72\)"):
        b.set_weights(wrong)


def test_trainable_reaches_every_layer():
    model = small()
    model.add(BatchNormalization())
    assert len(model.trainable_weights) == 6 and len(model.non_trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == [] and len(model.non_trainable_weights) == 8
    assert not model.layers[0].trainable
    assert not small(trainable=False).trainable_weights


def test_get_layer():
    model = small(name="net")
    assert model.get_layer(index=-1) is model.layers[-1]
    assert model.get_layer(model.layers[0].name) is model.layers[0]
    with pytest.raises(ValueError, match=r"no such layer: zzz. Existing layers are"):
        model.get_layer("zzz")
    with pytest.raises(ValueError, match="index must be below 3, got 7"):
        model.get_layer(index=7)
    with pytest.raises(ValueError, match="either a name or an index"):
        model.get_layer()


def test_nested_models():
    inner = Sequential([Input((8, 8, 1)), Conv2D(2, 3), BatchNormalization()], name="inner")
    model = Sequential([inner, MaxPooling2D(), Flatten(), Dense(3)])
    assert model.built and model.input_shape == (None, 8, 8, 1)
    assert len(model.weights) == 2 + 4 + 2
    assert [type(layer).__name__ for layer in model.flatten()] == [
        "Conv2D",
        "BatchNormalization",
        "MaxPooling2D",
        "Flatten",
        "Dense",
    ]
    x = np.random.default_rng(0).random((2, 8, 8, 1)).astype(np.float32)
    by_hand = x
    for layer in (inner, *model.layers[1:]):
        by_hand = layer(by_hand)
    np.testing.assert_array_equal(model(x), by_hand)
    copy = Sequential.from_config(model.get_config())
    assert [w.shape for w in copy.weights] == [w.shape for w in model.weights]


def test_a_model_is_a_layer_with_a_gradient(rng):
    model = Sequential([Input((6, 6, 1)), Conv2D(2, 3, activation="tanh"), Flatten(), Dense(2)])
    x = rng.normal(size=(2, 6, 6, 1)).astype(np.float32)
    dy = rng.normal(size=(2, 2)).astype(np.float32)
    y, backward = model.forward(x, training=True)
    dx = backward(dy)
    for i in [(0, 1, 2, 0), (1, 5, 5, 0)]:
        up, down = x.copy(), x.copy()
        up[i] += 1e-2
        down[i] -= 1e-2
        slope = ((model(up) - model(down)) * dy).sum() / 2e-2
        assert dx[i] == pytest.approx(slope, abs=2e-3)
    assert all(variable.grad is not None for variable in model.trainable_weights)
    assert model.forward(x)[1] is None
    np.testing.assert_array_equal(model.forward(x)[0], y)


def test_config_has_keras_keys():
    model = small(name="net")
    config = model.get_config()
    assert list(config) == ["name", "trainable", "dtype", "layers", "build_input_shape"]
    assert config["build_input_shape"] == (None, 8, 8, 1)
    first, second = config["layers"][:2]
    assert first["class_name"] == "InputLayer" and first["module"] == "keras.layers"
    assert first["config"]["batch_shape"] == (None, 8, 8, 1)
    assert second["class_name"] == "Conv2D"
    assert model.get_config() == config  # asking changes nothing
    assert "build_input_shape" not in small(declared=False).get_config()


def test_json_round_trip():
    model = small(name="net")
    model.compile("sgd", "mse", metrics=["mae"])
    text = model.to_json(indent=1)
    parsed = json.loads(text)
    assert parsed["module"] == "keras" and parsed["class_name"] == "Sequential"
    assert parsed["build_config"] == {"input_shape": [None, 8, 8, 1]}
    assert parsed["compile_config"]["loss"] == "mse"
    copy = models.model_from_json(text)
    assert copy.name == "net" and copy.built and copy.compiled
    assert copy.metrics_names == ["loss", "mae"]
    assert json.loads(copy.to_json())["config"] == parsed["config"]


def test_json_without_what_cannot_be_written():
    model = small()
    model.compile("sgd", "mse", metrics=[lambda y_true, y_pred: y_pred[:, 0]])
    with pytest.warns(UserWarning, match=r"left out the arguments of compile\(\)"):
        text = model.to_json()
    assert not models.model_from_json(text).compiled


def test_json_that_is_none():
    with pytest.raises(ValueError, match="this is no JSON"):
        models.model_from_json("{")
    with pytest.raises(ValueError, match="model identifier: Functionl"):
        models.model_from_json('{"class_name": "Functionl", "config": {}}')
    with pytest.raises(ValueError, match="not the configuration of a model"):
        models.model_from_json("[]")
    with pytest.raises(ValueError, match="layer identifier: Convv2D"):
        Sequential.from_config({"layers": [{"class_name": "Convv2D", "config": {}}]})
    with pytest.raises(ValueError, match='needs the key "layers"'):
        Sequential.from_config({"name": "x"})


def test_custom_layers_are_read_when_given():
    class Own(Dense):
        pass

    model = Sequential([Input((3,)), Own(2)])
    with pytest.raises(ValueError, match="Own"):
        models.model_from_json(model.to_json())
    copy = models.model_from_json(model.to_json(), custom_objects={"Own": Own})
    assert type(copy.layers[0]) is Own


def test_clone_has_weights_of_its_own():
    model = small()
    clone = models.clone_model(model)
    assert [w.shape for w in clone.weights] == [w.shape for w in model.weights]
    assert not np.array_equal(clone.weights[0].value, model.weights[0].value)
    assert not any(a is b for a, b in zip(clone.weights, model.weights, strict=True))


def test_models_can_be_pickled_and_copied():
    import copy
    import pickle

    model = small()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = np.random.default_rng(0).random((8, 8, 8, 1)), np.arange(8) % 3
    model.fit(x, y, verbose=0)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))
        twin.fit(x, y, verbose=0, shuffle=False)
    model.fit(x, y, verbose=0, shuffle=False)
    np.testing.assert_array_equal(twin.predict(x, verbose=0), model.predict(x, verbose=0))


def test_softmax_of_one_output_warns():
    with pytest.warns(UserWarning, match="axis of size 1"):
        Sequential([Input((3,)), Dense(1, activation="softmax")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Sequential([Input((3,)), Dense(1, activation="sigmoid")])
