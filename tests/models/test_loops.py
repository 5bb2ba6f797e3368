"""The loops of fit, evaluate and predict: the order of hooks, when they end, threads, Ctrl-C."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from fastconv import callbacks, losses, optimizers
from fastconv.layers import Conv2D, Dense, Dropout, Flatten, Input, MaxPooling2D
from fastconv.models import Sequential
from fastconv.utils import set_random_seed

from .helpers import SCCE, cnn


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
    # A shell lets what it starts in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, labels, verbose=0)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert steps == [1]
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
