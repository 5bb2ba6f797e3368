"""The same bits after 200 steps, however they were computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from fastconv import callbacks, config, layers
from fastconv.models import Model, Sequential
from fastconv.models.plan import Plan
from fastconv.utils import set_random_seed

STEPS, BATCH = 200, 8


def network() -> Model:
    set_random_seed(11)
    model = Sequential(
        [
            layers.Input((10, 10, 3)),
            layers.Conv2D(8, 3, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Conv2D(16, 3, activation="relu"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(12, activation="tanh"),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    x = rng.standard_normal((STEPS * BATCH // 2, 10, 10, 3)).astype(np.float32)
    return x, rng.integers(0, 5, len(x))


def trained(*hooks: callbacks.Callback) -> Model:
    model = network()
    model.fit(*data(), batch_size=BATCH, epochs=2, verbose=0, callbacks=list(hooks))
    return model


def bits(model: Model) -> list[bytes]:
    """All that 200 steps left behind: weights, the optimizer's state, the last means."""
    assert model.history is not None
    arrays = [*model.get_weights(), *(np.asarray(v) for v in model.optimizer.variables)]
    logs = [np.float64(value).tobytes() for value in model.history.history["loss"]]
    return [*(array.tobytes() for array in arrays), *logs]


@pytest.fixture(scope="module")
def wanted() -> list[bytes]:
    return bits(trained())


@pytest.mark.parametrize("threads", [1, 2])
def test_threads(threads: int, wanted: list[bytes]) -> None:
    before = config.get_num_threads()
    config.set_num_threads(threads)
    try:
        assert bits(trained()) == wanted
    finally:
        config.set_num_threads(before)


def test_layer_by_layer(monkeypatch: pytest.MonkeyPatch, wanted: list[bytes]) -> None:
    monkeypatch.setattr(Plan, "lease", lambda *_: None)
    assert bits(trained()) == wanted


class Between(callbacks.Callback):
    """Does something with the model after some of its steps."""

    def __init__(self, action: Callable[[Model], object]) -> None:
        super().__init__()
        self.action = action

    def on_train_batch_end(self, batch: int, logs: object = None) -> None:
        if batch % 30 == 7:
            self.action(self.model)


def test_looking_changes_nothing(wanted: list[bytes], capsys: pytest.CaptureFixture[str]) -> None:
    """Profiles, plans, predictions and frozen copies in the middle of training."""
    x, y = data()

    def look(model: Model) -> None:
        model.explain(batch_size=BATCH, training=True)
        model.profile(x[:BATCH])
        model.profile(x[:BATCH], y[:BATCH])
        model.predict(x[:10], batch_size=4, verbose=0)
        model(x[:3])
        model.compile_for_inference()(x[:2])

    assert bits(trained(Between(look))) == wanted


def test_folding_is_not_part_of_training(wanted: list[bytes]) -> None:
    config.set_batch_normalization_folding(False)
    try:
        assert bits(trained()) == wanted
    finally:
        config.set_batch_normalization_folding(True)


def test_folding_changes_last_bits_of_predictions_only() -> None:
    model, (x, _) = trained(), data()
    folded = model.predict(x, verbose=0)
    config.set_batch_normalization_folding(False)
    try:
        plain = model.predict(x, verbose=0)
    finally:
        config.set_batch_normalization_folding(True)
    np.testing.assert_allclose(folded, plain, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(folded, model.predict(x, verbose=0))
