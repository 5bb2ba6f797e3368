"""compile, fit, evaluate, predict: what is computed, in which order, and what is reported."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from fastconv import callbacks, losses, metrics, ops, optimizers, regularizers
from fastconv.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    MaxPooling2D,
)
from fastconv.models import Sequential
from fastconv.utils import set_random_seed

CCE, SCCE = "categorical_crossentropy", "sparse_categorical_crossentropy"


@pytest.fixture(autouse=True)
def seeds():
    set_random_seed(1)


@pytest.fixture
def data(rng):
    """Images whose class is where they are bright, in random order."""
    labels = rng.integers(0, 3, 60)
    x = rng.random((60, 6, 6, 1)).astype(np.float32) * 0.5
    for image, label in zip(x, labels, strict=True):
        image[2 * label : 2 * label + 2] += 0.5
    return x, labels


def cnn(loss=SCCE, optimizer="adam", metric="accuracy", last="softmax", **kwargs):
    layers = [Input((6, 6, 1)), Conv2D(4, 3, activation="relu"), MaxPooling2D(), Flatten()]
    model = Sequential([*layers, Dense(3, activation=last, **kwargs)])
    model.compile(optimizer, loss, metrics=[metric] if metric else None)
    return model


def dense(units=1, activation=None, loss="mse", optimizer=None, **kwargs):
    model = Sequential([Input((2,)), Dense(units, activation=activation, **kwargs)])
    model.compile(optimizer or optimizers.SGD(0.1), loss)
    return model


class Recorder(callbacks.Callback):
    """Keeps the names of all hooks, with the batch or epoch and the logs' keys."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __getattribute__(self, name):
        if name in callbacks.callback.HOOKS:
            return lambda *args: self.calls.append(
                (name, *args[:-1], sorted(args[-1]) if args else None)
            )
        return super().__getattribute__(name)


# Learning


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


# The order of things


def test_hooks_are_called_in_order(data):
    x, labels = data
    recorder = Recorder()
    cnn().fit(
        x[:20],
        labels[:20],
        batch_size=10,
        verbose=0,
        callbacks=[recorder],
        validation_data=(x[:5], labels[:5]),
    )
    two = ["accuracy", "loss"]
    batch = [("on_train_batch_begin", []), ("on_train_batch_end", two)]
    assert recorder.calls == [
        ("on_train_begin", []),
        ("on_epoch_begin", 0, []),
        *[(name, i, logs) for i in range(2) for name, logs in batch],
        ("on_test_begin", []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, two),
        ("on_test_end", two),
        ("on_epoch_end", 0, [*two, "val_accuracy", "val_loss"]),
        ("on_train_end", [*two, "val_accuracy", "val_loss"]),
    ]


def test_hooks_of_evaluate_and_predict(data):
    x, labels = data
    recorder = Recorder()
    model = cnn()
    model.evaluate(x[:3], labels[:3], verbose=0, callbacks=[recorder])
    model.predict(x[:3], verbose=0, callbacks=[recorder])
    assert recorder.calls == [
        ("on_test_begin", []),
        ("on_test_batch_begin", 0, []),
        ("on_test_batch_end", 0, ["accuracy", "loss"]),
        ("on_test_end", ["accuracy", "loss"]),
        ("on_predict_begin", []),
        ("on_predict_batch_begin", 0, []),
        ("on_predict_batch_end", 0, ["outputs"]),
        ("on_predict_end", []),
    ]


def test_stop_training(data):
    x, labels = data
    model = cnn()

    def stop(*args):
        model.stop_training = True

    after_epoch = callbacks.LambdaCallback(on_epoch_end=stop)
    assert model.fit(x, labels, epochs=5, verbose=0, callbacks=after_epoch).epoch == [0]
    steps = []
    after_batch = callbacks.LambdaCallback(
        on_train_batch_begin=lambda i, logs: steps.append(i), on_train_batch_end=stop
    )
    assert model.fit(x, labels, epochs=5, verbose=0, callbacks=after_batch).epoch == [0]
    assert steps == [0]
    assert model.fit(x, labels, epochs=2, verbose=0).epoch == [0, 1]


def test_epochs_and_validation_frequency(data):
    x, labels = data
    model = cnn()
    validation = (x[:9], labels[:9])
    fit = {"x": x, "y": labels, "verbose": 0, "validation_data": validation}
    assert len(model.fit(**fit, epochs=4, validation_freq=2).history["val_loss"]) == 2
    assert len(model.fit(**fit, epochs=4, validation_freq=[1, 3, 4]).history["val_loss"]) == 3
    assert model.fit(**fit, epochs=5, initial_epoch=3).epoch == [3, 4]
    assert model.fit(**fit, epochs=0).history == {}


def test_restoring_the_best_weights(data):
    x, labels = data
    model = cnn(optimizer=optimizers.SGD(0.5))
    stopping = callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    history = model.fit(x, labels, epochs=8, verbose=0, validation_split=0.3, callbacks=[stopping])
    best = min(history.history["val_loss"])
    assert model.evaluate(x[42:], labels[42:], verbose=0)[0] == pytest.approx(best, rel=1e-5)


def test_an_interrupt_waits_for_the_end_of_the_step(data):
    x, labels = data
    model = cnn()
    steps = []

    class Interrupting(optimizers.SGD):
        def apply(self, grads, variables=None):
            os.kill(os.getpid(), signal.SIGINT)
            super().apply(grads, variables)
            steps.append(self.iterations)

    model.compile(Interrupting(), SCCE)
    with pytest.raises(KeyboardInterrupt):
        model.fit(x, labels, verbose=0)
    assert steps == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    model.compile("sgd", SCCE)
    model.fit(x, labels, verbose=0)


def test_threads_can_predict_together(data):
    x, _ = data
    model = Sequential([Conv2D(4, 3), MaxPooling2D(), Flatten(), Dense(3, activation="softmax")])
    results = [None] * 4

    def predict(i):
        results[i] = model.predict(x, batch_size=7 + i, verbose=0)

    threads = [threading.Thread(target=predict, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_allclose(result, results[0], rtol=1e-5)


def test_fit_works_outside_the_main_thread(data):
    model = cnn()
    thread = threading.Thread(target=model.fit, args=data, kwargs={"verbose": 0})
    thread.start()
    thread.join()
    assert model.history.epoch == [0]


def test_training_is_reproducible(data):
    results = []
    for _ in range(2):
        set_random_seed(3)
        model = Sequential([Input((6, 6, 1)), Conv2D(2, 3), Dropout(0.3), Flatten(), Dense(3)])
        model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(*data, epochs=2, batch_size=16, verbose=0)
        results.append(model.get_weights())
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


# What is returned


def test_accuracy_takes_the_kind_that_fits(data):
    x, labels = data
    for loss, y, last, units, kind in (
        (CCE, np.eye(3)[labels], "softmax", 3, metrics.CategoricalAccuracy),
        (SCCE, labels, "softmax", 3, metrics.SparseCategoricalAccuracy),
        (SCCE, labels[:, None], "softmax", 3, metrics.SparseCategoricalAccuracy),
        ("binary_crossentropy", labels > 0, "sigmoid", 1, metrics.BinaryAccuracy),
    ):
        model = Sequential([Input((6, 6, 1)), Flatten(), Dense(units, activation=last)])
        model.compile("sgd", loss, metrics=["acc"])
        assert model.metrics_names == ["loss", "acc"]
        history = model.fit(x, y, verbose=0)
        assert list(history.history) == ["acc", "loss"]
        assert isinstance(model.metrics[1], kind) and model.metrics[1].name == "acc"


def test_crossentropy_takes_the_kind_that_fits(data):
    x, labels = data
    for y, last, units, name in (
        (np.eye(3)[labels], "softmax", 3, CCE),
        (labels, "softmax", 3, SCCE),
        (labels > 0, "sigmoid", 1, "binary_crossentropy"),
    ):
        model = Sequential([Input((6, 6, 1)), Flatten(), Dense(units, activation=last)])
        model.compile("sgd", "crossentropy", metrics=["ce"])
        loss, metric = model.evaluate(x, y, verbose=0)
        assert metric == pytest.approx(loss, rel=1e-5)
        assert model._objective.loss.name == name


def test_evaluate_returns_the_loss_then_metrics_in_order(data):
    x, labels = data
    model = cnn(CCE)
    model.compile("sgd", CCE, metrics=["mse", "accuracy"], weighted_metrics=["accuracy"])
    names = ["loss", "mse", "accuracy", "weighted_accuracy"]
    assert model.metrics_names == names
    y = np.eye(3)[labels]
    values = model.evaluate(x, y, verbose=0)
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert list(logs) == sorted(names)
    assert values == [logs[name] for name in names]
    model.compile("sgd", CCE)
    assert isinstance(model.evaluate(x, y, verbose=0), float)


def test_names_of_equal_metrics():
    model = cnn()
    model.compile("sgd", CCE, metrics=["mse", metrics.MeanSquaredError(name="mse"), "mse"])
    assert model.metrics_names == ["loss", "mse", "mse_1", "mse_2"]


def test_weighted_metrics_get_weights(data):
    x, labels = data
    model = cnn()
    model.compile("sgd", SCCE, metrics=["accuracy"], weighted_metrics=["acc"])
    right = model.predict(x, verbose=0).argmax(1) == labels
    w = np.where(right, 1.0, 0.0)
    logs = model.evaluate(x, labels, sample_weight=w, verbose=0, return_dict=True)
    assert right.any() and logs["acc"] == 1 and logs["accuracy"] == pytest.approx(right.mean())


def test_a_metric_may_return_several_values(data):
    class Two(metrics.Metric):
        def update_state(self, y_true, y_pred, sample_weight=None):
            pass

        def result(self):
            return {"one": 1.0, "two": 2.0}

        def reset_state(self):
            pass

    logs = cnn(metric=Two(name="t")).evaluate(*data, verbose=0, return_dict=True)
    assert list(logs) == ["loss", "one", "two"]


def test_last_batch_has_its_share(rng):
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 1))
    model = dense()
    assert model.evaluate(x, y, batch_size=3, verbose=0) == pytest.approx(
        float(((model(x) - y) ** 2).mean()), rel=1e-5
    )


def test_single_batches(data):
    x, labels = data
    model = cnn()
    assert model.train_on_batch(x, labels, return_dict=True).keys() == {"accuracy", "loss"}
    loss, accuracy = model.test_on_batch(x[:7], labels[:7])
    assert accuracy * 7 == pytest.approx(round(accuracy * 7))  # of this batch alone
    assert model.evaluate(x[:7], labels[:7], verbose=0) == [loss, accuracy]
    np.testing.assert_array_equal(model.predict_on_batch(x), model.predict(x, 60, verbose=0))
    model.reset_metrics()
    assert model.metrics[0].result() == 0


@pytest.mark.parametrize("batch_size", [1, 7, 32, 60, 100])
def test_predict_any_batch_size(batch_size, data):
    x, _ = data
    model = cnn()
    whole = model(x)
    result = model.predict(x, batch_size=batch_size, verbose=0)
    assert result.dtype == np.float32 and result.shape == (60, 3)
    np.testing.assert_allclose(result, whole, rtol=1e-5)


def test_predict_nothing_and_some_steps(data):
    x, _ = data
    model = cnn()
    assert model.predict(x[:0], verbose=0).shape == (0, 3)
    assert model.predict(x, batch_size=8, steps=3, verbose=0).shape == (24, 3)
    unknown = Sequential([Input((None, None, 1)), Conv2D(2, 3)])
    assert unknown.predict(x[:0], verbose=0).shape == (0, 4, 4, 2)
    assert unknown.predict(x, verbose=0).shape == (60, 4, 4, 2)


def test_predict_does_not_need_compile():
    model = Sequential([Flatten(), Dense(2)])
    assert model.predict(np.zeros((3, 2, 2)), verbose=0).shape == (3, 2)


def test_predict_returns_a_new_array():
    x = np.ones((3, 2), np.float32)
    model = Sequential([Input((2,)), Dropout(0.5)])
    for batches in (x, iter([x])):
        result = model.predict(batches, verbose=0)
        result += 1
    assert (x == 1).all()


def test_dense_outputs_per_pixel(rng):
    x, labels = rng.random((4, 5, 5, 1)), rng.integers(0, 3, (4, 5, 5))
    model = Sequential([Input((5, 5, 1)), Conv2D(3, 3, padding="same", activation="softmax")])
    model.compile("sgd", SCCE, metrics=["accuracy"])
    values = losses.sparse_categorical_crossentropy(labels, model(x))
    loss, accuracy = model.evaluate(x, labels, verbose=0)
    assert loss == pytest.approx(values.mean(), rel=1e-5)
    assert accuracy == pytest.approx((model(x).argmax(-1) == labels).mean())
    model.fit(x, labels, verbose=0, sample_weight=rng.random(4), class_weight={0: 2.0})
    model.fit(x, labels.astype(np.uint8)[..., None], verbose=0, sample_weight=rng.random((4, 5, 5)))
