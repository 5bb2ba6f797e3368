"""MobileNet V3: inverted residual blocks that weigh their channels, found by a search.

Howard et al., "Searching for MobileNetV3", arXiv:1905.02244.
"""

from __future__ import annotations

from typing import Any

from .. import layers
from ..models import Model
from .blocks import chain, channel_axis, channels, halving_pad, round_channels
from .imagenet_utils import decode_predictions, leave_input
from .network import Network, Part

#: Tables 1 and 2 of the paper: expansion, filters, kernel, stride, whether it weighs its channels
#: (squeeze and excite), and whether its activation is hard swish instead of relu.
_LARGE = (
    (1, 16, 3, 1, False, False),
    (4, 24, 3, 2, False, False),
    (3, 24, 3, 1, False, False),
    (3, 40, 5, 2, True, False),
    *[(3, 40, 5, 1, True, False)] * 2,
    (6, 80, 3, 2, False, True),
    (2.5, 80, 3, 1, False, True),
    *[(2.3, 80, 3, 1, False, True)] * 2,
    *[(6, 112, 3, 1, True, True)] * 2,
    (6, 160, 5, 2, True, True),
    *[(6, 160, 5, 1, True, True)] * 2,
)
_SMALL = (
    (1, 16, 3, 2, True, False),
    (72 / 16, 24, 3, 2, False, False),
    (88 / 24, 24, 3, 1, False, False),
    (4, 40, 5, 2, True, True),
    *[(6, 40, 5, 1, True, True)] * 2,
    *[(3, 48, 5, 1, True, True)] * 2,
    (6, 96, 5, 2, True, True),
    *[(6, 96, 5, 1, True, True)] * 2,
)


def _activation(hard: bool) -> layers.Layer:
    return layers.Activation("hard_swish") if hard else layers.ReLU()


def _conv(x: Any, filters: int, name: str, size: int = 1, stride: int = 1) -> Any:
    conv = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False, name=name)
    return _normalized(x, conv)


def _normalized(x: Any, conv: layers.Layer) -> Any:
    axis = channel_axis(-1)
    norm = layers.BatchNormalization(
        axis=axis, epsilon=1e-3, momentum=0.999, name=f"{conv.name}_bn"
    )
    return chain(x, conv, norm)


def _squeeze_excite(x: Any, prefix: str) -> Any:
    """Multiply each channel by a number in [0, 1] that depends on the whole image."""
    wide = channels(x)
    prefix = f"{prefix}_squeeze_excite"
    weights = chain(
        x,
        layers.GlobalAveragePooling2D(keepdims=True, name=f"{prefix}_avg_pool"),
        layers.Conv2D(round_channels(wide * 0.25), 1, padding="same", name=f"{prefix}_conv"),
        layers.ReLU(name=f"{prefix}_relu"),
        layers.Conv2D(wide, 1, padding="same", name=f"{prefix}_conv_1"),
    )
    weights = layers.ReLU(6.0)(weights + 3.0) * (1.0 / 6.0)
    return layers.Multiply(name=f"{prefix}_mul")([x, weights])


def _block(
    x: Any, expansion: float, filters: int, size: int, stride: int, excite: bool, hard: bool, i: int
) -> Any:
    shortcut, narrow = x, channels(x)
    prefix = f"expanded_conv_{i}" if i else "expanded_conv"
    if i:
        x = _conv(x, round_channels(narrow * expansion), f"{prefix}_expand")
        x = _activation(hard)(x)
    if stride == 2:
        x = halving_pad(x, size, f"{prefix}_depthwise_pad")
    depthwise = layers.DepthwiseConv2D(
        size,
        strides=stride,
        padding="valid" if stride == 2 else "same",
        use_bias=False,
        name=f"{prefix}_depthwise",
    )
    x = _activation(hard)(_normalized(x, depthwise))
    if excite:
        x = _squeeze_excite(x, prefix)
    x = _conv(x, filters, f"{prefix}_project")
    if stride == 1 and narrow == filters:
        x = layers.Add(name=f"{prefix}_add")([shortcut, x])
    return x


def _features(
    blocks: tuple[Any, ...], alpha: float, minimalistic: bool, include_preprocessing: bool
) -> Part:
    def features(x: Any) -> Any:
        if include_preprocessing:
            x = layers.Rescaling(1.0 / 127.5, offset=-1.0)(x)
        x = _conv(x, 16, "conv", 3, 2)
        x = _activation(not minimalistic)(x)
        for i, (expansion, filters, size, stride, excite, hard) in enumerate(blocks):
            width = round_channels(filters * alpha)
            if minimalistic:
                size, excite, hard = 3, False, False
            x = _block(x, expansion, width, size, stride, excite, hard, i)
        x = _conv(x, round_channels(channels(x) * 6), "conv_1")
        return _activation(not minimalistic)(x)

    return features


def _mobilenet(title: str, blocks: tuple[Any, ...], width: int) -> Any:
    """Return the public function of one of the two networks; `width` is that of its head."""

    def build(
        input_shape: Any = None,
        alpha: float = 1.0,
        minimalistic: bool = False,
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        classes: int = 1000,
        pooling: str | None = None,
        dropout_rate: float = 0.2,
        classifier_activation: Any = "softmax",
        include_preprocessing: bool = True,
        name: str = title,
    ) -> Model:
        def head(x: Any, classes: int, activation: Any) -> Any:
            filters = round_channels(width * alpha) if alpha > 1 else width
            return chain(
                x,
                layers.GlobalAveragePooling2D(keepdims=True),
                layers.Conv2D(filters, 1, padding="same", name="conv_2"),
                _activation(not minimalistic),
                *([layers.Dropout(dropout_rate)] if dropout_rate > 0 else []),
                layers.Conv2D(classes, 1, padding="same", name="logits"),
                layers.Flatten(),
                layers.Activation(activation, name="predictions"),
            )

        features = _features(blocks, alpha, minimalistic, include_preprocessing)
        return Network(title, features, head=head, any_size=True).build(
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
    build.__doc__ = f"Return {title}. Howard et al., arXiv:1905.02244.\n{_ARGUMENTS}"
    return build


_ARGUMENTS = """
    Parameters
    ----------
    alpha : float
        Width: multiplies the filters of all layers.
    minimalistic : bool
        Leave out what is slow on some processors: 5x5 kernels, hard swish, squeeze and excite.
    dropout_rate : float
        Rate of dropout before the classifier.
    include_preprocessing : bool
        Whether the first layer scales pixels in [0, 255] to [-1, 1]; if not, feed it such pixels.
    include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name
        As in `ResNet50`.

    Raises
    ------
    ValueError
        `weights` is no file, or an argument has a wrong value.
    """

MobileNetV3Large = _mobilenet("MobileNetV3Large", _LARGE, 1280)
MobileNetV3Small = _mobilenet("MobileNetV3Small", _SMALL, 1024)
preprocess_input = leave_input

__all__ = ["MobileNetV3Large", "MobileNetV3Small", "decode_predictions", "preprocess_input"]
