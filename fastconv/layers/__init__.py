"""Layers: objects that own weights, each with one computation and its gradient.

    Layer
    |- KernelLayer        Dense, Conv1D, Conv2D, DepthwiseConv2D
    |- ActivationLayer    Activation, ReLU, LeakyReLU, Softmax
    `- the others         pooling, reshaping, Dropout, BatchNormalization, Rescaling, InputLayer

Names, arguments, configs and weight order are those of Keras 3.
"""

from .activation import ELU, Activation, LeakyReLU, ReLU, Softmax
from .batch_normalization import BatchNormalization
from .convolution import Conv1D, Conv2D, DepthwiseConv2D
from .dense import Dense
from .dropout import Dropout
from .input import Input, InputLayer, KerasTensor
from .layer import Layer
from .pooling import AveragePooling2D, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D
from .prelu import PReLU
from .preprocessing.color import RandomBrightness, RandomContrast
from .preprocessing.geometry import RandomFlip, RandomRotation, RandomTranslation, RandomZoom
from .preprocessing.normalization import Normalization
from .preprocessing.patches import CutMix, MixUp, RandomErasing
from .preprocessing.size import CenterCrop, RandomCrop, Resizing
from .registry import deserialize, get, serialize
from .rescaling import Rescaling
from .reshaping import Flatten, Reshape, ZeroPadding2D
from .variable import Variable

AvgPool2D = AveragePooling2D
Convolution1D = Conv1D
Convolution2D = Conv2D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalMaxPool2D = GlobalMaxPooling2D
MaxPool2D = MaxPooling2D

__all__ = [
    "ELU",
    "Activation",
    "AveragePooling2D",
    "AvgPool2D",
    "BatchNormalization",
    "CenterCrop",
    "Conv1D",
    "Conv2D",
    "Convolution1D",
    "Convolution2D",
    "CutMix",
    "Dense",
    "DepthwiseConv2D",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "GlobalAvgPool2D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling2D",
    "Input",
    "InputLayer",
    "KerasTensor",
    "Layer",
    "LeakyReLU",
    "MaxPool2D",
    "MaxPooling2D",
    "MixUp",
    "Normalization",
    "PReLU",
    "RandomBrightness",
    "RandomContrast",
    "RandomCrop",
    "RandomErasing",
    "RandomFlip",
    "RandomRotation",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "Rescaling",
    "Reshape",
    "Resizing",
    "Softmax",
    "Variable",
    "ZeroPadding2D",
    "deserialize",
    "get",
    "serialize",
]
