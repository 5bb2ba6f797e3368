"""A convolutional autoencoder that takes noise out of images, with Conv2DTranspose.

python examples/autoencoder.py [--epochs 8] [--noise 0.4]
"""

import argparse

import numpy as np

from fastconv import layers
from fastconv.datasets import digits
from fastconv.models import Model
from fastconv.utils import set_random_seed


def make_model():
    inputs = layers.Input(shape=(28, 28, 1))

    # Encoder
    x = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(inputs)
    x = layers.MaxPooling2D((2, 2), padding="same")(x)
    x = layers.Conv2D(32, (3, 3), activation="relu", padding="same")(x)
    x = layers.MaxPooling2D((2, 2), padding="same")(x)

    # Decoder
    x = layers.Conv2DTranspose(32, (3, 3), strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2DTranspose(32, (3, 3), strides=2, activation="relu", padding="same")(x)
    x = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)
    return Model(inputs, x, name="autoencoder")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--noise", type=float, default=0.4)
    options = parser.parse_args()
    set_random_seed(0)
    rng = np.random.default_rng(0)

    def add_noise(images):
        noise = options.noise * rng.standard_normal(images.shape)
        return np.clip(images + noise, 0, 1).astype("float32")

    (x_train, _), (x_test, _) = digits.load_data(image_size=28)
    x_train = x_train[..., None].astype("float32") / 255
    x_test = x_test[..., None].astype("float32") / 255
    noisy_train, noisy_test = add_noise(x_train), add_noise(x_test)

    model = make_model()
    model.compile(optimizer="adam", loss="binary_crossentropy")
    model.fit(
        x=noisy_train,
        y=x_train,
        epochs=options.epochs,
        batch_size=64,
        shuffle=True,
        validation_data=(noisy_test, x_test),
        verbose=2,
    )

    clean = model.predict(noisy_test, verbose=0)
    before = np.mean((noisy_test - x_test) ** 2)
    after = np.mean((clean - x_test) ** 2)
    print(f"Mean squared error of the test images: {before:.4f} with noise, {after:.4f} without")


if __name__ == "__main__":
    main()
