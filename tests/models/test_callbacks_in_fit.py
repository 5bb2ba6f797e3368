"""Callbacks that need a real model: backups, checkpoints of models, averages, TensorBoard."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fastconv import callbacks as cb
from fastconv import layers, models, optimizers, utils

X = np.random.default_rng(0).random((40, 6, 6, 1), np.float32)
Y = np.random.default_rng(1).integers(0, 3, 40)


def make_model(optimizer="adam"):
    utils.set_random_seed(5)
    model = models.Sequential(
        [
            layers.Input((6, 6, 1)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def fit(model, callbacks=(), epochs=3, **options):
    return model.fit(X, Y, 8, epochs, verbose=0, callbacks=list(callbacks), **options)


class Crash(cb.Callback):
    """Break off after so many batches."""

    def __init__(self, batches):
        super().__init__()
        self.left = batches

    def on_train_batch_end(self, batch, logs=None):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("save_freq", "batches"), [("epoch", 8), (3, 8), (1, 6), (5, 6), (4, 14)])
def test_backup_goes_on_bit_for_bit(tmp_path, save_freq, batches):
    straight = make_model()
    history = fit(straight)
    folder = tmp_path / "backup"
    with pytest.raises(KeyboardInterrupt):
        fit(make_model(), [cb.BackupAndRestore(folder, save_freq), Crash(batches)])
    assert sorted(os.listdir(folder)) == ["latest.weights.h5", "training_metadata.json"]
    utils.set_random_seed(99)
    resumed = make_model()
    np.random.seed(7)
    again = fit(resumed, [cb.BackupAndRestore(folder, save_freq)])
    for a, b in zip(straight.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    first = 2 if batches == 14 else 1
    assert again.epoch == list(range(first, 3))
    if batches < 14:  # else the last epoch's means are those of its last batches alone
        assert again.history["loss"][-1] == history.history["loss"][-1]
    assert not folder.exists()


def test_backup_keeps_the_one_before_and_what_is_not_its_own(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    backup = cb.BackupAndRestore(tmp_path, double_checkpoint=True, delete_checkpoint=False)
    fit(make_model(), [backup], epochs=2)
    assert (tmp_path / "latest.weights.h5.bkp").exists()
    os.remove(tmp_path / "latest.weights.h5")
    history = fit(make_model(), [cb.BackupAndRestore(tmp_path)], epochs=2)
    assert history.epoch == [1]
    assert os.listdir(tmp_path) == ["notes.txt"]
    with pytest.raises(ValueError, match="backup_dir must be the path of a folder"):
        cb.BackupAndRestore("")
    with pytest.raises(TypeError, match="save_freq"):
        cb.BackupAndRestore("x", save_freq="batch")


def test_checkpoint_of_a_whole_model(tmp_path):
    model = make_model()
    fit(model, [cb.ModelCheckpoint(tmp_path / "{epoch}.keras")], epochs=2)
    assert sorted(os.listdir(tmp_path)) == ["1.keras", "2.keras"]
    loaded = models.load_model(tmp_path / "2.keras")
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def follow_averages(model, momentum):
    """Return a callback that computes the moving averages on its own."""
    averages = []

    def follow(batch, logs):
        weights = model.get_weights()
        if not averages:
            averages.extend(w.copy() for w in weights)
        for average, weight in zip(averages, weights, strict=True):
            average += (1 - momentum) * (weight - average)

    return averages, cb.LambdaCallback(on_train_batch_end=follow)


@pytest.mark.parametrize("swap", [None, False, True])
def test_fit_ends_with_averages(swap):
    model = make_model(optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8))
    averages, follow = follow_averages(model, 0.8)
    callbacks = [follow] if swap is None else [follow, cb.SwapEMAWeights(swap)]
    fit(model, callbacks, validation_split=0.2)
    for a, b in zip(model.get_weights(), averages, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_evaluation_with_averages():
    model = make_model(optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
    plain, swapped = {}, {}
    record = cb.LambdaCallback(on_epoch_end=lambda epoch, logs: plain.update(logs))
    fit(model, [record], epochs=2, validation_data=(X, Y))
    model = make_model(optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
    record = cb.LambdaCallback(on_epoch_end=lambda epoch, logs: swapped.update(logs))
    fit(model, [cb.SwapEMAWeights(), record], epochs=2, validation_data=(X, Y))
    assert swapped["loss"] == plain["loss"]
    assert swapped["val_loss"] != plain["val_loss"]
    assert swapped["val_loss"] == model.evaluate(X, Y, verbose=0)[0]  # fit ends with averages
    with pytest.raises(ValueError, match="use use_ema=True"):
        fit(make_model(), [cb.SwapEMAWeights()], validation_data=(X, Y))


def test_accumulated_gradients_are_those_of_a_larger_batch():
    large, small = (
        make_model(optimizers.SGD(0.1, gradient_accumulation_steps=steps)) for steps in (None, 4)
    )
    for layer in (*large.layers, *small.layers):
        if isinstance(layer, layers.Dropout):
            layer.rate = 0.0
    large.fit(X, Y, 40, 1, verbose=0, shuffle=False)
    small.fit(X, Y, 10, 1, verbose=0, shuffle=False)
    for a, b in zip(large.get_weights(), small.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_loss_scale_factor_changes_nothing():
    plain, scaled = make_model(optimizers.Adam()), make_model(optimizers.Adam(loss_scale_factor=64))
    for model in (plain, scaled):
        utils.set_random_seed(3)
        fit(model, epochs=1)
    for a, b in zip(plain.get_weights(), scaled.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_tensorboard_writes_what_its_own_reader_reads(tmp_path):
    pytest.importorskip("tensorboard.summary.writer.event_file_writer")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = cb.TensorBoard(tmp_path, histogram_freq=1, update_freq=2, write_steps_per_second=True)
    history = fit(make_model(), [board], validation_split=0.2)
    train = EventAccumulator(str(tmp_path / "train")).Reload()
    values = [event.value for event in train.Scalars("epoch_loss")]
    np.testing.assert_allclose(values, history.history["loss"], rtol=1e-6)
    assert [event.step for event in train.Scalars("batch_loss")] == [2, 4, 6, 8, 10, 12]
    assert train.Scalars("epoch_learning_rate")[0].value == pytest.approx(0.001)
    assert train.Tags()["histograms"]
    validation = EventAccumulator(str(tmp_path / "validation")).Reload()
    assert len(validation.Scalars("epoch_accuracy")) == 3


def test_tensorboard_without_its_package(tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "tensorboard.summary.writer.event_file_writer", None)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        fit(make_model(), [cb.TensorBoard(tmp_path)])
