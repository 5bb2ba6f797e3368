"""Training: gradients, weights of samples, penalties, frozen layers."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import callbacks, losses, ops, optimizers, regularizers
from fastconv.layers import Activation, BatchNormalization, Dense, Flatten, Input
from fastconv.models import Sequential

from .helpers import CCE, SCCE, cnn, dense


def test_a_small_network_learns(data):
    x, labels = data
    model = cnn(optimizer=optimizers.Adam(0.02))
    history = model.fit(x, labels, epochs=12, batch_size=10, verbose=0, validation_split=0.2)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.history["accuracy"][-1] > 0.9 and history.history["val_accuracy"][-1] > 0.7
    assert history is model.history and history.epoch == list(range(12))
    assert all(type(value) is float for value in history.history["loss"])
    loss, accuracy = model.evaluate(x, labels, verbose=0)
    assert accuracy > 0.9 and loss < 0.6
    predicted = model.predict(x, verbose=0)
    assert (predicted.argmax(1) == labels).mean() == pytest.approx(accuracy)


def test_one_step_is_the_formula(rng):
    x, y = rng.normal(size=(4, 2)), rng.normal(size=(4, 1))
    model = dense()
    w, b = (v.astype(np.float64) for v in model.get_weights())
    error = x @ w + b - y
    loss = model.train_on_batch(x, y)
    assert loss == pytest.approx((error**2).mean(), rel=1e-5)
    new_w, new_b = model.get_weights()
    np.testing.assert_allclose(new_w, w - 0.1 * 2 * x.T @ error / 4, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(new_b, b - 0.1 * 2 * error.mean(0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", ["weights", "class", "both"])
def test_weights_of_samples_and_classes(kind, rng):
    x, labels = rng.normal(size=(5, 2)), np.array([0, 1, 2, 1, 0])
    per_sample = rng.uniform(size=5)
    per_class = {0: 2.0, 1: 0.5}
    expected = np.ones(5)
    arguments = {}
    if kind != "class":
        arguments["sample_weight"] = per_sample
        expected = expected * per_sample
    if kind != "weights":
        arguments["class_weight"] = per_class
        expected = expected * [2, 0.5, 1, 0.5, 2]
    model = dense(3, "softmax", SCCE)
    values = losses.sparse_categorical_crossentropy(labels, model(x))
    history = model.fit(x, labels, verbose=0, **arguments)
    assert history.history["loss"][0] == pytest.approx((values * expected).mean(), rel=1e-5)
    one_hot = dense(3, "softmax", CCE)
    one_hot.set_weights(model.get_weights())
    again = [
        m.train_on_batch(x, y, **arguments)
        for m, y in ((model, labels), (one_hot, np.eye(3)[labels]))
    ]
    assert again[0] == pytest.approx(again[1], rel=1e-6)


def test_weights_of_any_form_agree(rng):
    x, labels = rng.normal(size=(4, 2)), np.array([0, 1, 2, 1])
    w = rng.random(4)
    model = dense(3, "softmax", SCCE)
    start = model.get_weights()
    results = set()
    for weights in (w, w[:, None], w.tolist()):
        model.set_weights(start)
        results.add(model.train_on_batch(x, labels, sample_weight=weights, class_weight={1: 2.0}))
    assert len(results) == 1


def test_class_weights_as_a_sequence_and_of_two_classes(rng):
    x, labels = rng.normal(size=(4, 2)), np.array([0, 1, 1, 0])
    model = dense(1, "sigmoid", "binary_crossentropy")
    start = model.get_weights()
    results = []
    for weights in ({1: 3.0}, [1, 3], np.array([1.0, 3.0])):
        model.set_weights(start)
        results.append(model.train_on_batch(x, labels, class_weight=weights))
    assert results[0] == results[1] == results[2]


def test_regularizers_count_in_the_loss_and_the_gradient(rng):
    x, y = np.zeros((3, 2)), np.zeros((3, 1))
    model = dense(kernel_regularizer=regularizers.L2(0.5), use_bias=False)
    w = model.get_weights()[0]
    penalty = 0.5 * float((w.astype(np.float64) ** 2).sum())
    assert model.evaluate(x, y, verbose=0) == pytest.approx(penalty, rel=1e-5)
    assert model.train_on_batch(x, y) == pytest.approx(penalty, rel=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], w - 0.1 * w, rtol=1e-5)
    model.layers[0].trainable = False
    assert model.evaluate(x, y, verbose=0) == 0


def test_activity_regularizer_is_divided_by_the_batch_size(rng):
    x, y = rng.normal(size=(4, 2)), np.zeros((4, 1))
    model = dense(activity_regularizer=regularizers.L2(0.5))
    out = model(x).astype(np.float64)
    expected = (out**2).mean() + 0.5 * (out**2).sum() / 4
    w = model.get_weights()[0]
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.train_on_batch(x, y) == pytest.approx(expected, rel=1e-5)
    slope = x.T @ (2 * out / 4 + out / 4)
    np.testing.assert_allclose(model.get_weights()[0], w - 0.1 * slope, rtol=1e-4, atol=1e-6)


def test_an_activity_penalty_on_probabilities_keeps_the_softmax():
    model = dense(3, "softmax", CCE, activity_regularizer=regularizers.L1(0.1))
    x, y = np.ones((2, 2)), np.eye(3)[:2]
    expected = losses.categorical_crossentropy(y, model(x)).mean() + 0.1
    assert model.evaluate(x, y, verbose=0) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "layers", [[Dense(2, activation="softmax")], [Dense(2), Activation("softmax")]]
)
def test_a_saturated_softmax_recovers(layers):
    model = Sequential([Input((1,)), *layers])
    model.compile(optimizers.SGD(1.0), CCE, metrics=[CCE])
    model.set_weights([np.array([[50.0, -50.0]]), np.zeros(2)])
    x, y = [[1.0]], [[0.0, 1.0]]
    loss, clipped = model.evaluate(x, y, verbose=0)
    assert loss == pytest.approx(100) and clipped == pytest.approx(16.118, rel=1e-3)
    model.train_on_batch(x, y)
    np.testing.assert_allclose(model.get_weights()[0], [[49, -49]])


def test_metrics_see_probabilities_though_the_loss_sees_logits():
    seen = []

    def spy(y_true, y_pred):
        seen.append(y_pred.sum(-1))
        return y_pred[:, 0]

    model = cnn(metric=spy)
    x = np.random.default_rng(0).random((4, 6, 6, 1))
    model.fit(x, [0, 1, 2, 0], verbose=0)
    model.evaluate(x, [0, 1, 2, 0], verbose=0)
    np.testing.assert_allclose(seen, 1, rtol=1e-5)


def test_frozen_layers_stay_and_cost_no_backward_pass(data, monkeypatch):
    x, labels = data
    model = cnn()
    model.layers[0].trainable = False
    conv, last = model.layers[0].get_weights(), model.layers[-1].get_weights()

    def fail(*args, **kwargs):
        raise AssertionError("a gradient nobody needs")

    for name in ("conv2d_backward_filter", "conv2d_backward_input", "max_pool2d_backward"):
        monkeypatch.setattr(ops, name, fail)
    model.fit(x, labels, verbose=0)
    np.testing.assert_array_equal(conv[0], model.layers[0].get_weights()[0])
    assert not np.array_equal(last[0], model.layers[-1].get_weights()[0])


def test_batch_normalization_trains_and_predicts_differently(data):
    x, labels = data
    model = Sequential([Input((6, 6, 1)), BatchNormalization(), Flatten(), Dense(3, "softmax")])
    model.compile("sgd", SCCE)
    model.fit(x, labels, verbose=0)
    mean = model.layers[0].get_weights()[2]
    assert mean[0] != 0
    model.evaluate(x, labels, verbose=0)
    model.predict(x, verbose=0)
    assert model.layers[0].get_weights()[2] == mean


def test_thawing_in_a_callback_takes_effect(data):
    x, labels = data
    model = cnn(optimizer="sgd")
    conv = model.layers[0]
    conv.trainable = False
    before = conv.get_weights()[0]

    def thaw(epoch, logs):
        conv.trainable = epoch == 1

    snapshots = []
    model.fit(
        x,
        labels,
        epochs=2,
        verbose=0,
        callbacks=[
            callbacks.LambdaCallback(
                on_epoch_begin=thaw, on_epoch_end=lambda *_: snapshots.append(conv.get_weights()[0])
            )
        ],
    )
    np.testing.assert_array_equal(snapshots[0], before)
    assert not np.array_equal(snapshots[1], before)
