"""What Keras's layers answer, case by case, small enough to check by hand.

`make_keras_literals.py --check` asks Keras itself; tests/layers/test_keras_semantics.py asks
fastconv. `make(layers)` gets the module of layers, either one's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A layer, its weights, an input, and the output that Keras 3.15 gives."""

    name: str
    make: Callable[[Any], Any]
    x: Any
    expected: Any
    weights: tuple = ()
    training: bool = False


def row(*values):
    """One image of one row and one channel."""
    return np.array(values, np.float32).reshape(1, 1, -1, 1)


def image(*rows):
    """One image of one channel."""
    return np.array(rows, np.float32)[None, :, :, None]


def pixels(*values):
    """One image of one row; each value is the list of its channels."""
    return np.array(values, np.float32)[None, None]


def conv_row(kernel, **options):
    """Conv2D of one filter along a row; `kernel` lists its taps."""
    return {
        "make": lambda layers: layers.Conv2D(1, (1, len(kernel)), use_bias=False, **options),
        "weights": (np.array(kernel, np.float32).reshape(1, -1, 1, 1),),
    }


def pool_row(pool, window, **options):
    return {"make": lambda layers: getattr(layers, pool)((1, window), **options)}


def activation(name):
    return {"make": lambda layers: layers.Activation(name)}


NAN, INF = np.nan, np.inf
SAME = {"padding": "same"}
POINTS = row(-2, -0.5, 0, 0.5, 2)
FIVE = (1, 2, 3, 4, 5)

CONVOLUTION = [
    Case("the kernel is not flipped", x=row(*FIVE), expected=row(321, 432, 543),
         **conv_row([1, 10, 100])),
    Case("same, k=3, s=2, even: pads the right only", x=row(0, 1, 2, 3), expected=row(3, 5),
         **conv_row([1, 1, 1], strides=(1, 2), **SAME)),
    Case("same, k=3, s=2, odd: pads both sides", x=row(0, 1, 2, 3, 4), expected=row(1, 6, 7),
         **conv_row([1, 1, 1], strides=(1, 2), **SAME)),
    Case("same, k=2: pads the right only", x=row(0, 1, 2, 3), expected=row(1, 3, 5, 3),
         **conv_row([1, 1], **SAME)),
    Case("same, k=4: one on the left, two on the right", x=row(0, 1, 2, 3),
         expected=row(3, 6, 6, 5), **conv_row([1, 1, 1, 1], **SAME)),
    Case("same, k=3, d=2", x=row(*FIVE), expected=row(310, 420, 531, 42, 53),
         **conv_row([1, 10, 100], dilation_rate=(1, 2), **SAME)),
    Case("same in upper case", x=row(0, 1, 2, 3), expected=row(1, 3, 5, 3),
         **conv_row([1, 1], padding="SAME")),
    Case("valid drops what does not fit", x=row(*FIVE, 6), expected=row(6, 15),
         **conv_row([1, 1, 1], strides=(1, 3))),
    Case("stride larger than the kernel", x=row(*FIVE), expected=row(3, 9),
         **conv_row([1, 1], strides=(1, 3))),
    Case("groups of channels meet groups of filters",
         lambda layers: layers.Conv2D(4, 1, groups=2, use_bias=False),
         pixels([1, 2, 3, 4]), pixels([21, 42, 4300, 8600]),
         (np.array([[1, 2, 100, 200], [10, 20, 1000, 2000]], np.float32).reshape(1, 1, 2, 4),)),
    Case("activation comes after the bias",
         lambda layers: layers.Conv2D(2, 1, activation="relu"),
         row(1, 2, 3), pixels([0, 0], [1, 0], [2, 0]),
         (np.array([[[[1, -1]]]], np.float32), np.array([-1, 0.5], np.float32))),
    Case("causal Conv1D", lambda layers: layers.Conv1D(1, 3, dilation_rate=2, padding="causal",
                                                       use_bias=False),
         np.array(FIVE, np.float32).reshape(1, 5, 1),
         np.array([1, 2, 4, 6, 9], np.float32).reshape(1, 5, 1),
         (np.ones((3, 1, 1), np.float32),)),
    Case("an empty batch", lambda layers: layers.Conv2D(3, (1, 2), use_bias=False),
         np.zeros((0, 1, 4, 2), np.float32), np.zeros((0, 1, 3, 3), np.float32),
         (np.ones((1, 2, 2, 3), np.float32),)),
    Case("depthwise: filter m of channel c is output c * multiplier + m",
         lambda layers: layers.DepthwiseConv2D(1, depth_multiplier=2, use_bias=False),
         pixels([1, 10], [2, 20]), pixels([1, 2, 30, 40], [2, 4, 60, 80]),
         (np.array([1, 2, 3, 4], np.float32).reshape(1, 1, 2, 2),)),
    Case("depthwise: stride and dilation together",
         lambda layers: layers.DepthwiseConv2D((1, 2), strides=(1, 2), dilation_rate=(1, 2),
                                               use_bias=False),
         image((1, 2, 3, 4, 5, 6, 7), (0, 1, 0, 1, 0, 1, 9))[:, :1], row(31, 53, 75),
         (np.array([1, 10], np.float32).reshape(1, 2, 1, 1),)),
]  # fmt: skip

POOLING = [
    Case("max: padding never wins", x=row(-1, -2, -3, -4, -5), expected=row(-1, -3, -5),
         **pool_row("MaxPooling2D", 2, **SAME)),
    Case("max: valid drops the last column", x=row(-1, -2, -3, -4, -5), expected=row(-1, -3),
         **pool_row("MaxPooling2D", 2)),
    Case("max: same with another stride", x=row(*FIVE), expected=row(2, 4, 5),
         **pool_row("MaxPooling2D", 3, strides=(1, 2), **SAME)),
    Case("max: NaN propagates", x=row(1, NAN, 5, 4), expected=row(NAN, 5),
         **pool_row("MaxPooling2D", 2)),
    Case("average: padding is not counted", x=row(1, 2, 3, 4), expected=row(2, 3.5),
         **pool_row("AveragePooling2D", 3, strides=(1, 2), **SAME)),
    Case("average: padding on both sides is not counted", x=row(*FIVE), expected=row(1.5, 3, 4.5),
         **pool_row("AveragePooling2D", 3, strides=(1, 2), **SAME)),
    Case("average: valid", x=row(*FIVE), expected=row(1.5, 3.5),
         **pool_row("AveragePooling2D", 2)),
    Case("global average", lambda layers: layers.GlobalAveragePooling2D(),
         image((1, 2), (3, 6)), [[3]]),
    Case("global average that keeps the axes",
         lambda layers: layers.GlobalAveragePooling2D(keepdims=True),
         image((1, 2), (3, 6)), [[[[3]]]]),
    Case("global maximum", lambda layers: layers.GlobalMaxPooling2D(),
         pixels([1, -9], [3, -7], [2, -8]), [[3, -7]]),
]  # fmt: skip

STATISTICS = tuple(np.array([v], np.float32) for v in (2, 1, 3, 3.999))  # gamma, beta, mean, var

NORMALIZATION = [
    Case("inference uses the moving statistics", lambda layers: layers.BatchNormalization(),
         row(1, 3, 5), row(-1, 1, 3), STATISTICS),
    Case("training uses those of the batch, with the biased variance",
         lambda layers: layers.BatchNormalization(epsilon=1),
         row(1, 3, 5), row(1 - 4 / np.sqrt(8 / 3 + 1), 1, 1 + 4 / np.sqrt(8 / 3 + 1)),
         STATISTICS, True),
    Case("a layer that is not trainable uses the moving statistics in training",
         lambda layers: layers.BatchNormalization(trainable=False),
         row(1, 3, 5), row(-1, 1, 3), STATISTICS, True),
    Case("without scale and center", lambda layers: layers.BatchNormalization(
        scale=False, center=False), row(1, 3, 5), row(-1, 0, 1), STATISTICS[2:]),
    Case("one sample in training gives beta", lambda layers: layers.BatchNormalization(),
         np.array([[7]], np.float32), [[1]], STATISTICS, True),
]  # fmt: skip

OTHERS = [
    Case("Dense acts on the last axis", lambda layers: layers.Dense(2),
         pixels([1, 2], [3, 4]), pixels([11, 23], [23, 47]),
         (np.array([[2, 4], [4, 8]], np.float32), np.array([1, 3], np.float32))),
    Case("Flatten runs through channels last", lambda layers: layers.Flatten(),
         np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2), [np.arange(8)]),
    Case("Flatten of one axis", lambda layers: layers.Flatten(), np.ones(3, np.float32),
         [[1], [1], [1]]),
    Case("Reshape", lambda layers: layers.Reshape((-1, 2)), row(1, 2, 3, 4), [[[1, 2], [3, 4]]]),
    Case("ZeroPadding2D of two numbers is (height, width)",
         lambda layers: layers.ZeroPadding2D((0, 1)), row(1, 2), row(0, 1, 2, 0)),
    Case("ZeroPadding2D of four numbers",
         lambda layers: layers.ZeroPadding2D(((1, 0), (0, 2))), row(1),
         image((0, 0, 0), (1, 0, 0))),
    Case("Dropout at inference", lambda layers: layers.Dropout(0.9), row(1, 2), row(1, 2)),
    Case("Dropout of everything", lambda layers: layers.Dropout(1.0), row(1, 2), row(0, 0), (),
         True),
    Case("Rescaling", lambda layers: layers.Rescaling(0.5, -1.0), row(1, 2), row(-0.5, 0)),
    Case("LeakyReLU has a slope of 0.3", lambda layers: layers.LeakyReLU(), POINTS,
         row(-0.6, -0.15, 0, 0.5, 2)),
    Case("ReLU with everything", lambda layers: layers.ReLU(
        max_value=1.5, negative_slope=0.1, threshold=0.25), POINTS,
         row(-0.225, -0.075, -0.025, 0.5, 1.5)),
    Case("Softmax over channels", lambda layers: layers.Softmax(),
         pixels([0, np.log(3)], [5, 5]), pixels([0.25, 0.75], [0.5, 0.5])),
    Case("Softmax over another axis", lambda layers: layers.Softmax(axis=2),
         pixels([0, 1], [np.log(3), 1]), pixels([0.25, 0.5], [0.75, 0.5])),
]  # fmt: skip

ACTIVATIONS = [
    Case("relu", x=row(-1, 0, 2, NAN, INF, -INF), expected=row(0, 0, 2, NAN, INF, 0),
         **activation("relu")),
    Case("relu6", x=row(-1, 5, 7), expected=row(0, 5, 6), **activation("relu6")),
    Case("leaky_relu has a slope of 0.2", x=POINTS, expected=row(-0.4, -0.1, 0, 0.5, 2),
         **activation("leaky_relu")),
    Case("elu", x=POINTS, expected=row(-0.86466473, -0.39346933, 0, 0.5, 2), **activation("elu")),
    Case("selu", x=POINTS, expected=row(-1.5201665, -0.69175816, 0, 0.52535051, 2.1014020),
         **activation("selu")),
    Case("sigmoid", x=POINTS, expected=row(0.11920292, 0.37754068, 0.5, 0.62245935, 0.88079709),
         **activation("sigmoid")),
    Case("hard_sigmoid", x=POINTS, expected=row(1 / 6, 2.5 / 6, 0.5, 3.5 / 6, 5 / 6),
         **activation("hard_sigmoid")),
    Case("tanh", x=POINTS, expected=row(-0.96402758, -0.46211717, 0, 0.46211717, 0.96402758),
         **activation("tanh")),
    Case("softplus", x=POINTS, expected=row(0.12692800, 0.47407699, 0.69314718, 0.97407699,
                                            2.1269281), **activation("softplus")),
    Case("softsign", x=POINTS, expected=row(-2 / 3, -1 / 3, 0, 1 / 3, 2 / 3),
         **activation("softsign")),
    Case("exponential", x=POINTS, expected=row(0.13533528, 0.60653067, 1, 1.6487213, 7.3890562),
         **activation("exponential")),
    Case("silu", x=POINTS, expected=row(-0.23840584, -0.18877034, 0, 0.31122968, 1.7615942),
         **activation("silu")),
    Case("swish is silu", x=POINTS, expected=row(-0.23840584, -0.18877034, 0, 0.31122968,
                                                 1.7615942), **activation("swish")),
    Case("gelu is exact", x=row(-2, -0.5, 0, 1, 2),
         expected=row(-0.04550028, -0.15426877, 0, 0.8413447, 1.9544997), **activation("gelu")),
    Case("mish", x=POINTS, expected=row(-0.25250146, -0.22074378, 0, 0.37524524, 1.9439590),
         **activation("mish")),
]  # fmt: skip

CASES = [*CONVOLUTION, *POOLING, *NORMALIZATION, *OTHERS, *ACTIVATIONS]
