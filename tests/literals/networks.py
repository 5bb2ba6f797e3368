"""Small networks, weights and data that Keras and fastconv can both build, without random numbers.

Everything follows from `numbers`, integer arithmetic that gives the same bits everywhere.
`make_keras_literals.py` trains them with Keras and writes `keras_training.py`;
tests/models/test_keras_parity.py trains them with fastconv and compares.
"""

from __future__ import annotations

import math

import numpy as np

BATCHES, BATCH_SIZE, CLASSES = 5, 8, 5
IMAGE = (12, 12, 2)


def numbers(seed, *shape):
    """Return float32 numbers in [-1/2, 1/2) that look random: k -> 2654435761 k^2 + k mod 2^32."""
    k = np.arange(math.prod(shape), dtype=np.uint64) + np.uint64(100_003 * seed + 1)
    mixed = (k * k * np.uint64(2654435761) + k) % np.uint64(2**32)  # uint64 wraps, as intended
    return (mixed / 2.0**32 - 0.5).astype(np.float32).reshape(shape)


def batches():
    """Return BATCHES pairs (x, one-hot y); the class is the place of a bright column.

    The seeds were chosen so that no run comes near a tie in a pooling window or the kink of a
    relu, where rounding would decide and the numbers of any two implementations part.
    """
    result = []
    for batch in range(BATCHES):
        labels = np.arange(BATCH_SIZE) * (batch + 2) % CLASSES
        x = numbers(90 + batch, BATCH_SIZE, *IMAGE)
        x[np.arange(BATCH_SIZE), :, 2 * labels + 1] += 1
        result.append((x, np.eye(CLASSES, dtype=np.float32)[labels]))
    return result


def set_weights(model):
    """Give every kernel the range of glorot_uniform, every other weight values around its own."""
    values = []
    for seed, old in enumerate(model.get_weights()):
        new = numbers(seed, *old.shape)
        if old.ndim > 1:
            fan_in, fan_out = math.prod(old.shape[:-1]), math.prod((*old.shape[:-2], old.shape[-1]))
            values.append(new * np.float32(2 * math.sqrt(6 / (fan_in + fan_out))))
        else:
            values.append(old + np.float32(0.2) * new)
    model.set_weights(values)


def article(layers, regularizers):
    """The network of a thousand articles."""
    return [
        layers.Input(IMAGE),
        layers.Conv2D(4, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(6, kernel_size=3, padding="same", activation="relu"),
        layers.MaxPooling2D(pool_size=2),
        layers.Flatten(),
        layers.Dense(16, activation="relu"),
        layers.Dense(CLASSES, activation="softmax"),
    ]


def normalized(layers, regularizers):
    """Batch normalization, depthwise and strided convolutions, a regularizer.

    No bias before a normalization: its gradient is zero but for rounding, which Adam would follow.
    """
    return [
        layers.Input(IMAGE),
        layers.Conv2D(6, 3, strides=2, padding="same", use_bias=False),
        layers.BatchNormalization(momentum=0.9),
        layers.Activation("relu"),
        layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, use_bias=False),
        layers.BatchNormalization(),
        layers.LeakyReLU(),
        layers.AveragePooling2D(3, strides=2, padding="same"),
        layers.Conv2D(8, 1, activation="tanh", kernel_regularizer=regularizers.L2(0.01)),
        layers.GlobalAveragePooling2D(),
        layers.Dense(CLASSES, activation="softmax"),
    ]


NETWORKS = {"article": article, "normalized": normalized}

#: name: (class, arguments)
OPTIMIZERS = {
    "Adam": ("Adam", {"learning_rate": 0.01}),
    "AdamW amsgrad": ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1, "amsgrad": True}),
    "SGD": ("SGD", {"learning_rate": 0.1}),
    "SGD momentum": ("SGD", {"learning_rate": 0.05, "momentum": 0.9}),
    "SGD nesterov, clipped": (
        "SGD",
        {"learning_rate": 0.05, "momentum": 0.9, "nesterov": True, "global_clipnorm": 0.5},
    ),
    "RMSprop": ("RMSprop", {"learning_rate": 0.003}),
    "RMSprop centered": (
        "RMSprop",
        {"learning_rate": 0.003, "momentum": 0.5, "centered": True, "epsilon": 1e-3},
    ),
}


def train(network, optimizer, Sequential, layers, optimizers, regularizers):
    """Take one step per batch and return what is compared: plain numbers only."""
    model = Sequential(NETWORKS[network](layers, regularizers))
    set_weights(model)
    class_name, arguments = OPTIMIZERS[optimizer]
    model.compile(
        optimizer=getattr(optimizers, class_name)(**arguments),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    losses, accuracies = [], []
    for x, y in batches():
        history = model.fit(x, y, batch_size=BATCH_SIZE, epochs=1, shuffle=False, verbose=0)
        losses.append(history.history["loss"][0])
        accuracies.append(history.history["accuracy"][0])
    x, y = batches()[0]
    return {
        "losses": losses,
        "accuracies": accuracies,
        "weight sums": [float(np.float64(w).sum()) for w in model.get_weights()],
        "weight magnitudes": [float(np.abs(np.float64(w)).sum()) for w in model.get_weights()],
        "evaluate": list(map(float, model.evaluate(x, y, verbose=0))),
        "predict": [float(p) for p in model.predict(x, verbose=0)[0]],
    }
