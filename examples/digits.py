"""Train a small convolutional network on 1,797 real handwritten digits: no download, few seconds.

python examples/digits.py [--epochs 12] [--batch-size 32] [--seed 0]
"""

import argparse
import time

from fastconv.datasets import digits
from fastconv.layers import Conv2D, Dense, Flatten, Input, MaxPooling2D
from fastconv.models import Sequential
from fastconv.optimizers import Adam
from fastconv.optimizers.schedules import CosineDecay
from fastconv.utils import set_random_seed, to_categorical


def make_model():
    return Sequential(
        [
            Input((28, 28, 1)),
            Conv2D(32, (3, 3), activation="relu"),
            MaxPooling2D((2, 2)),
            Conv2D(64, (3, 3), activation="relu"),
            MaxPooling2D((2, 2)),
            Flatten(),
            Dense(128, activation="relu"),
            Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    set_random_seed(options.seed)
    (x_train, y_train), (x_test, y_test) = digits.load_data(image_size=28)
    x_train, x_test = x_train[..., None] / 255, x_test[..., None] / 255

    # Down to 0 at the end, where a constant rate would leave the accuracy to chance.
    updates = options.epochs * -(-len(x_train) // options.batch_size)
    model = make_model()
    model.compile(
        optimizer=Adam(CosineDecay(0.002, decay_steps=updates)),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    start = time.perf_counter()
    model.fit(
        x_train,
        to_categorical(y_train, 10),
        epochs=options.epochs,
        batch_size=options.batch_size,
        verbose=2,
    )
    seconds = time.perf_counter() - start
    _, accuracy = model.evaluate(x_test, to_categorical(y_test, 10), verbose=0)
    print(f"Test accuracy: {accuracy:.4f} after {options.epochs} epochs in {seconds:.1f} s")


if __name__ == "__main__":
    main()
