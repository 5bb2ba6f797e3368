"""The networks in Keras's words; `library` is keras or fastconv."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from ..inputs import layer_weights


def article(library: Any) -> Any:
    """Return the MNIST network of Keras's tutorials."""
    layers = library.layers
    return library.models.Sequential(
        [
            library.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def lenet5(library: Any) -> Any:
    """Return LeNet-5 (LeCun et al., 1998), fully connected between its convolutions."""
    layers = library.layers
    return library.models.Sequential(
        [
            library.Input(shape=(32, 32, 1)),
            layers.Conv2D(6, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(120, 5, activation="tanh"),
            layers.Flatten(),
            layers.Dense(84, activation="tanh"),
            layers.Dense(10, activation="softmax"),
        ]
    )


def vgg(library: Any) -> Any:
    """Return a small relative of VGG (arXiv:1409.1556): six convolutions, no normalization."""
    layers = library.layers
    model = library.models.Sequential([library.Input(shape=(32, 32, 3))])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    return model


def resnet20(library: Any) -> Any:
    """Return the CIFAR-10 ResNet-20 (arXiv:1512.03385, section 4.2).

    Its two shortcuts that change the size are average pooling and a 1x1 convolution
    (arXiv:1812.01187, ResNet-D).
    """
    layers = library.layers

    def normalized(x: Any, filters: int, size: int, strides: int = 1) -> Any:
        conv = layers.Conv2D(filters, size, strides=strides, padding="same", use_bias=False)
        return layers.BatchNormalization()(conv(x))

    image = library.Input(shape=(32, 32, 3))
    x = layers.ReLU()(normalized(image, 16, 3))
    for filters in (16, 32, 64):
        for block in range(3):
            strides = 2 if filters > 16 and block == 0 else 1
            y = layers.ReLU()(normalized(x, filters, 3, strides))
            y = normalized(y, filters, 3)
            if strides == 2:
                x = normalized(layers.AveragePooling2D(2)(x), filters, 1)
            x = layers.ReLU()(layers.Add()([y, x]))
    x = layers.GlobalAveragePooling2D()(x)
    return library.models.Model(image, layers.Dense(10, activation="softmax")(x))


#: Expansion, filters, blocks and first stride of each stage of mobilenet96.
MOBILENET_STAGES = (
    (1, 8, 1, 1),
    (6, 16, 2, 2),
    (6, 16, 2, 2),
    (6, 32, 2, 2),
    (6, 48, 2, 1),
    (6, 80, 2, 2),
    (6, 160, 1, 1),
)


def mobilenet96(library: Any) -> Any:
    """Return MobileNetV2 (arXiv:1801.04381) of half the width, two blocks a stage at most."""
    layers = library.layers

    def normalized(x: Any, conv: Any, activated: bool = True) -> Any:
        x = layers.BatchNormalization()(conv(x))
        return layers.ReLU(max_value=6)(x) if activated else x

    image = library.Input(shape=(96, 96, 3))
    first = layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False)
    x, channels = normalized(image, first), 16
    for factor, filters, blocks, first_strides in MOBILENET_STAGES:
        for block in range(blocks):
            strides = first_strides if block == 0 else 1
            y = x
            if factor > 1:
                y = normalized(y, layers.Conv2D(factor * channels, 1, use_bias=False))
            middle = layers.DepthwiseConv2D(3, strides=strides, padding="same", use_bias=False)
            y = normalized(y, middle)
            y = normalized(y, layers.Conv2D(filters, 1, use_bias=False), activated=False)
            x = layers.Add()([x, y]) if strides == 1 and filters == channels else y
            channels = filters
    x = normalized(x, layers.Conv2D(640, 1, use_bias=False))
    x = layers.GlobalAveragePooling2D()(x)
    return library.models.Model(image, layers.Dense(10, activation="softmax")(x))


KERAS_NETWORKS = {
    "article": article,
    "lenet5": lenet5,
    "resnet20": resnet20,
    "mobilenet96": mobilenet96,
    "vgg": vgg,
}


def load_weights(model: Any) -> None:
    """Give the layers their fixed weights; they are told apart by kind and order of making."""
    counts: Counter[str] = Counter()
    for layer in sorted(model.layers, key=_number):
        shapes = [tuple(weight.shape) for weight in layer.get_weights()]
        if shapes:
            kind = re.sub(r"_\d+$", "", layer.name)
            layer.set_weights(layer_weights(kind, counts[kind], shapes))
            counts[kind] += 1


def _number(layer: Any) -> int:
    """Return the number at the end of a name that the library gave."""
    found = re.search(r"_(\d+)$", layer.name)
    return int(found[1]) if found else 0
