"""MobileNet V2: inverted residual blocks, wide inside and narrow outside.

Sandler, Howard, Zhu, Zhmoginov & Chen, "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
arXiv:1801.04381.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from ..models import Model
from .blocks import chain, channel_axis, channels, halving_pad, round_channels
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, Part

#: Table 2 of the paper: expansion, filters, repeats, stride of the first.
_BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def _normalized(x: Any, name: str, relu: str = "") -> Any:
    """Normalize; then cut at 0 and 6, if the name of that layer is given."""
    axis = channel_axis(-1)
    x = layers.BatchNormalization(axis=axis, epsilon=1e-3, momentum=0.999, name=name)(x)
    return layers.ReLU(6.0, name=relu)(x) if relu else x


def _block(x: Any, expansion: int, filters: int, stride: int, prefix: str) -> Any:
    shortcut, narrow = x, channels(x)
    if expansion > 1:
        wide = expansion * narrow
        x = layers.Conv2D(wide, 1, padding="same", use_bias=False, name=f"{prefix}_expand")(x)
        x = _normalized(x, f"{prefix}_expand_BN", f"{prefix}_expand_relu")
    if stride == 2:
        x = halving_pad(x, 3, f"{prefix}_pad")
    x = layers.DepthwiseConv2D(
        3,
        strides=stride,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        name=f"{prefix}_depthwise",
    )(x)
    x = _normalized(x, f"{prefix}_depthwise_BN", f"{prefix}_depthwise_relu")
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}_project")(x)
    x = _normalized(x, f"{prefix}_project_BN")
    if narrow == filters and stride == 1:
        x = layers.Add(name=f"{prefix}_add")([shortcut, x])
    return x


def _features(alpha: float) -> Part:
    def features(x: Any) -> Any:
        filters = round_channels(32 * alpha)
        x = layers.Conv2D(filters, 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
        x = _normalized(x, "bn_Conv1", "Conv1_relu")
        index = 0
        for expansion, filters, repeats, stride in _BLOCKS:
            for i in range(repeats):
                prefix = f"block_{index}" if index else "expanded_conv"
                width = round_channels(int(filters * alpha))
                x = _block(x, expansion, width, 1 if i else stride, prefix)
                index += 1
        filters = round_channels(1280 * alpha) if alpha > 1 else 1280
        x = layers.Conv2D(filters, 1, use_bias=False, name="Conv_1")(x)
        return _normalized(x, "Conv_1_bn", "out_relu")

    return features


def _head(x: Any, classes: int, activation: Any) -> Any:
    dense = layers.Dense(classes, activation=activation, name="predictions")
    return chain(x, layers.GlobalAveragePooling2D(), dense)


def MobileNetV2(
    input_shape: Any = None,
    alpha: float = 1.0,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    """Return MobileNet V2. Sandler et al., arXiv:1801.04381.

    Parameters
    ----------
    alpha : float
        Width: multiplies the filters of all layers.
    include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        As in `ResNet50`.

    Raises
    ------
    ValueError
        `weights` is no file, or an argument has a wrong value.
    """
    network = Network(
        "MobileNetV2",
        _features(alpha),
        head=_head,
        names_pooling=False,
        sized_name=f"mobilenetv2_{alpha:0.2f}",
    )
    return network.build(
        name,
        include_top,
        weights,
        input_tensor,
        input_shape,
        pooling,
        classes,
        classifier_activation,
    )


preprocess_input = preprocessor("tf")

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]
