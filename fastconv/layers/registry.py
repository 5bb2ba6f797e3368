"""Layers by class name: the closed table that model files are read with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import serialization
from ..serialization import serialize
from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .batch_normalization import BatchNormalization
from .convolution import Conv1D, Conv2D, DepthwiseConv2D
from .dense import Dense
from .dropout import Dropout
from .input import InputLayer
from .layer import Layer
from .pooling import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .prelu import PReLU
from .preprocessing.color import RandomBrightness, RandomContrast
from .preprocessing.geometry import RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from .preprocessing.normalization import Normalization
from .preprocessing.patches import CutMix, MixUp, RandomErasing
from .preprocessing.size import CenterCrop, RandomCrop, Resizing
from .rescaling import Rescaling
from .reshaping import Flatten, Reshape, ZeroPadding2D

_CLASSES: tuple[type[Layer], ...] = (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    CenterCrop,
    Conv1D,
    Conv2D,
    CutMix,
    Dense,
    DepthwiseConv2D,
    Dropout,
    ELU,
    Flatten,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    InputLayer,
    LeakyReLU,
    MaxPooling2D,
    MixUp,
    Normalization,
    RandomBrightness,
    RandomContrast,
    RandomCrop,
    RandomErasing,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    PReLU,
    ReLU,
    Rescaling,
    Reshape,
    Resizing,
    Softmax,
    ZeroPadding2D,
)

#: Second names of Keras: the very same classes.
ALIASES: dict[str, type[Layer]] = {
    "AvgPool2D": AveragePooling2D,
    "Convolution1D": Conv1D,
    "Convolution2D": Conv2D,
    "GlobalAvgPool2D": GlobalAveragePooling2D,
    "GlobalMaxPool2D": GlobalMaxPooling2D,
    "MaxPool2D": MaxPooling2D,
}

#: Name to class; nothing else can come out of a model file.
TABLE: dict[str, type[Layer]] = {**{cls.__name__: cls for cls in _CLASSES}, **ALIASES}


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
    layer = serialization.deserialize(config, TABLE, "layer", custom_objects)
    assert isinstance(layer, Layer)
    return layer


__all__ = ["ALIASES", "deserialize", "get", "serialize"]
