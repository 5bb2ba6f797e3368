"""check_layer on every layer class, in the variants that take another way through the code."""

from __future__ import annotations

import pytest

from fastconv import activations, layers, ops
from fastconv.layers import registry

from .check_layer import check_layer

IMAGES = (3, 7, 6, 4)
SERIES = (3, 9, 4)
VOLUMES = (2, 4, 5, 4, 3)
FIRST = {"data_format": "channels_first"}

CASES = [
    (layers.Activation, {"activation": "tanh"}, (3, 5)),
    (layers.Activation, {"activation": "linear"}, (3, 5)),
    (layers.Activation, {"activation": "softmax"}, (2, 3, 5)),
    (layers.Activation, {"activation": "glu"}, (2, 3, 6)),
    (layers.Activation, {"activation": "sparsemax"}, (2, 3, 6)),
    (layers.Activation, {"activation": layers.LeakyReLU(0.1)}, (3, 5)),
    (layers.AveragePooling2D, {"pool_size": 2}, IMAGES),
    (layers.AveragePooling2D, {"pool_size": (3, 2), "strides": 1, "padding": "same"}, IMAGES),
    (layers.ActivityRegularization, {"l1": 0.1, "l2": 0.2}, IMAGES),
    (layers.AlphaDropout, {"rate": 0.4, "seed": 3}, (6, 5)),
    (layers.AlphaDropout, {"rate": 0.4, "seed": 3, "noise_shape": (None, 1)}, (6, 5)),
    (layers.GaussianDropout, {"rate": 0.4, "seed": 3}, (6, 5)),
    (layers.GaussianNoise, {"stddev": 0.4, "seed": 3}, (6, 5)),
    (layers.GroupNormalization, {"groups": 2}, IMAGES),
    (layers.GroupNormalization, {"groups": -1, "axis": 1, "center": False}, IMAGES),
    (layers.Identity, {}, (4, 5)),
    (layers.LayerNormalization, {}, (4, 5)),
    (layers.LayerNormalization, {"axis": (1, 3), "gamma_regularizer": "l2"}, IMAGES),
    (layers.Masking, {}, SERIES),
    (layers.RMSNormalization, {"axis": [1, -1]}, IMAGES),
    (layers.SpatialDropout1D, {"rate": 0.4, "seed": 3}, SERIES),
    (layers.SpatialDropout2D, {"rate": 0.4, "seed": 3}, IMAGES),
    (layers.SpatialDropout3D, {"rate": 0.4, "seed": 3}, (2, 3, 2, 2, 3)),
    (layers.UnitNormalization, {"axis": 1}, IMAGES),
    (layers.BatchNormalization, {}, IMAGES),
    (layers.BatchNormalization, {"axis": 3, "epsilon": 0.1, "gamma_regularizer": "l2"}, IMAGES),
    (layers.BatchNormalization, {"axis": 1}, IMAGES),
    (layers.BatchNormalization, {"center": False}, (5, 4)),
    (layers.BatchNormalization, {"scale": False}, (5, 4)),
    (layers.Conv1D, {"filters": 3, "kernel_size": 3}, SERIES),
    (layers.Conv1D, {"filters": 3, "kernel_size": 3, "padding": "same", "strides": 2}, SERIES),
    (layers.Conv1D, {"filters": 4, "kernel_size": 2, "groups": 2, "activation": "tanh"}, SERIES),
    (
        layers.Conv1D,
        {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2},
        SERIES,
    ),
    (layers.Conv2D, {"filters": 5, "kernel_size": 3}, IMAGES),
    (layers.Conv2D, {"filters": 2, "kernel_size": (3, 2), "use_bias": False}, IMAGES),
    (layers.Conv2D, {"filters": 3, "kernel_size": 1, "activation": "relu"}, (2, 3, 2, 4)),
    (layers.Conv2D, {"filters": 3, "kernel_size": 2, "activation": "softmax"}, IMAGES),
    (
        layers.Conv2D,
        {"filters": 3, "kernel_size": 3, "activation": layers.LeakyReLU()},
        (2, 4, 4, 3),
    ),
    (layers.Conv2D, {"filters": 3, "kernel_size": 3, "padding": "same", "strides": 2}, IMAGES),
    (layers.Conv2D, {"filters": 6, "kernel_size": 3, "groups": 2, "dilation_rate": 2}, IMAGES),
    (layers.Conv2D, {"filters": 3, "kernel_size": 2, "strides": 2, "dilation_rate": 2}, IMAGES),
    (
        layers.Conv2D,
        {
            "filters": 3,
            "kernel_size": 2,
            "kernel_regularizer": "l2",
            "bias_regularizer": {"class_name": "L1", "config": {"l1": 0.5}},
            "activity_regularizer": "l1",
        },
        IMAGES,
    ),
    (layers.CenterCrop, {"height": 4, "width": 3}, IMAGES),
    (layers.CenterCrop, {"height": 9, "width": 4}, IMAGES),
    (layers.CutMix, {"seed": 3}, IMAGES),
    (layers.Dense, {"units": 3}, (4, 5)),
    (layers.Dense, {"units": 3, "activation": "sigmoid", "use_bias": False}, (4, 5)),
    (layers.Dense, {"units": 3, "activation": "softmax"}, (2, 3, 5)),
    (layers.DepthwiseConv2D, {"kernel_size": 3}, IMAGES),
    (layers.DepthwiseConv2D, {"kernel_size": 2, "depth_multiplier": 3, "strides": 2}, IMAGES),
    (
        layers.DepthwiseConv2D,
        {"kernel_size": 2, "padding": "same", "strides": 2, "dilation_rate": 2, "use_bias": False},
        IMAGES,
    ),
    (layers.DepthwiseConv2D, {"kernel_size": 3, "activation": "tanh"}, IMAGES),
    (layers.Dropout, {"rate": 0.4, "seed": 3}, (6, 5)),
    (layers.Dropout, {"rate": 0}, (6, 5)),
    (layers.Dropout, {"rate": 1, "seed": 3}, (6, 5)),
    (layers.Dropout, {"rate": 0.5, "seed": 3, "noise_shape": (None, 1, 1, 4)}, IMAGES),
    (layers.ELU, {}, (4, 5)),
    (layers.ELU, {"alpha": 0.3}, (4, 5)),
    (layers.ELU, {"alpha": -0.3}, (4, 5)),
    (layers.Flatten, {}, IMAGES),
    (layers.Flatten, {}, (4,)),
    (layers.GlobalAveragePooling2D, {}, IMAGES),
    (layers.GlobalAveragePooling2D, {"keepdims": True}, IMAGES),
    (layers.GlobalMaxPooling2D, {}, IMAGES),
    (layers.GlobalMaxPooling2D, {"keepdims": True}, IMAGES),
    (layers.InputLayer, {"shape": (7, 6, 4)}, IMAGES),
    (layers.LeakyReLU, {}, (4, 5)),
    (layers.LeakyReLU, {"negative_slope": 0}, (4, 5)),
    (layers.MaxPooling2D, {}, IMAGES),
    (layers.MaxPooling2D, {"pool_size": 3, "strides": (2, 1), "padding": "same"}, IMAGES),
    (layers.MixUp, {"alpha": 1, "seed": 3}, IMAGES),
    (layers.Normalization, {}, IMAGES),
    (layers.Normalization, {"axis": (1, -1), "invert": True}, IMAGES),
    (layers.Normalization, {"axis": None}, (4, 5)),
    (layers.Normalization, {"mean": [1, 2, 3, 4], "variance": [1, 4, 2, 9]}, IMAGES),
    (layers.RandomBrightness, {"factor": 0.3, "value_range": (-2, 2), "seed": 3}, IMAGES),
    (layers.RandomContrast, {"factor": 0.9, "value_range": (-2, 2), "seed": 3}, IMAGES),
    (layers.RandomCrop, {"height": 4, "width": 3, "seed": 3}, IMAGES),
    (layers.RandomCrop, {"height": 9, "width": 3, "seed": 3}, IMAGES),
    (layers.RandomErasing, {"value_range": (-2, 2), "seed": 3}, IMAGES),
    (layers.RandomErasing, {"factor": (1, 1), "scale": 0.5, "fill_value": 1, "seed": 3}, IMAGES),
    (layers.RandomFlip, {"seed": 3}, IMAGES),
    (layers.RandomFlip, {"mode": "horizontal", "seed": 4}, IMAGES),
    (layers.RandomRotation, {"factor": 0.3, "seed": 3}, IMAGES),
    (
        layers.RandomRotation,
        {"factor": (0.1, 0.2), "interpolation": "nearest", "fill_mode": "wrap", "seed": 3},
        IMAGES,
    ),
    (
        layers.RandomTranslation,
        {
            "height_factor": 0.5,
            "width_factor": 0.4,
            "fill_mode": "constant",
            "fill_value": 2,
            "seed": 3,
        },
        IMAGES,
    ),
    (layers.RandomZoom, {"height_factor": 0.5, "fill_mode": "nearest", "seed": 3}, IMAGES),
    (layers.RandomZoom, {"height_factor": (0.2, 0.3), "width_factor": 0.1, "seed": 3}, IMAGES),
    (layers.PReLU, {}, (4, 5)),
    (layers.PReLU, {"shared_axes": [1, 2], "alpha_regularizer": "l2"}, IMAGES),
    (layers.PReLU, {"shared_axes": 2}, IMAGES),
    (layers.ReLU, {}, (4, 5)),
    (layers.ReLU, {"max_value": 1, "negative_slope": 0.25, "threshold": 0.5}, (4, 5)),
    (layers.Rescaling, {"scale": 1 / 255, "offset": -1}, (4, 5)),
    (layers.Rescaling, {"scale": [1, 2, 3, 4], "offset": [0, 1, 0, 1]}, IMAGES),
    (layers.Reshape, {"target_shape": (2, -1)}, IMAGES),
    (layers.Reshape, {"target_shape": (6, 7, 4)}, IMAGES),
    (layers.Resizing, {"height": 5, "width": 9}, IMAGES),
    (layers.Resizing, {"height": 3, "width": 3, "interpolation": "nearest"}, IMAGES),
    (layers.Resizing, {"height": 5, "width": 9, "crop_to_aspect_ratio": True}, IMAGES),
    (layers.Resizing, {"height": 5, "width": 9, "pad_to_aspect_ratio": True}, IMAGES),
    (layers.Resizing, {"height": 4, "width": 4, "antialias": True}, IMAGES),
    (layers.Softmax, {}, (4, 5)),
    (layers.Softmax, {"axis": 1}, IMAGES),
    (layers.Softmax, {"axis": (1, -1)}, IMAGES),
    (layers.ZeroPadding2D, {}, IMAGES),
    (layers.ZeroPadding2D, {"padding": ((0, 2), (1, 0))}, IMAGES),
    (layers.AdaptiveAveragePooling1D, {"output_size": 4}, SERIES),
    (layers.AdaptiveAveragePooling2D, {"output_size": (3, 8)}, IMAGES),
    (layers.AdaptiveAveragePooling3D, {"output_size": (2, 3, 1), **FIRST}, VOLUMES),
    (layers.AdaptiveMaxPooling1D, {"output_size": 3}, SERIES),
    (layers.AdaptiveMaxPooling2D, {"output_size": (3, 8)}, IMAGES),
    (layers.AdaptiveMaxPooling3D, {"output_size": (3, 2, 2)}, VOLUMES),
    (layers.AveragePooling1D, {"pool_size": 2, "padding": "same"}, SERIES),
    (layers.AveragePooling3D, {"pool_size": 2, "strides": 1, "padding": "same"}, VOLUMES),
    (layers.Conv1D, {"filters": 3, "kernel_size": 3, "padding": "causal", **FIRST}, SERIES),
    (layers.Conv1DTranspose, {"filters": 3, "kernel_size": 3, "strides": 2}, SERIES),
    (layers.Conv2D, {"filters": 3, "kernel_size": 2, "activation": "relu", **FIRST}, IMAGES),
    (
        layers.Conv2D,
        {"filters": 3, "kernel_size": 2, "activation": "softmax", "use_bias": False, **FIRST},
        IMAGES,
    ),
    (
        layers.Conv2DTranspose,
        {"filters": 3, "kernel_size": (3, 2), "strides": 2, "padding": "same", "activation": "elu"},
        IMAGES,
    ),
    (
        layers.Conv2DTranspose,
        {"filters": 2, "kernel_size": 3, "strides": (2, 3), "output_padding": (1, 2), **FIRST},
        IMAGES,
    ),
    (layers.Conv2DTranspose, {"filters": 3, "kernel_size": 2, "dilation_rate": 2}, IMAGES),
    (layers.Conv3D, {"filters": 3, "kernel_size": 2, "activation": "relu"}, VOLUMES),
    (layers.Conv3D, {"filters": 2, "kernel_size": (3, 1, 2), "padding": "same", **FIRST}, VOLUMES),
    (
        layers.Conv3D,
        {"filters": 6, "kernel_size": (2, 3, 2), "groups": 3, "strides": (1, 2, 1)},
        VOLUMES,
    ),
    (layers.Conv3DTranspose, {"filters": 2, "kernel_size": 2, "strides": 2}, (2, 2, 3, 2, 3)),
    (layers.Cropping1D, {"cropping": (1, 2)}, SERIES),
    (layers.Cropping2D, {"cropping": ((1, 0), (0, 2)), **FIRST}, IMAGES),
    (layers.Cropping3D, {}, VOLUMES),
    (layers.DepthwiseConv1D, {"kernel_size": 3, "strides": 2, "depth_multiplier": 2}, SERIES),
    (layers.DepthwiseConv2D, {"kernel_size": 2, **FIRST}, IMAGES),
    (layers.Flatten, FIRST, IMAGES),
    (layers.GlobalAveragePooling1D, {"keepdims": True}, SERIES),
    (layers.GlobalAveragePooling2D, FIRST, IMAGES),
    (layers.GlobalAveragePooling3D, {}, VOLUMES),
    (layers.GlobalMaxPooling1D, {}, SERIES),
    (layers.GlobalMaxPooling3D, {"keepdims": True, **FIRST}, VOLUMES),
    (layers.MaxPooling1D, {}, SERIES),
    (layers.MaxPooling2D, FIRST, IMAGES),
    (layers.MaxPooling3D, {}, VOLUMES),
    (layers.MaxPooling3D, {"pool_size": (2, 3, 2), "strides": 1, "padding": "same"}, VOLUMES),
    (layers.Permute, {"dims": (3, 1, 2)}, IMAGES),
    (layers.RepeatVector, {"n": 3}, (4, 5)),
    (layers.SeparableConv1D, {"filters": 3, "kernel_size": 3, "activation": "tanh"}, SERIES),
    (
        layers.SeparableConv2D,
        {"filters": 3, "kernel_size": 3, "depth_multiplier": 2, "strides": 2, "padding": "same"},
        IMAGES,
    ),
    (layers.SeparableConv2D, {"filters": 3, "kernel_size": 2, "use_bias": False, **FIRST}, IMAGES),
    (layers.UpSampling1D, {"size": 3}, SERIES),
    (layers.UpSampling2D, {"size": (1, 3), **FIRST}, IMAGES),
    (layers.UpSampling2D, {"interpolation": "bilinear"}, IMAGES),
    (layers.UpSampling2D, {"interpolation": "bicubic", "size": (3, 2)}, IMAGES),
    (layers.UpSampling3D, {}, VOLUMES),
    (layers.ZeroPadding1D, {"padding": (2, 0)}, SERIES),
    (layers.ZeroPadding2D, {"padding": (0, 1), **FIRST}, IMAGES),
    (layers.ZeroPadding3D, {}, VOLUMES),
]


def _label(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize(("cls", "kwargs", "input_shape"), CASES, ids=_label)
def test_layer(cls, kwargs, input_shape):
    check_layer(cls, kwargs, input_shape)


def test_every_layer_is_checked():
    # Steps are not numbers with a slope, and wrappers have weights of other layers: they have
    # tests of their own.
    others = {layers.Embedding, layers.Lambda, layers.SpectralNormalization, layers.TimeDistributed}
    single = {cls for cls in registry.table().values() if not cls.takes_list}  # see test_merging
    assert {cls for cls, _, _ in CASES} == single - others


@pytest.mark.parametrize("name", sorted(set(ops.ACTIVATIONS) - {"glu", "sparsemax"}))
@pytest.mark.parametrize(
    ("cls", "kwargs", "input_shape"),
    [
        (layers.Conv2D, {"filters": 3, "kernel_size": 2}, (2, 4, 4, 2)),
        (layers.Dense, {"units": 4}, (3, 5)),
        (layers.Activation, {}, (3, 5)),
    ],
    ids=_label,
)
def test_layer_with_each_activation(cls, kwargs, input_shape, name):
    layer = check_layer(cls, {**kwargs, "activation": name}, input_shape)
    assert layer.get_config()["activation"] == activations.get(name).registered_name
