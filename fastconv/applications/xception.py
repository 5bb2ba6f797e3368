"""Xception: separable convolutions with residual connections.

Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", arXiv:1610.02357.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from .blocks import chain, channel_axis
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, classifier

#: Number of a block that halves the image: filters of its two convolutions.
_HALVING = {2: (128, 128), 3: (256, 256), 4: (728, 728), 13: (728, 1024)}


def _norm(name: str | None = None) -> layers.Layer:
    return layers.BatchNormalization(axis=channel_axis(-1), name=name)


def _relu(name: str) -> layers.Layer:
    return layers.Activation("relu", name=name)


def _conv(x: Any, filters: int, name: str, **geometry: Any) -> Any:
    conv = layers.Conv2D(filters, 3, use_bias=False, name=name, **geometry)
    return chain(x, conv, _norm(f"{name}_bn"), _relu(f"{name}_act"))


def _separable(x: Any, filters: int, name: str) -> Any:
    conv = layers.SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)
    return chain(x, conv, _norm(f"{name}_bn"))


def _halving_block(x: Any, block: int, filters: tuple[int, int]) -> Any:
    shortcut = layers.Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = _norm()(shortcut)
    for i, count in enumerate(filters, 1):
        name = f"block{block}_sepconv{i}"
        if (block, i) != (2, 1):  # the input of block 2 is the output of a relu
            x = _relu(f"{name}_act")(x)
        x = _separable(x, count, name)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name=f"block{block}_pool")(x)
    return layers.Add()([x, shortcut])


def _middle_block(x: Any, block: int) -> Any:
    shortcut = x
    for i in range(1, 4):
        name = f"block{block}_sepconv{i}"
        x = _separable(_relu(f"{name}_act")(x), 728, name)
    return layers.Add()([x, shortcut])


def _features(x: Any) -> Any:
    x = _conv(x, 32, "block1_conv1", strides=2)
    x = _conv(x, 64, "block1_conv2")
    for block in range(2, 14):
        if block in _HALVING:
            x = _halving_block(x, block, _HALVING[block])
        else:
            x = _middle_block(x, block)
    for i, filters in enumerate((1536, 2048), 1):
        name = f"block14_sepconv{i}"
        x = _relu(f"{name}_act")(_separable(x, filters, name))
    return x


Xception = classifier(
    Network("Xception", _features, size=299, smallest=71, names_pooling=False),
    "xception",
    "Return Xception.\n\n    Chollet, arXiv:1610.02357.",
)
preprocess_input = preprocessor("tf")

__all__ = ["Xception", "decode_predictions", "preprocess_input"]
