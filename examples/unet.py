"""Segmentation with a U-Net: which pixels are background, disc or box?

python examples/unet.py [--epochs 8] [--images 200]
"""

import argparse

import numpy as np

from fastconv import Input, Model, layers
from fastconv.metrics import MeanIoU
from fastconv.utils import set_random_seed


def make_images(count, rng, size=48):
    """Return noisy images (count, size, size, 1) of a disc and a box, and their classes."""
    rows, columns = np.mgrid[:size, :size]
    y, x = rng.uniform(10, size - 10, (2, count, 2, 1, 1))
    radius = rng.uniform(5, 10, (count, 2, 1, 1))
    disc = (rows - y[:, 0]) ** 2 + (columns - x[:, 0]) ** 2 < radius[:, 0] ** 2
    box = np.maximum(abs(rows - y[:, 1]), abs(columns - x[:, 1])) < radius[:, 1]
    classes = np.where(box, 2, disc.astype(int))
    images = 0.7 * (classes > 0) + rng.normal(0.0, 0.3, classes.shape)
    return images[..., None].astype("float32"), classes[..., None]


def convolutions(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.Activation("relu")(x)
    return x


def make_model(classes):
    """Ronneberger et al., arXiv:1505.04597, small."""
    inputs = Input(shape=(None, None, 1))
    x, skipped = inputs, []
    for filters in (8, 16, 32):
        x = convolutions(x, filters)
        skipped.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = convolutions(x, 64)
    for filters in (32, 16, 8):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = layers.concatenate([x, skipped.pop()])
        x = convolutions(x, filters)
    outputs = layers.Conv2D(classes, 1, activation="softmax")(x)
    return Model(inputs, outputs, name="unet")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--images", type=int, default=200)
    options = parser.parse_args()
    set_random_seed(0)

    rng = np.random.default_rng(0)
    x_train, y_train = make_images(options.images, rng)
    x_test, y_test = make_images(50, rng)

    model = make_model(classes=3)
    model.compile(
        optimizer="adam",
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy", MeanIoU(num_classes=3, sparse_y_pred=False, name="mean_iou")],
    )
    model.fit(x_train, y_train, batch_size=10, epochs=options.epochs, verbose=2)
    _, accuracy, iou = model.evaluate(x_test, y_test, verbose=0)
    print(f"Test images: {accuracy:.4f} of the pixels right, mean IoU {iou:.4f}")


if __name__ == "__main__":
    main()
