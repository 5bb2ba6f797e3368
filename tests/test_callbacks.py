"""Callbacks alone, on a model that only keeps what they ask for."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest

from fastconv import callbacks as cb
from fastconv import metrics


class FakeModel:
    """What callbacks use of a model; its one weight counts the epochs."""

    def __init__(self, validates=True, extra=()):
        names = ["loss", "accuracy", *extra]
        self.log_names = names + ([f"val_{name}" for name in names] if validates else [])
        loss = metrics.Mean(name="loss")
        loss.direction = "down"
        self.metrics = [loss, metrics.CategoricalAccuracy(name="accuracy")]
        self.stop_training = False
        self.optimizer = SimpleNamespace(learning_rate=0.1)
        self.weight = 0
        self.saved = []
        self.history = None

    def get_weights(self):
        return [self.weight]

    def set_weights(self, weights):
        (self.weight,) = weights

    def save_weights(self, path, overwrite):
        self.saved.append(path)


def train(callbacks, logs, model=None, epochs=None):
    """Run hooks for the logs of each epoch, and return the model."""
    model = model or FakeModel()
    run = cb.CallbackList(
        callbacks, add_history=True, model=model, verbose=0, epochs=len(logs), steps=2
    )
    run.on_train_begin({})
    for epoch, log in enumerate(logs):
        run.on_epoch_begin(epoch, {})
        for batch in range(2):
            run.on_train_batch_begin(batch, {})
            run.on_train_batch_end(batch, {"loss": log.get("loss", 0.0)})
        model.weight = epoch
        run.on_epoch_end(epoch, log)
        if model.stop_training:
            break
    run.on_train_end(log)
    return model


def values(name, numbers):
    return [{name: number} for number in numbers]


# CallbackList


def test_only_defined_hooks_are_called_and_in_order():
    calls = []

    class Recorder(cb.Callback):
        def __init__(self, name):
            super().__init__()
            self.name = name

        def on_epoch_end(self, epoch, logs=None):
            calls.append((self.name, epoch, logs))
            logs[self.name] = epoch

    run = cb.CallbackList([Recorder("a"), [Recorder("b")]], verbose=0, epochs=1, steps=1)
    assert run.listeners("on_epoch_end") and not run.listeners("on_train_batch_end")
    run.on_epoch_end(3, {})
    run.on_train_batch_end(0, {})
    assert [call[:2] for call in calls] == [("a", 3), ("b", 3)]
    assert calls[1][2] == {"a": 3, "b": 3}


def test_defaults_come_last_and_once():
    own = cb.History()
    run = cb.CallbackList([own, cb.TerminateOnNaN()], add_history=True, add_progbar=True)
    kinds = [type(callback).__name__ for callback in run.callbacks]
    assert kinds == ["History", "TerminateOnNaN", "ProgbarLogger"]
    assert run.callbacks[0] is own
    single = cb.CallbackList(cb.TerminateOnNaN())
    assert len(single.callbacks) == 1
    with pytest.raises(AttributeError, match="on_lunch"):
        run.on_lunch()


def test_wrong_callbacks():
    with pytest.raises(TypeError, match=r"forget the parentheses: TerminateOnNaN\(\)"):
        cb.CallbackList([cb.TerminateOnNaN])
    with pytest.raises(TypeError, match="must be a Callback, got int"):
        cb.CallbackList([3])


def test_old_hook_names_still_work():
    seen = []

    class Old(cb.Callback):
        def on_batch_begin(self, batch, logs=None):
            seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            seen.append(("end", batch))

    train([Old()], [{"loss": 1.0}])
    assert seen == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1)]


def test_lambda_callback():
    seen = []
    callback = cb.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["loss"])),
        on_train_batch_end=lambda batch, logs: seen.append(batch),
    )
    train([callback], values("loss", [5.0]))
    assert seen == [0, 1, (0, 5.0)]
    with pytest.raises(ValueError, match=r'a hook must be one of .* Did you mean "on_epoch_end"'):
        cb.LambdaCallback(on_epoch_ende=print)


def test_history_records_what_others_add():
    history = cb.History()
    add = cb.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=epoch))
    model = train([add, history], values("loss", [3.0, 2.0]))
    assert history.history == {"loss": [3.0, 2.0], "extra": [0, 1]}
    assert history.epoch == [0, 1]
    assert history.params == {"verbose": 0, "epochs": 2, "steps": 2}
    assert model.history is history


# EarlyStopping


def stopped_after(numbers, monitor="val_loss", **arguments):
    history = cb.History()
    train([cb.EarlyStopping(monitor, **arguments), history], values(monitor, numbers))
    return len(history.epoch)


def test_early_stopping_waits():
    assert stopped_after([3, 2, 2, 2, 2], patience=2) == 4
    assert stopped_after([3, 2, 2, 1, 1, 1], patience=2) == 6
    assert stopped_after([3, 2, 1]) == 3
    assert stopped_after([3, 4, 1], patience=0) == 2


def test_early_stopping_directions():
    assert stopped_after([0.1, 0.2, 0.2, 0.2], "val_accuracy", patience=1) == 3
    assert stopped_after([3, 2, 1, 0], "val_own", mode="max", patience=1) == 2
    assert stopped_after([3, 2.9, 2.8], min_delta=0.5, patience=1) == 2
    assert stopped_after([3, 2.4, 1.8], min_delta=-0.5, patience=1) == 3


def test_early_stopping_baseline_and_start():
    assert stopped_after([3, 2, 1], baseline=0.5, patience=2) == 3
    assert stopped_after([1, 2, 3, 0, 5, 6], start_from_epoch=3, patience=1) == 5


def test_early_stopping_restores_best_weights(capsys):
    stopping = cb.EarlyStopping(patience=1, restore_best_weights=True, verbose=1)
    model = train([stopping], values("val_loss", [3, 1, 2, 2]))
    assert model.weight == 1 and stopping.stopped_epoch == 2 and stopping.best == 1
    assert capsys.readouterr().out == (
        "Epoch 3: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
    )
    model = train(
        [cb.EarlyStopping(patience=9, restore_best_weights=True)], values("val_loss", [1, 2])
    )
    assert model.weight == 0  # also without stopping


def test_early_stopping_starts_anew_in_each_fit():
    stopping = cb.EarlyStopping(patience=1)
    train([stopping], values("val_loss", [1, 2]))
    train([stopping], values("val_loss", [9, 8]))
    assert stopping.best == 8


def test_missing_validation_is_told_at_the_start():
    stopping = cb.EarlyStopping()
    stopping.set_model(FakeModel(validates=False))
    with pytest.warns(UserWarning, match="not available.*loss, accuracy.*Pass validation_data"):
        stopping.on_train_begin({})
    stopping.on_epoch_end(0, {"loss": 1.0})  # no second warning


def test_metric_that_a_callback_might_have_added_is_told_after_an_epoch():
    stopping = cb.EarlyStopping("own", mode="min")
    stopping.set_model(FakeModel())
    stopping.on_train_begin({})
    with pytest.warns(UserWarning, match='monitor="own" is not available; available metrics: loss'):
        stopping.on_epoch_end(0, {"loss": 1.0})
    stopping.on_epoch_end(1, {"loss": 1.0})


def test_unknown_direction_is_an_error_before_training():
    for callback in (cb.EarlyStopping("val_acuracy"), cb.ReduceLROnPlateau("val_acuracy")):
        callback.set_model(FakeModel())
        with pytest.raises(ValueError, match=r'mode="max".*Did you mean "val_accuracy"'):
            callback.on_train_begin({})
    with pytest.raises(ValueError, match='mode must be one of "auto", "min", "max"'):
        cb.EarlyStopping(mode="up")


# ReduceLROnPlateau, LearningRateScheduler


def test_reduce_on_plateau(capsys):
    history = cb.History()
    reduce = cb.ReduceLROnPlateau(factor=0.5, patience=2, min_lr=0.03, verbose=1)
    model = train([reduce, history], values("val_loss", [1.0] * 8))
    assert history.history["learning_rate"] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.03, 0.03, 0.03]
    assert model.optimizer.learning_rate == 0.03
    assert capsys.readouterr().out.startswith(
        "\nEpoch 3: ReduceLROnPlateau reducing learning rate to 0.05.\n"
    )


def test_reduce_on_plateau_cools_down():
    history = cb.History()
    reduce = cb.ReduceLROnPlateau(factor=0.5, patience=1, cooldown=2, min_delta=0.1)
    train([reduce, history], values("val_loss", [1.0, 0.95, 0.95, 0.95, 0.95, 0.95]))
    rates = history.history["learning_rate"]
    assert rates == [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]
    with pytest.raises(ValueError, match=r"factor must be below 1, got 1.5"):
        cb.ReduceLROnPlateau(factor=1.5)


@pytest.mark.parametrize(
    "schedule", [lambda epoch, rate: rate / 2, lambda epoch: 0.1 / 2 ** (epoch + 1)]
)
def test_scheduler(schedule, capsys):
    history = cb.History()
    scheduler = cb.LearningRateScheduler(schedule, verbose=1)
    train([scheduler, history], values("loss", [1.0, 1.0]))
    assert history.history["learning_rate"] == [0.05, 0.025]
    out = capsys.readouterr().out
    assert "\nEpoch 2: LearningRateScheduler setting learning rate to 0.025.\n" in out


def test_scheduler_checks_the_rate():
    for bad, error in ((None, TypeError), (-1.0, ValueError), (math.nan, ValueError)):
        with pytest.raises(error, match=r"LearningRateScheduler: the value of schedule\(\)"):
            train([cb.LearningRateScheduler(lambda epoch, *, bad=bad: bad)], [{}])

    def buggy(epoch, rate):
        raise TypeError("the user's own")

    with pytest.raises(TypeError, match="the user's own"):
        train([cb.LearningRateScheduler(buggy)], [{}])


# ModelCheckpoint


def test_checkpoint_saves_each_epoch(tmp_path, capsys):
    path = tmp_path / "run" / "{epoch:02d}-{val_loss:.2f}.weights.h5"
    checkpoint = cb.ModelCheckpoint(path, save_weights_only=True, verbose=1)
    model = train([checkpoint], values("val_loss", [1.5, 2.5]))
    names = [str(tmp_path / "run" / name) for name in ("01-1.50.weights.h5", "02-2.50.weights.h5")]
    assert model.saved == names
    assert (tmp_path / "run").is_dir()
    out = capsys.readouterr().out
    assert out.startswith(
        f"\nEpoch 1: saving model to {names[0]}\n\nEpoch 1: finished saving model to {names[0]}\n"
    )


def test_checkpoint_saves_best_only(tmp_path, capsys):
    path = str(tmp_path / "best.weights.h5")
    checkpoint = cb.ModelCheckpoint(
        path, "val_accuracy", save_best_only=True, save_weights_only=True, verbose=1
    )
    model = train([checkpoint], values("val_accuracy", [0.5, 0.4, 0.75]))
    assert len(model.saved) == 2
    out = capsys.readouterr().out
    assert f"\nEpoch 1: val_accuracy improved from None to 0.50000, saving model to {path}\n" in out
    assert "\nEpoch 2: val_accuracy did not improve from 0.50000\n" in out
    assert "improved from 0.50000 to 0.75000" in out


def test_checkpoint_threshold_and_batches(tmp_path):
    path = str(tmp_path / "w.weights.h5")
    best = cb.ModelCheckpoint(
        path, save_best_only=True, save_weights_only=True, initial_value_threshold=1.0
    )
    assert len(train([best], values("val_loss", [2.0, 0.5])).saved) == 1
    path = str(tmp_path / "{epoch}-{batch}.weights.h5")
    often = cb.ModelCheckpoint(path, save_weights_only=True, save_freq=3)
    model = train([often], values("loss", [1.0, 1.0, 1.0]))
    assert model.saved == [str(tmp_path / f"{name}.weights.h5") for name in ("2-1", "3-2")]


def test_checkpoint_arguments_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r'must end in ".keras" or ".h5" .*got "m.foo"'):
        cb.ModelCheckpoint("m.foo")
    with pytest.raises(ValueError, match=r'must end in ".weights.h5" .*got "m.h5"'):
        cb.ModelCheckpoint("m.h5", save_weights_only=True)
    with pytest.raises(TypeError, match="save_freq"):
        cb.ModelCheckpoint("m.weights.h5", save_weights_only=True, save_freq="batch")
    checkpoint = cb.ModelCheckpoint("{val_loss}.weights.h5", save_weights_only=True)
    checkpoint.set_model(FakeModel(validates=False))
    with pytest.raises(ValueError, match=r"field \{val_loss\}, which the logs do not have"):
        checkpoint.on_train_begin({})
    unknown = cb.ModelCheckpoint("{own}.weights.h5", save_weights_only=True)
    with pytest.raises(ValueError, match=r"field \{own\}"):
        train([unknown], values("loss", [1.0]))


# CSVLogger, TerminateOnNaN


def test_csv_logger(tmp_path):
    path = tmp_path / "log.csv"
    train([cb.CSVLogger(path)], [{"loss": 1.0, "accuracy": 0.5}, {"accuracy": 0.75, "loss": 0.5}])
    assert path.read_bytes().decode().splitlines() == [
        "epoch,accuracy,loss,val_accuracy,val_loss",
        "0,0.5,1.0,NA,NA",
        "1,0.75,0.5,NA,NA",
    ]
    logs = [{"loss": 1.0, "val_loss": np.array([1, 2])}]
    train([cb.CSVLogger(path, separator=";")], logs)
    assert path.read_text().splitlines() == [
        "epoch;loss;val_loss",
        '0;1.0;"""[1, 2]"""',
    ]


def test_csv_logger_appends(tmp_path):
    path = tmp_path / "log.csv"
    for _ in range(2):
        train([cb.CSVLogger(path, append=True)], [{"loss": 1.0, "val_loss": 2.0}])
    assert path.read_text().splitlines() == ["epoch,loss,val_loss", "0,1.0,2.0", "0,1.0,2.0"]


def test_terminate_on_nan(capsys):
    history = cb.History()
    model = train([cb.TerminateOnNaN(), history], values("loss", [1.0, math.nan, 1.0]))
    assert model.stop_training and history.epoch == [0, 1]
    assert "Batch 0: Invalid loss, terminating training\n" in capsys.readouterr().out
    with pytest.raises(RuntimeError, match="the loss is inf at batch 0"):
        train([cb.TerminateOnNaN(raise_error=True)], values("loss", [math.inf]))
