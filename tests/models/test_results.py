"""What fit, evaluate and predict return: metrics by name, means over batches, predictions."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import callbacks, losses, metrics
from fastconv.layers import Conv2D, Dense, Dropout, Flatten, Input
from fastconv.models import Sequential

from .helpers import CCE, SCCE, cnn, dense


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
        assert model._objective.heads[0].loss.name == name


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


def test_callbacks_find_weighted_metrics_by_their_name(data):
    model = cnn()
    model.compile("sgd", SCCE, metrics=["accuracy"], weighted_metrics=["accuracy"])
    stopping = callbacks.EarlyStopping("val_weighted_accuracy", patience=9)
    history = model.fit(*data, validation_split=0.3, callbacks=[stopping], verbose=0)
    assert stopping.best == history.history["val_weighted_accuracy"][0]


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
