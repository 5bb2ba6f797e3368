"""Layers by class name: the closed table that model files are read with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import custom_objects as customs
from .. import serialization
from ..custom_objects import in_safe_mode
from ..serialization import serialize
from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .adaptive_pooling import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from .batch_normalization import BatchNormalization
from .conv_transpose import Conv1DTranspose, Conv2DTranspose, Conv3DTranspose
from .convolution import Conv1D, Conv2D, Conv3D
from .dense import Dense
from .depthwise import DepthwiseConv1D, DepthwiseConv2D
from .dropout import (
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from .embedding import Embedding
from .global_pooling import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from .input import InputLayer
from .lambda_layer import Lambda
from .layer import Layer
from .merging import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract
from .padding import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from .passing import ActivityRegularization, Identity, Masking
from .pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from .prelu import PReLU
from .preprocessing.color import RandomBrightness, RandomContrast
from .preprocessing.geometry import RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from .preprocessing.normalization import Normalization
from .preprocessing.patches import CutMix, MixUp, RandomErasing
from .preprocessing.size import CenterCrop, RandomCrop, Resizing
from .rescaling import Rescaling
from .reshaping import Flatten, Permute, RepeatVector, Reshape
from .sample_normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from .separable import SeparableConv1D, SeparableConv2D
from .upsampling import UpSampling1D, UpSampling2D, UpSampling3D
from .wrapper import SpectralNormalization, TimeDistributed

_CLASSES: tuple[type[Layer], ...] = (
    Activation,
    ActivityRegularization,
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
    AlphaDropout,
    AveragePooling1D,
    Add,
    Average,
    AveragePooling2D,
    AveragePooling3D,
    BatchNormalization,
    CenterCrop,
    Concatenate,
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    Cropping1D,
    Cropping2D,
    Cropping3D,
    CutMix,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Dot,
    Dropout,
    ELU,
    Embedding,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
    GroupNormalization,
    Identity,
    InputLayer,
    Lambda,
    LayerNormalization,
    LeakyReLU,
    Masking,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
    MixUp,
    Normalization,
    PReLU,
    Permute,
    RMSNormalization,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    PReLU,
    Maximum,
    Minimum,
    Multiply,
    ReLU,
    RepeatVector,
    Rescaling,
    Reshape,
    Resizing,
    SeparableConv1D,
    SeparableConv2D,
    Softmax,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    SpectralNormalization,
    TimeDistributed,
    UnitNormalization,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    Subtract,
    ZeroPadding2D,
    ZeroPadding3D,
)

#: Second names of Keras: the very same classes.
ALIASES: dict[str, type[Layer]] = {
    "AvgPool1D": AveragePooling1D,
    "AvgPool2D": AveragePooling2D,
    "AvgPool3D": AveragePooling3D,
    "Convolution1D": Conv1D,
    "Convolution1DTranspose": Conv1DTranspose,
    "Convolution2D": Conv2D,
    "Convolution2DTranspose": Conv2DTranspose,
    "Convolution3D": Conv3D,
    "Convolution3DTranspose": Conv3DTranspose,
    "GlobalAvgPool1D": GlobalAveragePooling1D,
    "GlobalAvgPool2D": GlobalAveragePooling2D,
    "GlobalAvgPool3D": GlobalAveragePooling3D,
    "GlobalMaxPool1D": GlobalMaxPooling1D,
    "GlobalMaxPool2D": GlobalMaxPooling2D,
    "GlobalMaxPool3D": GlobalMaxPooling3D,
    "MaxPool1D": MaxPooling1D,
    "MaxPool2D": MaxPooling2D,
    "MaxPool3D": MaxPooling3D,
    "SeparableConvolution1D": SeparableConv1D,
    "SeparableConvolution2D": SeparableConv2D,
}

#: Layers of Keras for other networks than convolutional ones, on purpose not here.
OUT_OF_SCOPE = frozenset(
    {
        *("RNN", "SimpleRNN", "SimpleRNNCell", "LSTM", "LSTMCell", "GRU", "GRUCell"),
        *("StackedRNNCells", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        *("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"),
    }
)

#: Name to class; nothing else can come out of a model file.
TABLE: dict[str, type[Layer]] = {**{cls.__name__: cls for cls in _CLASSES}, **ALIASES}

#: Models, which can be layers too; `fastconv.models`, a floor above, enters them here.
MODELS: dict[str, type[Layer]] = {}


def out_of_scope(name: str) -> str:
    """Return what to say to those who want a layer of OUT_OF_SCOPE."""
    return (
        f"{name} is out of scope: fastconv has the layers of convolutional networks, no recurrent "
        f"and no attention layers. For sequences, Conv1D and pooling are here."
    )


def get(identifier: Any) -> Layer:
    """Return a layer for an instance or a config.

    Raises
    ------
    ValueError
        The identifier is a class, or does not name a layer.
    """
    if isinstance(identifier, type):
        name = identifier.__name__
        raise ValueError(f"Expected a layer, got the class {name}: use {name}(...).")
    if isinstance(identifier, Layer):
        return identifier
    return deserialize(identifier)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """Return the layer that `serialize` wrote, here or in Keras.

    Parameters
    ----------
    config : dict
    custom_objects : dict of str to class, optional
        The caller's own layer classes.

    Raises
    ------
    ValueError
        The class is unknown, or the config does not fit it.
    """
    if isinstance(config, Mapping) and config.get("class_name") == "Lambda" and in_safe_mode():
        raise ValueError(
            "A Lambda layer runs code of its own, which safe_mode refuses: give the layer a class "
            "and register it with register_keras_serializable(), or pass safe_mode=False, which "
            "finds its function, if that is registered, by name. Code in files is never run."
        )
    name = config.get("class_name") if isinstance(config, Mapping) else config
    if isinstance(name, str) and name in OUT_OF_SCOPE and name not in customs.known(custom_objects):
        raise ValueError(out_of_scope(name))
    layer = serialization.deserialize(config, {**TABLE, **MODELS}, "layer", custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(f"{config['class_name']} is no layer.")
    return layer


__all__ = ["ALIASES", "deserialize", "get", "serialize"]
