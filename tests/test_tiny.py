"""Smoke test, in seconds: one small network learns, is saved in memory, and predicts."""

from __future__ import annotations

import numpy as np

from fastconv.layers import Conv2D, Dense, Flatten, MaxPooling2D
from fastconv.models import Sequential
from fastconv.optimizers import Adam
from fastconv.utils import set_random_seed, to_categorical


def bars(count, seed):
    """Noisy 12 x 12 images of a bar: horizontal, vertical or diagonal."""
    rng = np.random.default_rng(seed)
    images = 0.3 * rng.standard_normal((count, 12, 12, 1)).astype(np.float32)
    kinds = rng.integers(0, 3, count)
    along = np.arange(8) + 2
    for image, kind, place in zip(images, kinds, rng.integers(2, 10, count), strict=True):
        rows = {0: place, 1: along, 2: along}[kind]
        columns = {0: along, 1: place, 2: along}[kind]
        image[rows, columns] += 1
    return images, kinds


def small_cnn():
    set_random_seed(1)
    model = Sequential(
        [
            Conv2D(8, (3, 3), activation="relu", input_shape=(12, 12, 1)),
            MaxPooling2D((2, 2)),
            Conv2D(16, kernel_size=3, padding="same", activation="relu"),
            MaxPooling2D(pool_size=(2, 2)),
            Flatten(),
            Dense(32, activation="relu"),
            Dense(3, activation="softmax"),
        ]
    )
    model.compile(
        optimizer=Adam(learning_rate=0.003),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def test_a_small_cnn_learns():
    x, kinds = bars(600, seed=1)
    x_test, kinds_test = bars(200, seed=2)
    y, y_test = to_categorical(kinds, 3), to_categorical(kinds_test, 3)

    model = small_cnn()
    history = model.fit(x, y, epochs=3, batch_size=32, validation_split=0.2, verbose=0)
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    losses = history.history["loss"]
    assert len(losses) == 3
    assert losses[2] < 0.5 * losses[0]

    loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
    assert loss < 0.3
    assert accuracy > 0.9

    p = model.predict(x_test, verbose=0)
    assert p.dtype == np.float32
    assert p.shape == (200, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert (p.argmax(axis=1) == kinds_test).mean() == np.float32(accuracy)

    # The same seed gives the same bits, and a copy of the weights the same predictions.
    again = small_cnn()
    again.fit(x, y, epochs=3, batch_size=32, validation_split=0.2, verbose=0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    copy = small_cnn()
    copy.set_weights(model.get_weights())
    np.testing.assert_array_equal(copy.predict(x_test[:7], verbose=0), p[:7])
