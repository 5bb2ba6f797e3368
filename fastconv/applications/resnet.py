"""ResNet: blocks that add what three convolutions make to their own input.

He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", arXiv:1512.03385.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from .blocks import chain, channel_axis
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, Part, classifier

#: Depth: blocks in each of the four stacks.
REPEATS = {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
FILTERS = (64, 128, 256, 512)


def normalized(x: Any, name: str, relu: str = "") -> Any:
    """Normalize `x`; then relu, if its name is given."""
    x = layers.BatchNormalization(axis=channel_axis(), epsilon=1.001e-5, name=name)(x)
    return layers.Activation("relu", name=relu)(x) if relu else x


def stem(x: Any, normalize: bool) -> Any:
    """Return the image at a quarter of its size, in 64 channels."""
    x = layers.ZeroPadding2D(3, name="conv1_pad")(x)
    x = layers.Conv2D(64, 7, strides=2, name="conv1_conv")(x)
    if normalize:
        x = normalized(x, "conv1_bn", "conv1_relu")
    return chain(
        x,
        layers.ZeroPadding2D(1, name="pool1_pad"),
        layers.MaxPooling2D(3, strides=2, name="pool1_pool"),
    )


def _block(x: Any, filters: int, stride: int, first: bool, name: str) -> Any:
    shortcut = x
    if first:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
        shortcut = normalized(shortcut, f"{name}_0_bn")
    x = layers.Conv2D(filters, 1, strides=stride, name=f"{name}_1_conv")(x)
    x = normalized(x, f"{name}_1_bn", f"{name}_1_relu")
    x = layers.Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = normalized(x, f"{name}_2_bn", f"{name}_2_relu")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = normalized(x, f"{name}_3_bn")
    x = layers.Add(name=f"{name}_add")([shortcut, x])
    return layers.Activation("relu", name=f"{name}_out")(x)


def _features(repeats: tuple[int, ...]) -> Part:
    def features(x: Any) -> Any:
        x = stem(x, normalize=True)
        for stack, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), 2):
            for i in range(1, count + 1):
                stride = 2 if stack > 2 and i == 1 else 1
                x = _block(x, filters, stride, i == 1, f"conv{stack}_block{i}")
        return x

    return features


def _resnet(depth: int) -> Any:
    return classifier(
        Network(f"ResNet{depth}", _features(REPEATS[depth])),
        f"resnet{depth}",
        f"Return ResNet with {depth} layers of weights.\n\n    He et al., arXiv:1512.03385.",
    )


ResNet50, ResNet101, ResNet152 = (_resnet(depth) for depth in REPEATS)
preprocess_input = preprocessor("caffe")

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]
