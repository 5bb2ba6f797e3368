"""MobileNet: pairs of a depthwise and a 1x1 convolution.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", arXiv:1704.04861.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from ..models import Model
from .blocks import chain, channel_axis
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, Part

#: (filters, stride) of each pair.
_PAIRS = (
    (64, 1),
    *((128, 2), (128, 1)),
    *((256, 2), (256, 1)),
    *((512, 2), *[(512, 1)] * 5),
    *((1024, 2), (1024, 1)),
)


def _normalized(x: Any, conv: layers.Layer) -> Any:
    """Convolve, normalize, and cut at 0 and 6."""
    norm = layers.BatchNormalization(axis=channel_axis(-1), name=f"{conv.name}_bn")
    return chain(x, conv, norm, layers.ReLU(6.0, name=f"{conv.name}_relu"))


def _features(alpha: float, depth_multiplier: int) -> Part:
    def features(x: Any) -> Any:
        same: dict[str, Any] = {"padding": "same", "use_bias": False}
        x = _normalized(x, layers.Conv2D(int(32 * alpha), 3, strides=2, name="conv1", **same))
        for i, (filters, stride) in enumerate(_PAIRS, 1):
            padding = "same"
            if stride == 2:
                x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{i}")(x)
                padding = "valid"
            depthwise = layers.DepthwiseConv2D(
                3,
                strides=stride,
                padding=padding,
                depth_multiplier=depth_multiplier,
                use_bias=False,
                name=f"conv_dw_{i}",
            )
            x = _normalized(x, depthwise)
            x = _normalized(x, layers.Conv2D(int(filters * alpha), 1, name=f"conv_pw_{i}", **same))
        return x

    return features


def MobileNet(
    input_shape: Any = None,
    alpha: float = 1.0,
    depth_multiplier: int = 1,
    dropout: float = 1e-3,
    include_top: bool = True,
    weights: Any = "imagenet",
    input_tensor: Any = None,
    pooling: str | None = None,
    classes: int = 1000,
    classifier_activation: Any = "softmax",
    name: str | None = None,
) -> Model:
    """Return MobileNet. Howard et al., arXiv:1704.04861.

    Parameters
    ----------
    alpha : float
        Width: multiplies the filters of all layers.
    depth_multiplier : int
        Filters of a depthwise convolution per input channel.
    dropout : float
        Rate of dropout before the classifier.
    include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        As in `ResNet50`.

    Raises
    ------
    ValueError
        `weights` is no file, or an argument has a wrong value.
    """

    def head(x: Any, classes: int, activation: Any) -> Any:
        return chain(
            x,
            layers.GlobalAveragePooling2D(keepdims=True),
            layers.Dropout(dropout),
            layers.Conv2D(classes, 1, padding="same", name="conv_preds"),
            layers.Reshape((classes,), name="reshape_2"),
            layers.Activation(activation, name="predictions"),
        )

    network = Network(
        "MobileNet",
        _features(alpha, depth_multiplier),
        head=head,
        names_pooling=False,
        sized_name=f"mobilenet_{alpha:0.2f}",
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

__all__ = ["MobileNet", "decode_predictions", "preprocess_input"]
