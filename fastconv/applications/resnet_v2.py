"""ResNet whose blocks normalize before they convolve.

He, Zhang, Ren & Sun, "Identity Mappings in Deep Residual Networks", arXiv:1603.05027.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, Part, classifier
from .resnet import FILTERS, REPEATS, normalized, stem


def _block(x: Any, filters: int, stride: int, first: bool, name: str) -> Any:
    shortcut = x
    x = normalized(x, f"{name}_preact_bn", f"{name}_preact_relu")
    if first:
        shortcut = layers.Conv2D(4 * filters, 1, strides=stride, name=f"{name}_0_conv")(x)
    elif stride > 1:
        shortcut = layers.MaxPooling2D(1, strides=stride)(shortcut)
    x = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(x)
    x = normalized(x, f"{name}_1_bn", f"{name}_1_relu")
    x = layers.ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = layers.Conv2D(filters, 3, strides=stride, use_bias=False, name=f"{name}_2_conv")(x)
    x = normalized(x, f"{name}_2_bn", f"{name}_2_relu")
    x = layers.Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return layers.Add(name=f"{name}_out")([shortcut, x])


def _features(repeats: tuple[int, ...]) -> Part:
    def features(x: Any) -> Any:
        x = stem(x, normalize=False)
        for stack, (filters, count) in enumerate(zip(FILTERS, repeats, strict=True), 2):
            for i in range(1, count + 1):
                # The last block of a stack, not the first of the next, halves the image.
                stride = 2 if stack < 5 and i == count else 1
                x = _block(x, filters, stride, i == 1, f"conv{stack}_block{i}")
        return normalized(x, "post_bn", "post_relu")

    return features


def _resnet(depth: int) -> Any:
    return classifier(
        Network(f"ResNet{depth}V2", _features(REPEATS[depth])),
        f"resnet{depth}v2",
        f"Return ResNet V2 with {depth} layers of weights.\n\n    He et al., arXiv:1603.05027.",
    )


ResNet50V2, ResNet101V2, ResNet152V2 = (_resnet(depth) for depth in REPEATS)
preprocess_input = preprocessor("tf")

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]
