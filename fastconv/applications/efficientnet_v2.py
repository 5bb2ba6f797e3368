"""EfficientNet V2: like EfficientNet, with whole 3x3 convolutions in its first stages.

Tan & Le, "EfficientNetV2: Smaller Models and Faster Training", arXiv:2104.00298.
"""

from __future__ import annotations

import math
from typing import Any

from .. import initializers, layers
from ..models import Model
from .blocks import chain, channel_axis, channels, round_channels
from .efficientnet import DROP_LAST, conv, dropout_head, initializer, squeeze_excite, swish
from .imagenet_utils import decode_predictions, leave_input
from .network import Network, Part

#: (repeats, filters, expansion, stride of the first, whether its blocks are fused) of each stage.
_Stages = tuple[tuple[int, int, int, int, bool], ...]
_B: _Stages = (
    (1, 16, 1, 1, True),
    (2, 32, 4, 2, True),
    (2, 48, 4, 2, True),
    (3, 96, 4, 2, False),
    (5, 112, 6, 1, False),
    (8, 192, 6, 2, False),
)
#: Table 4 of the paper.
_S: _Stages = (
    (2, 24, 1, 1, True),
    (4, 48, 4, 2, True),
    (4, 64, 4, 2, True),
    (6, 128, 4, 2, False),
    (9, 160, 6, 1, False),
    (15, 256, 6, 2, False),
)
_M: _Stages = (
    (3, 24, 1, 1, True),
    (5, 48, 4, 2, True),
    (5, 80, 4, 2, True),
    (7, 160, 4, 2, False),
    (14, 176, 6, 1, False),
    (18, 304, 6, 2, False),
    (5, 512, 6, 1, False),
)
_L: _Stages = (
    (4, 32, 1, 1, True),
    (7, 64, 4, 2, True),
    (7, 96, 4, 2, True),
    (10, 192, 4, 2, False),
    (19, 224, 6, 1, False),
    (25, 384, 6, 2, False),
    (7, 640, 6, 1, False),
)


def _norm(name: str) -> layers.Layer:
    return layers.BatchNormalization(axis=channel_axis(), momentum=0.9, name=name)


def _block(
    x: Any, filters: int, expansion: int, stride: int, fused: bool, drop: float, name: str
) -> Any:
    shortcut, narrow = x, channels(x)
    spatial: dict[str, Any] = {"strides": stride, "padding": "same", "use_bias": False}
    plain: dict[str, Any] = {"padding": "same", "use_bias": False}
    if expansion > 1:
        size, geometry = (3, spatial) if fused else (1, plain)
        x = chain(
            x,
            conv(narrow * expansion, f"{name}_expand_conv", size, **geometry),
            _norm(f"{name}_expand_bn"),
            swish(f"{name}_expand_activation"),
        )
    if not fused:
        depthwise = layers.DepthwiseConv2D(
            3, depthwise_initializer=initializer(), name=f"{name}_dwconv2", **spatial
        )
        x = chain(x, depthwise, _norm(f"{name}_bn"), swish(f"{name}_activation"))
        x = squeeze_excite(x, max(1, narrow // 4), name)
    whole = fused and expansion == 1  # the only convolution of the block
    size, geometry = (3, spatial) if whole else (1, plain)
    project = conv(filters, f"{name}_project_conv", size, **geometry)
    x = chain(x, project, _norm(f"{name}_project_bn"))
    if whole:
        x = swish(f"{name}_project_activation")(x)
    if stride == 1 and narrow == filters:
        if drop > 0:
            x = layers.Dropout(drop, noise_shape=(None, 1, 1, 1), name=f"{name}_drop")(x)
        x = layers.Add(name=f"{name}_add")([x, shortcut])
    return x


def _features(
    stages: _Stages, width: float, depth: float, standardize: bool, include_preprocessing: bool
) -> Part:
    def features(x: Any) -> Any:
        if include_preprocessing and standardize and channels(x) == 3:
            mean, deviation = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
            x = layers.Rescaling(1.0 / 255.0)(x)
            x = layers.Normalization(
                mean=list(mean), variance=[s**2 for s in deviation], axis=channel_axis()
            )(x)
        elif include_preprocessing:
            x = layers.Rescaling(1.0 / 128.0, offset=-1.0)(x)
        narrow = round_channels(stages[0][1] * (2 if standardize else 1) * width, at_least=0)
        stem = conv(narrow, "stem_conv", 3, strides=2, padding="same", use_bias=False)
        x = chain(x, stem, _norm("stem_bn"), swish("stem_activation"))
        repeats = [math.ceil(depth * stage[0]) for stage in stages]
        done = 0
        for stage, (_, filters, expansion, stride, fused) in enumerate(stages):
            filters = round_channels(filters * width, at_least=0)
            for i in range(repeats[stage]):
                name = f"block{stage + 1}{chr(ord('a') + i)}"
                drop = DROP_LAST * done / sum(repeats)
                x = _block(x, filters, expansion, 1 if i else stride, fused, drop, name)
                done += 1
        top = conv(
            round_channels(1280 * width, at_least=0), "top_conv", padding="same", use_bias=False
        )
        return chain(x, top, _norm("top_bn"), swish("top_activation"))

    return features


def _efficientnet(
    kind: str, stages: _Stages, size: int, width: float = 1.0, depth: float = 1.0
) -> Any:
    title = f"EfficientNetV2{kind}"

    def build(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str = f"efficientnetv2-{kind.lower()}",
    ) -> Model:
        standardize = kind.startswith("B")
        network = Network(
            title,
            _features(stages, width, depth, standardize, include_preprocessing),
            size=size,
            head=dropout_head(0.2, bias_initializer=initializers.Constant(0.0)),
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

    build.__name__ = build.__qualname__ = title
    build.__doc__ = f"Return {title}. Tan & Le, arXiv:2104.00298.\n{_ARGUMENTS}"
    return build


_ARGUMENTS = """
    Parameters
    ----------
    include_preprocessing : bool
        Whether the first layers scale pixels in [0, 255]; if not, feed it scaled ones.
    include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        As in `ResNet50`.

    Raises
    ------
    ValueError
        `weights` is no file, or an argument has a wrong value.
    """

EfficientNetV2B0 = _efficientnet("B0", _B, 224)
EfficientNetV2B1 = _efficientnet("B1", _B, 240, 1.0, 1.1)
EfficientNetV2B2 = _efficientnet("B2", _B, 260, 1.1, 1.2)
EfficientNetV2B3 = _efficientnet("B3", _B, 300, 1.2, 1.4)
EfficientNetV2S = _efficientnet("S", _S, 384)
EfficientNetV2M = _efficientnet("M", _M, 480)
EfficientNetV2L = _efficientnet("L", _L, 480)
preprocess_input = leave_input

__all__ = [
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2L",
    "EfficientNetV2M",
    "EfficientNetV2S",
    "decode_predictions",
    "preprocess_input",
]
