"""DenseNet: each block of a stage sees the output of all blocks before it.

Huang, Liu, van der Maaten & Weinberger, "Densely Connected Convolutional Networks",
arXiv:1608.06993.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from .blocks import channel_axis, channels
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, Part, classifier
from .resnet import normalized

#: Depth: blocks in each of the four stages.
_REPEATS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
#: Channels that a block adds.
_GROWTH = 32


def _conv(x: Any, filters: int, kernel_size: int, name: str, **geometry: Any) -> Any:
    return layers.Conv2D(filters, kernel_size, use_bias=False, name=name, **geometry)(x)


def _block(x: Any, name: str) -> Any:
    new = normalized(x, f"{name}_0_bn", f"{name}_0_relu")
    new = _conv(new, 4 * _GROWTH, 1, f"{name}_1_conv")
    new = normalized(new, f"{name}_1_bn", f"{name}_1_relu")
    new = _conv(new, _GROWTH, 3, f"{name}_2_conv", padding="same")
    return layers.Concatenate(axis=channel_axis(), name=f"{name}_concat")([x, new])


def _transition(x: Any, name: str) -> Any:
    """Halve the channels and the image."""
    x = normalized(x, f"{name}_bn", f"{name}_relu")
    x = _conv(x, channels(x) // 2, 1, f"{name}_conv")
    return layers.AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def _features(repeats: tuple[int, ...]) -> Part:
    def features(x: Any) -> Any:
        x = layers.ZeroPadding2D(3)(x)
        x = _conv(x, 64, 7, "conv1_conv", strides=2)
        x = normalized(x, "conv1_bn", "conv1_relu")
        x = layers.ZeroPadding2D(1)(x)
        x = layers.MaxPooling2D(3, strides=2, name="pool1")(x)
        for stage, count in enumerate(repeats, 2):
            for i in range(1, count + 1):
                x = _block(x, f"conv{stage}_block{i}")
            if stage < 5:
                x = _transition(x, f"pool{stage}")
        return normalized(x, "bn", "relu")

    return features


def _densenet(depth: int) -> Any:
    return classifier(
        Network(f"DenseNet{depth}", _features(_REPEATS[depth])),
        f"densenet{depth}",
        f"Return DenseNet with {depth} layers of weights.\n\n    Huang et al., arXiv:1608.06993.",
    )


DenseNet121, DenseNet169, DenseNet201 = (_densenet(depth) for depth in _REPEATS)
preprocess_input = preprocessor("torch")

__all__ = ["DenseNet121", "DenseNet169", "DenseNet201", "decode_predictions", "preprocess_input"]
