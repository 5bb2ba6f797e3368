"""EfficientNet: one network, scaled in width, depth and image size together.

Tan & Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
arXiv:1905.11946.
"""

from __future__ import annotations

import math
from typing import Any

from .. import initializers, layers
from .blocks import chain, channel_axis, channels, halving_pad, round_channels
from .imagenet_utils import decode_predictions, leave_input
from .network import Network, Part, classifier

#: Table 1 of the paper: kernel, repeats, filters, expansion, stride of the first.
_STAGES = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)
#: Width, depth, image size, dropout rate of B0 ... B7.
_SCALES = (
    (1.0, 1.0, 224, 0.2),
    (1.0, 1.1, 240, 0.2),
    (1.1, 1.2, 260, 0.3),
    (1.2, 1.4, 300, 0.3),
    (1.4, 1.8, 380, 0.4),
    (1.6, 2.2, 456, 0.4),
    (1.8, 2.6, 528, 0.5),
    (2.0, 3.1, 600, 0.5),
)
#: How often the last block is left out while training; earlier ones less.
DROP_LAST = 0.2


def initializer() -> Any:
    return initializers.VarianceScaling(2.0, mode="fan_out", distribution="truncated_normal")


def _norm(name: str) -> layers.Layer:
    return layers.BatchNormalization(axis=channel_axis(), name=name)


def swish(name: str) -> layers.Layer:
    return layers.Activation("swish", name=name)


def conv(filters: int, name: str, size: int = 1, **arguments: Any) -> layers.Layer:
    return layers.Conv2D(filters, size, kernel_initializer=initializer(), name=name, **arguments)


def squeeze_excite(x: Any, narrow: int, name: str) -> Any:
    """Multiply each channel by a number in [0, 1] that depends on the whole image."""
    wide = channels(x)
    pixel = (1, 1, wide) if channel_axis() == 3 else (wide, 1, 1)
    weights = chain(
        x,
        layers.GlobalAveragePooling2D(name=f"{name}_se_squeeze"),
        layers.Reshape(pixel, name=f"{name}_se_reshape"),
        conv(narrow, f"{name}_se_reduce", padding="same", activation="swish"),
        conv(wide, f"{name}_se_expand", padding="same", activation="sigmoid"),
    )
    return layers.Multiply(name=f"{name}_se_excite")([x, weights])


def _block(
    x: Any, size: int, filters: int, expansion: int, stride: int, drop: float, name: str
) -> Any:
    shortcut, narrow = x, channels(x)
    if expansion > 1:
        x = chain(
            x,
            conv(narrow * expansion, f"{name}_expand_conv", padding="same", use_bias=False),
            _norm(f"{name}_expand_bn"),
            swish(f"{name}_expand_activation"),
        )
    if stride == 2:
        x = halving_pad(x, size, f"{name}_dwconv_pad")
    depthwise = layers.DepthwiseConv2D(
        size,
        strides=stride,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        depthwise_initializer=initializer(),
        name=f"{name}_dwconv",
    )
    x = chain(x, depthwise, _norm(f"{name}_bn"), swish(f"{name}_activation"))
    x = squeeze_excite(x, max(1, narrow // 4), name)
    project = conv(filters, f"{name}_project_conv", padding="same", use_bias=False)
    x = chain(x, project, _norm(f"{name}_project_bn"))
    if stride == 1 and narrow == filters:
        if drop > 0:
            x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _features(width: float, depth: float) -> Part:
    repeats = [math.ceil(depth * stage[1]) for stage in _STAGES]

    def features(x: Any) -> Any:
        x = layers.Rescaling(1.0 / 255.0)(x)
        x = layers.Normalization(axis=channel_axis())(x)
        x = halving_pad(x, 3, "stem_conv_pad")
        stem = conv(round_channels(32 * width), "stem_conv", 3, strides=2, use_bias=False)
        x = chain(x, stem, _norm("stem_bn"), swish("stem_activation"))
        done = 0
        for stage, (size, _, filters, expansion, stride) in enumerate(_STAGES):
            for i in range(repeats[stage]):
                name = f"block{stage + 1}{chr(ord('a') + i)}"
                filters_out = round_channels(filters * width)
                drop = DROP_LAST * done / sum(repeats)
                x = _block(x, size, filters_out, expansion, 1 if i else stride, drop, name)
                done += 1
        top = conv(round_channels(1280 * width), "top_conv", padding="same", use_bias=False)
        return chain(x, top, _norm("top_bn"), swish("top_activation"))

    return features


def dropout_head(rate: float, **options: Any) -> Any:
    """Return a head of average, dropout and one Dense layer."""

    def head(x: Any, classes: int, activation: Any) -> Any:
        uniform = initializers.VarianceScaling(1.0 / 3.0, mode="fan_out", distribution="uniform")
        return chain(
            x,
            layers.GlobalAveragePooling2D(name="avg_pool"),
            layers.Dropout(rate, name="top_dropout"),
            layers.Dense(
                classes,
                activation=activation,
                kernel_initializer=uniform,
                name="predictions",
                **options,
            ),
        )

    return head


def _efficientnet(index: int) -> Any:
    width, depth, size, dropout = _SCALES[index]
    return classifier(
        Network(
            f"EfficientNetB{index}",
            _features(width, depth),
            size=size,
            head=dropout_head(dropout),
            weights_alone=False,
        ),
        f"efficientnetb{index}",
        f"Return EfficientNet B{index}, which scales pixels in [0, 255] itself.\n\n"
        f"    Tan & Le, arXiv:1905.11946. Keras's model with ImageNet weights has one more\n"
        f"    Rescaling: load it as a whole, with `models.load_model`.",
    )


(
    EfficientNetB0,
    EfficientNetB1,
    EfficientNetB2,
    EfficientNetB3,
    EfficientNetB4,
    EfficientNetB5,
    EfficientNetB6,
    EfficientNetB7,
) = (_efficientnet(index) for index in range(len(_SCALES)))
preprocess_input = leave_input

__all__ = [
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetB5",
    "EfficientNetB6",
    "EfficientNetB7",
    "decode_predictions",
    "preprocess_input",
]
