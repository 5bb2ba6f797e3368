"""A residual network with the functional API.

python examples/residual.py [--epochs 6] [--batch-size 32]
"""

import argparse

from fastconv import Input, Model, layers
from fastconv.callbacks import ReduceLROnPlateau
from fastconv.datasets import digits
from fastconv.optimizers import SGD
from fastconv.utils import set_random_seed


def block(x, filters, strides=1):
    """He et al., "Deep Residual Learning for Image Recognition", arXiv:1512.03385."""
    shortcut = x
    if strides != 1 or x.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(x)
        shortcut = layers.BatchNormalization(momentum=0.9)(shortcut)
    x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.ReLU()(layers.add([x, shortcut]))


def make_model():
    inputs = Input(shape=(28, 28, 1))
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    for filters, strides in [(16, 1), (32, 2), (64, 2)]:
        x = block(x, filters, strides)
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(10, activation="softmax")(x)
    return Model(inputs, outputs, name="residual")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--batch-size", type=int, default=32)
    options = parser.parse_args()
    set_random_seed(0)

    (x_train, y_train), (x_test, y_test) = digits.load_data(image_size=28)
    x_train, x_test = x_train[..., None] / 255, x_test[..., None] / 255

    model = make_model()
    model.summary()
    model.compile(
        optimizer=SGD(0.05, momentum=0.9, nesterov=True),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    model.fit(
        x_train,
        y_train,
        batch_size=options.batch_size,
        epochs=options.epochs,
        validation_split=0.1,
        callbacks=[ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=2)],
        verbose=2,
    )
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"Test accuracy: {accuracy:.4f}")


if __name__ == "__main__":
    main()
