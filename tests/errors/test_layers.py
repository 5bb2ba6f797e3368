"""Bad arguments and inputs of layers: each is refused, and told in words that help."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import layers, models, optimizers, regularizers
from fastconv.layers import (
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Cropping2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    Flatten,
    GroupNormalization,
    Input,
    MaxPooling2D,
    Permute,
    RandomFlip,
    RandomRotation,
    RepeatVector,
    Reshape,
    Resizing,
    Subtract,
    UpSampling2D,
    ZeroPadding2D,
)
from fastconv.models import Model, Sequential

IMAGE = np.zeros((1, 8, 8, 3), np.float32)


def built(layer, shape):
    layer.build(shape)
    return layer


#: What is done; the words that the message must hold, whatever their case.
CONSTRUCTORS = {
    "1 filters zero": (lambda: Conv2D(0, 3), "Conv2D filters at least 1 got 0"),
    "1 filters negative": (lambda: Conv2D(-4, 3), "Conv2D filters at least 1 got -4"),
    "2 filters a float": (lambda: Conv2D(4.0, 3), "Conv2D filters integer 4.0"),
    "2 filters a float, 3D": (lambda: Conv3D(4.5, 3), "Conv3D filters integer 4.5"),
    "3 filters a string": (lambda: Conv2D("4", 3), "Conv2D filters integer '4'"),
    "3 filters None": (lambda: Conv2D(None, 3), "Conv2D filters integer None"),
    "4 kernel zero": (lambda: Conv2D(1, 0), "Conv2D kernel_size 0"),
    "4 kernel negative": (lambda: Conv2D(1, -3), "Conv2D kernel_size -3"),
    "4 kernel a float": (lambda: Conv2D(1, 3.0), "Conv2D kernel_size integer 3.0"),
    "4 kernel of three": (lambda: Conv2D(1, (3, 3, 3)), "Conv2D kernel_size 2 (3, 3, 3)"),
    "4 kernel of two, 1D": (lambda: Conv1D(1, (3, 3)), "Conv1D kernel_size (3, 3)"),
    "4 kernel with a zero": (lambda: Conv2D(1, (3, 0)), "Conv2D kernel_size at least 1 got 0"),
    "4 kernel of a depthwise": (lambda: DepthwiseConv2D(0), "DepthwiseConv2D kernel_size 0"),
    "4 kernel of a transposed": (lambda: Conv2DTranspose(1, 0), "Conv2DTranspose kernel_size 0"),
    "6 padding a number": (lambda: Conv2D(1, 3, padding=1), "Conv2D padding valid same 1"),
    "7 padding a tuple": (lambda: Conv2D(1, 3, padding=(1, 1)), "Conv2D padding valid same"),
    "8 padding causal in 2D": (
        lambda: Conv2D(1, 3, padding="causal"),
        "Conv2D padding valid same causal",
    ),
    "8 padding full": (lambda: Conv2D(1, 3, padding="full"), "Conv2D padding valid same full"),
    "8 padding of Conv1D": (lambda: Conv1D(1, 3, padding="full"), "Conv1D padding causal full"),
    "9 pool padding": (lambda: MaxPooling2D(2, padding="foo"), "MaxPooling2D padding valid foo"),
    "9 average padding": (lambda: AveragePooling2D(2, padding=1), "AveragePooling2D padding 1"),
    "10 pool strides zero": (lambda: MaxPooling2D(2, strides=0), "MaxPooling2D strides 0"),
    "10 pool size zero": (lambda: MaxPooling2D(0), "MaxPooling2D pool_size 0"),
    "10 pool size a float": (lambda: MaxPooling2D(2.5), "MaxPooling2D pool_size 2.5"),
    "10 strides zero": (lambda: Conv2D(1, 3, strides=0), "Conv2D strides 0"),
    "11 pool size missing": (lambda: AveragePooling2D(), "pool_size"),
    "13 groups and filters": (lambda: Conv2D(4, 3, groups=3), "Conv2D groups 3 4"),
    "13 groups zero": (lambda: Conv2D(4, 3, groups=0), "Conv2D groups 0"),
    "13 groups and channels": (
        lambda: built(Conv2D(4, 3, groups=2), (None, 8, 8, 3)),
        "groups 2 3",
    ),
    "14 unknown argument": (lambda: Conv2D(1, 3, foo=1), "Unrecognized Conv2D foo"),
    "14 misspelt argument": (lambda: Conv2D(1, 3, stride=2), "Conv2D stride did you mean strides"),
    "14 misspelt argument of Dense": (
        lambda: Dense(1, activaton="relu"),
        "did you mean activation",
    ),
    "15 activation": (lambda: Dense(1, activation="relux"), "activation relux did you mean relu"),
    "15 initializer": (
        lambda: Dense(1, kernel_initializer="he_normall"),
        "initializer he_normall did you mean he_normal",
    ),
    "15 regularizer": (lambda: regularizers.get("l22"), "regularizer l22 did you mean l2"),
    "15 constraint": (lambda: Dense(1, kernel_constraint="maxnorm"), "constraint maxnorm max_norm"),
    "16 slash in a name": (lambda: Dense(1, name="a/b"), "name a/b"),
    "16 name a number": (lambda: Dense(1, name=3), "name 3"),
    "17 rate above one": (lambda: Dropout(1.5), "Dropout rate 1.5"),
    "17 rate negative": (lambda: Dropout(-0.1), "Dropout rate -0.1"),
    "17 rate a string": (lambda: Dropout("0.5"), "Dropout rate"),
    "18 rate in percent": (lambda: Dropout(50), "Dropout rate 50 0.5"),
    "19 units a float": (lambda: Dense(3.5), "Dense units integer 3.5"),
    "19 units zero": (lambda: Dense(0), "Dense units at least 1 got 0"),
    "19 units a list": (lambda: Dense([3]), "Dense units integer"),
    "20 data_format": (lambda: Conv2D(1, 3, data_format="nhwc"), "data_format nhwc channels_last"),
    "20 data_format NCHW": (lambda: MaxPooling2D(data_format="NCHW"), "data_format channels_first"),
    "21 shape of Input": (lambda: Input(8), "Input shape (8,)"),
    "21 negative shape": (lambda: Input((-8,)), "Input shape -8"),
    "21 shape of strings": (lambda: Input(("a",)), "Input shape a"),
    "23 negative rate": (lambda: optimizers.Adam(-0.1), "Adam learning_rate -0.1"),
    "23 rate not a number": (lambda: optimizers.Adam(float("nan")), "Adam learning_rate nan"),
    "23 rate a string": (lambda: optimizers.SGD("0.1"), "SGD learning_rate"),
    "24 unknown option": (lambda: optimizers.Adam(beta1=0.9), "Adam beta1 did you mean beta_1"),
    "26 momentum above one": (lambda: optimizers.SGD(momentum=1.5), "SGD momentum 1.5"),
    "26 momentum negative": (lambda: optimizers.SGD(momentum=-1), "SGD momentum -1"),
    "48 channels unknown": (
        lambda: built(Conv2D(1, 3), (None, 8, 8, None)),
        "last axis known None",
    ),
    "70d Resizing to nothing": (lambda: Resizing(0, 4), "Resizing height 0"),
    "70d Resizing of strings": (lambda: Resizing("4", 4), "Resizing height '4'"),
    "70d interpolation": (
        lambda: Resizing(4, 4, interpolation="cubic"),
        "Resizing interpolation cubic bicubic",
    ),
    "A.4 padding negative": (lambda: ZeroPadding2D(-1), "ZeroPadding2D padding -1"),
    "A.4 padding of three": (lambda: ZeroPadding2D((1, 2, 3)), "ZeroPadding2D padding pair got 3"),
    "A.4 cropping negative": (lambda: Cropping2D(-1), "Cropping2D cropping -1"),
    "A.4 size zero": (lambda: UpSampling2D(0), "UpSampling2D size 0"),
    "A.4 repeat zero": (lambda: RepeatVector(0), "RepeatVector n 0"),
    "A.4 dims": (lambda: Permute((1, 3)), "Permute dims (1, 3)"),
    "A.4 two unknown sizes": (lambda: Reshape((-1, -1)), "Reshape target_shape -1"),
    "A.6 momentum": (lambda: BatchNormalization(momentum=2), "BatchNormalization momentum 2"),
    "A.6 groups": (lambda: GroupNormalization(0), "GroupNormalization groups 0"),
    "A.9 mode": (lambda: RandomFlip("horizontl"), "RandomFlip mode horizontl horizontal"),
    "A.9 fill_mode": (lambda: RandomRotation(0.1, fill_mode="mirror"), "fill_mode mirror reflect"),
    "A.9 factor": (lambda: RandomRotation("a"), "RandomRotation factor"),
    "scope, recurrent": (lambda: layers.deserialize({"class_name": "LSTM", "config": {}}), "LSTM"),
    "layer misspelt": (
        lambda: layers.deserialize({"class_name": "Conv2d", "config": {}}),
        "Conv2d did you mean Conv2D",
    ),
    "Embedding of nothing": (lambda: Embedding(0, 3), "Embedding input_dim 0"),
}

#: Inputs and shapes.
SHAPES = {
    "36 kernel too large": (
        lambda: Sequential([Input((3, 3, 1)), Conv2D(1, 5, name="c3")]),
        "c3 5 3 padding same",
    ),
    "36 kernel too large, at a call": (lambda: Conv2D(1, 9)(IMAGE), "Conv2D 9 8 padding"),
    "37 pool too large": (
        lambda: Sequential([Input((3, 3, 1)), MaxPooling2D(5, name="p1")]),
        "p1 5 3 padding",
    ),
    "38 Flatten of unknown sizes": (
        lambda: Sequential([Input((None, None, 3)), Flatten(), Dense(2)]),
        "Dense GlobalAveragePooling2D",
    ),
    "39 shapes of Add": (lambda: Add()([Input((3,), name="u"), Input((4,), name="v")]), "3 4"),
    "39 shapes of Concatenate": (
        lambda: Concatenate()([Input((3, 3, 1)), Input((4, 3, 1))]),
        "Concatenate 3 4",
    ),
    "39 Subtract of three": (lambda: Subtract()([Input((3,))] * 3), "Subtract 2 3"),
    "39 Add of one": (lambda: Add()(Input((3,))), "Add list"),
    "40 not connected": (
        lambda: Model(Input((3,)), Dense(1, name="lost")(Input((3,)))),
        "connected",
    ),
    "41 a symbolic truth": (lambda: bool(Input((3,))), "symbolic"),
    "41 a symbolic array": (lambda: np.asarray(Input((3,))), "symbolic"),
    "43 too large": (
        lambda: Sequential([Input((200000, 200000, 1)), Flatten(), Dense(200000)]),
        "Dense kernel (40000000000, 200000) PB memory",
    ),
    "43 too many units": (
        lambda: Sequential([Input((3,)), Dense(10**12, name="wide")]),
        "wide kernel (3, 1000000000000) 10.91 TB memory",
    ),
    "43 too many filters": (
        lambda: built(Conv2D(2**40, 3, name="wide"), (None, 8, 8, 3)),
        "wide kernel (3, 3, 3, 1099511627776) memory",
    ),
    "43 beyond 64 bits": (
        lambda: built(Dense(2**70, name="wide"), (None, 5)),
        "wide kernel (5, 1180591620717411303424) PB memory",
    ),
    "47 no channels": (lambda: Conv2D(1, 3)(np.zeros((1, 8, 8))), "channel"),
    "47 no batch": (lambda: built(Conv2D(1, 3), (None, 8, 8, 3))(IMAGE[0]), "batch"),
    "48 five axes": (lambda: Conv2D(1, 3)(IMAGE[None]), "Conv2D height width (1, 1, 8, 8, 3)"),
    "49 other channels": (
        lambda: built(Conv2D(1, 3), (None, 8, 8, 3))(np.zeros((1, 8, 8, 4))),
        "last axis 3 (1, 8, 8, 4)",
    ),
    "49 channels first": (
        lambda: built(Conv2D(1, 3), (None, 8, 8, 3))(np.zeros((1, 3, 8, 8))),
        "channels-first transpose",
    ),
    "50 other size": (
        lambda: Sequential([Input((8, 8, 1)), Flatten(), Dense(1)]).predict(np.zeros((2, 9, 9, 1))),
        "8 9",
    ),
    "53 complex": (lambda: Dense(1)(np.zeros((1, 3), complex)), "complex"),
    "54 objects": (lambda: Dense(1)(np.array([[1, "a"]], object)), "object"),
    "54 strings": (lambda: Dense(1)(np.array([["a"]])), "real numbers <U1"),
    "54 ragged": (
        lambda: Dense(1)(np.array([np.zeros(2), np.zeros(3)], object)),
        "object ragged same shape",
    ),
    "54 None": (lambda: Dense(1)(None), "real numbers object"),
    "Dense of other width": (
        lambda: built(Dense(1), (None, 4))(np.zeros((1, 5))),
        "Dense 4 5",
    ),
    "Reshape that does not fit": (lambda: Reshape((5,))(np.zeros((1, 4))), "Reshape 5 4"),
    "Reshape of an odd number": (lambda: Reshape((-1, 3))(np.zeros((1, 4))), "Reshape 4"),
    "Permute of other axes": (lambda: Permute((2, 1))(IMAGE), "Permute 2"),
    "RepeatVector of images": (lambda: RepeatVector(2)(IMAGE), "RepeatVector (batch, features)"),
    "Cropping everything": (lambda: Cropping2D(4)(IMAGE), "Cropping2D 8"),
    "GroupNormalization": (lambda: GroupNormalization(2)(IMAGE), "groups 3 2"),
    "BatchNormalization of no axis": (lambda: BatchNormalization(axis=7)(IMAGE), "axis 7"),
    "Embedding out of range": (lambda: Embedding(3, 2)(np.array([[5]])), "5 Embedding"),
    "99 count of weights": (
        lambda: built(Dense(1), (None, 4)).set_weights([np.zeros((4, 1))]),
        "2 1",
    ),
    "99 shape of a weight": (
        lambda: built(Dense(1), (None, 4)).set_weights([np.zeros((3, 1)), np.zeros(1)]),
        "kernel (4, 1) (3, 1)",
    ),
}

#: Building models.
MODELS = {
    "28 a number": (lambda: Sequential().add(3), "layer int"),
    "28 a class": (lambda: Sequential().add(Conv2D), "Conv2D( parentheses"),
    "28 a function": (lambda: Sequential().add(print), "layer"),
    "29 duplicate names": (
        lambda: Sequential([Dense(1, name="a"), Dense(1, name="a")]),
        "unique name a",
    ),
    "31 pop of nothing": (lambda: Sequential().pop(), "pop empty Sequential"),
    "32 predict of nothing": (
        lambda: Sequential().predict(np.zeros((2, 2)), verbose=0),
        "layers add",
    ),
    "35 count before build": (lambda: Sequential([Dense(1)]).count_params(), "build"),
    "get_layer of no name": (
        lambda: Sequential([Input((2,)), Dense(1, name="abc")]).get_layer("abd"),
        "abd abc",
    ),
    "get_layer without arguments": (lambda: Sequential([Dense(1)]).get_layer(), "name index"),
    "json that is none": (lambda: models.model_from_json("{"), "json"),
}

CASES = {**CONSTRUCTORS, **SHAPES, **MODELS}


@pytest.mark.parametrize("number", CASES)
def test_message(number):
    check(*CASES[number])


def check(call, words):
    with pytest.raises((ValueError, TypeError, IndexError, MemoryError, OSError)) as caught:
        call()
    message = str(caught.value).lower()
    missing = [word for word in words.lower().split() if word not in message]
    assert not missing, f"{missing} not in {caught.value}"
    assert "array(" not in message and len(message) < 1000
