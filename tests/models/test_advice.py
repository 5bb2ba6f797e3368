"""Warnings about what is probably a mistake: each once, at the user's line."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import losses, metrics, optimizers
from fastconv.layers import BatchNormalization, Conv2D, Dense, Flatten, Input, Rescaling
from fastconv.models import Sequential, advice

from .helpers import CCE, SCCE, model_for

# Advice


def only_warning(match, call):
    with pytest.warns(UserWarning, match=match) as caught:
        call()
    assert len(caught) == 1, [str(w.message) for w in caught]
    return caught[0]


def test_images_that_nobody_scaled(rng):
    x, labels = rng.integers(0, 256, (30, 6, 6, 1)), np.arange(30) % 3
    for kind in (np.uint8, np.float32):
        model = model_for(shape=(6, 6, 1))
        warning = only_warning(
            r"x ranges \d+..\d+; .*Rescaling\(1/255\)",
            lambda kind=kind, model=model: model.fit(x.astype(kind), labels, verbose=0, epochs=2),
        )
        assert warning.filename == __file__
    model_for(shape=(6, 6, 1)).fit(x / 255, labels, verbose=0)
    for first in (Rescaling(1 / 255), BatchNormalization()):
        scaled = Sequential([Input((6, 6, 1)), first, Flatten(), Dense(3, activation="softmax")])
        scaled.compile("sgd", SCCE)
        scaled.fit(x.astype(np.uint8), labels, verbose=0)


def test_nan_in_the_data(xy):
    x, labels = xy
    x[17, 2] = np.nan
    only_warning(
        "x contains NaN or infinity, first in sample 17",
        lambda: model_for().fit(x, labels, epochs=2, verbose=0),
    )


def test_infinity_is_found_in_any_chunk(monkeypatch):
    monkeypatch.setattr(advice, "CHUNK_BYTES", 100)
    x = np.zeros((50, 3, 3, 1), np.float32)
    x[31, 1, 1] = -np.inf
    only_warning("infinity, first in sample 31", lambda: advice.on_inputs("fit", x, []))


def test_validation_with_unseen_classes():
    x, labels = np.zeros((30, 4)), np.repeat([0, 1, 2], 10)
    for loss, y in ((SCCE, labels), (CCE, np.eye(3)[labels])):
        only_warning(
            "1 of the classes in the validation part do not occur",
            lambda loss=loss, y=y: model_for(loss=loss).fit(
                x, y, validation_split=0.4, epochs=2, verbose=0
            ),
        )


def test_loss_that_does_not_go_with_the_activation(xy):
    logits = losses.SparseCategoricalCrossentropy(from_logits=True)
    only_warning(
        "from_logits=True, but Dense .* ends in softmax",
        lambda: model_for(loss=logits).fit(*xy, verbose=0),
    )
    only_warning(
        'has no activation; give it activation="softmax"',
        lambda: model_for(activation=None).fit(*xy, verbose=0),
    )
    model_for(activation=None, loss=logits).fit(*xy, verbose=0)


def test_accuracy_of_values(rng):
    x, y = rng.random((8, 4)), np.eye(3)[np.arange(8) % 3]
    model = model_for(loss=CCE, metric=[metrics.Accuracy()])
    only_warning(r'did you mean metrics=\["accuracy"\]', lambda: model.fit(x, y, verbose=0))


def test_batch_of_one_sample(rng):
    model = Sequential([Input((4,)), Dense(3), BatchNormalization(), Dense(1)])
    model.compile("sgd", "mse")
    x, y = rng.random((9, 4)), rng.random(9)
    only_warning("the last batch has one sample", lambda: model.fit(x, y, batch_size=4, verbose=0))
    model.fit(x, y, batch_size=3, verbose=0)
    conv = Sequential([Input((4, 4, 1)), Conv2D(1, 3), BatchNormalization(), Flatten(), Dense(1)])
    conv.compile("sgd", "mse")
    conv.fit(rng.random((9, 4, 4, 1)), y, batch_size=4, verbose=0)


def test_class_weight_of_no_class(xy):
    only_warning(
        "keys that are no class: \\[7\\]; classes are 0..2",
        lambda: model_for().fit(*xy, class_weight={0: 1.0, 7: 2.0}, verbose=0),
    )


def test_rows_without_a_class(xy):
    y = np.eye(3)[xy[1]]
    y[5] = 0
    only_warning(
        "1 rows of y are all zero", lambda: model_for(loss=CCE).fit(xy[0], y, epochs=2, verbose=0)
    )


# The optimizer and its variables


def test_changed_layers_get_new_state(xy):
    model = model_for()
    model.compile("adam", SCCE)
    model.fit(*xy, verbose=0)
    model.pop()
    model.add(Dense(5, activation="softmax"))
    only_warning("all variables to train are new since compile", lambda: model.fit(*xy, verbose=0))
    model.fit(*xy, verbose=0)
    model.add(Dense(4, activation="softmax"))
    only_warning("the variables to train have changed", lambda: model.fit(*xy, verbose=0))


def test_an_optimizer_of_another_model(xy):
    shared = optimizers.Adam()
    models = [model_for() for _ in range(2)]
    for model in models:
        model.compile(shared, SCCE)
    models[0].fit(*xy, verbose=0)
    with pytest.raises(ValueError, match=r"already trains other variables; make a new one: Adam"):
        models[1].fit(*xy, verbose=0)


def test_compiling_again_keeps_weights_and_drops_state(xy):
    model = model_for()
    model.fit(*xy, verbose=0)
    weights = model.get_weights()
    model.compile("adam", SCCE)
    np.testing.assert_array_equal(weights[0], model.get_weights()[0])
    assert model.optimizer.iterations == 0


def test_nothing_to_train(xy):
    model = model_for()
    model.trainable = False
    before = model.get_weights()[0]
    only_warning("has no weights to train", lambda: model.fit(*xy, verbose=0))
    np.testing.assert_array_equal(before, model.get_weights()[0])
