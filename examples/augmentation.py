"""Augmentation: images that are moved, turned and scaled at random while a model trains.

    python examples/augmentation.py [--epochs 8]

The training images are digits in the middle of the picture; the test images lie elsewhere and are
turned. Without augmentation the model has never seen such images.
"""

import argparse

from fastconv import layers, models
from fastconv.datasets import digits
from fastconv.utils import set_random_seed


def make_augmentation():
    return models.Sequential(
        [
            layers.RandomTranslation(0.15, 0.15, fill_mode="constant"),
            layers.RandomRotation(0.08, fill_mode="constant"),
            layers.RandomZoom(0.1, fill_mode="constant"),
        ],
        name="augmentation",
    )


def make_model(*first):
    return models.Sequential(
        [
            layers.Input((32, 32, 1)),
            *first,
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu", padding="same"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    epochs = parser.parse_args().epochs
    set_random_seed(0)

    (x_train, y_train), (x_test, y_test) = digits.load_data(image_size=32)
    x_train, x_test = x_train[..., None], x_test[..., None]
    moved = make_augmentation()(x_test, training=True)

    for name, first in {"without": (), "with": (make_augmentation(),)}.items():
        model = make_model(*first)
        model.compile(
            optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"]
        )
        model.fit(x_train, y_train, batch_size=32, epochs=epochs, verbose=0)
        _, plain = model.evaluate(x_test, y_test, verbose=0)
        _, accuracy = model.evaluate(moved, y_test, verbose=0)
        print(f"Test accuracy {name} augmentation: {plain:.4f}, of moved digits {accuracy:.4f}")


if __name__ == "__main__":
    main()
