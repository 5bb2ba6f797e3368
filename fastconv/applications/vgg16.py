"""VGG16, and the layers of VGG.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
arXiv:1409.1556.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, Part, classifier

_FILTERS = (64, 128, 256, 512, 512)


def _features(repeats: tuple[int, ...]) -> Part:
    """Return blocks of 3x3 convolutions, each halved by max-pooling."""

    def features(x: Any) -> Any:
        for block, (count, filters) in enumerate(zip(repeats, _FILTERS, strict=True), 1):
            for i in range(1, count + 1):
                name = f"block{block}_conv{i}"
                x = layers.Conv2D(filters, 3, padding="same", activation="relu", name=name)(x)
            x = layers.MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
        return x

    return features


def _head(x: Any, classes: int, activation: Any) -> Any:
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
    return layers.Dense(classes, activation=activation, name="predictions")(x)


def vgg(depth: int, repeats: tuple[int, ...]) -> Any:
    """Return the public function of a VGG with so many convolutions per block."""
    network = Network(f"VGG{depth}", _features(repeats), head=_head, names_pooling=False)
    return classifier(
        network,
        f"vgg{depth}",
        f"Return VGG with {depth} layers of weights: 3x3 convolutions, then three Dense layers.\n\n"
        f"    Simonyan & Zisserman, arXiv:1409.1556.",
    )


VGG16 = vgg(16, (2, 2, 3, 3, 3))
preprocess_input = preprocessor("caffe")

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]
