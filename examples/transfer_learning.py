"""Transfer learning: a base that knows the digits 0 to 4 learns 5 to 9 from a few images.

    python examples/transfer_learning.py [--epochs 10] [--images 3]

Three ways to learn the new digits: from scratch, with the base frozen, and with the base frozen
first and then tuned with a small learning rate.
"""

import argparse

import numpy as np

from fastconv import Input, Model, layers
from fastconv.datasets import digits
from fastconv.optimizers import Adam
from fastconv.utils import set_random_seed


def make_base():
    inputs = Input(shape=(28, 28, 1))
    x = layers.Conv2D(16, 3, activation="relu")(inputs)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(32, 3, activation="relu")(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(64, 3, activation="relu")(x)
    return Model(inputs, x, name="base")


def with_head(base):
    inputs = Input(shape=(28, 28, 1))
    # training=False: batch normalization keeps the statistics it has, also while the head learns.
    x = base(inputs, training=False)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.2)(x)
    outputs = layers.Dense(5, activation="softmax")(x)
    return Model(inputs, outputs)


def fit(model, x, y, learning_rate, epochs):
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer=Adam(learning_rate), loss=loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10, help="of the base; others follow")
    parser.add_argument("--images", type=int, default=3, help="of each of the digits 5 to 9")
    options = parser.parse_args()
    set_random_seed(0)

    (x_train, y_train), (x_test, y_test) = digits.load_data(image_size=28)
    x_train, x_test = x_train[..., None] / 255, x_test[..., None] / 255
    old, new_test = y_train < 5, y_test >= 5
    new = np.concatenate(
        [np.flatnonzero(y_train == digit)[: options.images] for digit in range(5, 10)]
    )
    x_new, y_new = x_train[new], y_train[new] - 5

    def report(name, model):
        _, accuracy = model.evaluate(x_test[new_test], y_test[new_test] - 5, verbose=0)
        print(f"{name}: test accuracy {accuracy:.4f}")

    base = make_base()
    features = layers.Flatten()(base.output)
    first = Model(base.input, layers.Dense(5, activation="softmax")(features))
    fit(first, x_train[old], y_train[old], 0.002, options.epochs)

    scratch = with_head(make_base())
    fit(scratch, x_new, y_new, 0.002, 4 * options.epochs)
    report("From scratch", scratch)

    base.trainable = False
    model = with_head(base)
    fit(model, x_new, y_new, 0.01, 4 * options.epochs)
    report("Frozen base", model)

    base.trainable = True
    fit(model, x_new, y_new, 0.0001, 2 * options.epochs)
    report("Fine-tuned", model)


if __name__ == "__main__":
    main()
