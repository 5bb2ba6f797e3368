"""Layers with spatial axes against Keras, where it is installed, in random configurations.

Each configuration goes to Keras as fastconv's own config, and comes back as Keras's.
"""

from __future__ import annotations

import json
import os
import warnings
import zlib

import numpy as np
import pytest

from fastconv import layers

os.environ.setdefault("KERAS_BACKEND", "jax")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keras = pytest.importorskip("keras")

pytestmark = pytest.mark.filterwarnings("ignore")

SEEDS = 2


class Draw:
    """Random arguments for a layer with `rank` spatial axes."""

    def __init__(self, name, seed):
        self.rng = np.random.default_rng([zlib.crc32(name.encode()), seed])
        self.rank = int(next(c for c in name if c.isdigit()))
        self.first = bool(self.rng.integers(2))
        self.format = {"data_format": "channels_first" if self.first else "channels_last"}

    def one(self, *choices):
        return choices[self.rng.integers(len(choices))]

    def ints(self, low, high):
        return tuple(int(n) for n in self.rng.integers(low, high + 1, self.rank))

    def pairs(self, high):
        return tuple((int(a), int(b)) for a, b in self.rng.integers(0, high + 1, (self.rank, 2)))

    def window(self):
        strides = self.ints(1, 3)
        dilation = self.ints(1, 2) if max(strides) == 1 else (1,) * self.rank
        padding = self.one("valid", "same")
        return {"kernel_size": self.ints(1, 3), "strides": strides, "dilation_rate": dilation,
                "padding": padding, "activation": self.one(None, "relu", "tanh", "softmax"),
                "use_bias": self.one(True, False), **self.format}  # fmt: skip

    def pool(self):
        strides = self.one(None, self.ints(1, 3))
        return {"pool_size": self.ints(1, 3), "strides": strides,
                "padding": self.one("valid", "same"), **self.format}  # fmt: skip


def conv(d):
    groups = d.one(1, 2, 4)
    return {"filters": groups * d.one(1, 2), "groups": groups, **d.window()}


def conv1d(d):
    arguments = conv(d)
    if d.one(True, False):
        arguments["padding"] = "causal"
    return arguments


def transposed(d):
    arguments = {"filters": d.one(1, 3), **d.window()}
    if d.one(True, False):
        arguments["output_padding"] = tuple(int(d.rng.integers(s)) for s in arguments["strides"])
    return arguments


def bordered(name):
    def draw(d):
        value = d.one(d.one(0, 1, 2), d.ints(0, 2), d.pairs(2)) if d.rank > 1 else d.ints(0, 2) * 2
        return {name: value, **(d.format if (name, d.rank) != ("cropping", 1) else {})}

    return draw


def upsampled(d):
    if d.rank == 1:
        return {"size": d.ints(1, 3)[0]}
    arguments = {"size": d.ints(1, 3), **d.format}
    if d.rank == 2:
        arguments["interpolation"] = d.one("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")
    return arguments


DRAWS = {
    "Conv1D": conv1d,
    **dict.fromkeys(["Conv2D", "Conv3D"], conv),
    **{f"Conv{n}DTranspose": transposed for n in (1, 2, 3)},
    **{
        f"DepthwiseConv{n}D": lambda d: {"depth_multiplier": d.one(1, 2), **d.window()}
        for n in (1, 2)
    },
    **{
        f"SeparableConv{n}D": lambda d: {
            "filters": 3, "depth_multiplier": d.one(1, 2), **d.window()}
        for n in (1, 2)
    },
    **{f"{k}Pooling{n}D": Draw.pool for k in ("Max", "Average") for n in (1, 2, 3)},
    **{
        f"Global{k}Pooling{n}D": lambda d: {"keepdims": d.one(True, False), **d.format}
        for k in ("Max", "Average")
        for n in (1, 2, 3)
    },
    # Keras 3.15 on JAX gives NaN for some output sizes above the input's.
    **{
        f"Adaptive{k}Pooling{n}D": lambda d: {"output_size": d.ints(1, 5), **d.format}
        for k in ("Max", "Average")
        for n in (1, 2, 3)
    },
    **{f"ZeroPadding{n}D": bordered("padding") for n in (1, 2, 3)},
    **{f"Cropping{n}D": bordered("cropping") for n in (1, 2, 3)},
    **{f"UpSampling{n}D": upsampled for n in (1, 2, 3)},
}  # fmt: skip


@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("name", DRAWS)
def test_layer_is_that_of_keras(name, seed):
    d = Draw(name, seed)
    ours = getattr(layers, name)(**DRAWS[name](d))
    spatial = d.ints(5, 9 if d.rank < 3 else 6)
    shape = (2, 4, *spatial) if ours.channels_first else (2, *spatial, 4)
    config = json.loads(json.dumps(layers.serialize(ours)))
    theirs = keras.layers.deserialize(config)
    assert json.loads(json.dumps(theirs.get_config())) == config["config"]
    ours.build(shape)
    theirs.build(shape)
    assert [(w.name, tuple(w.shape)) for w in theirs.weights] == [
        (w.name, w.shape) for w in ours.weights
    ]
    weights = [d.rng.standard_normal(w.shape).astype(np.float32) for w in ours.weights]
    ours.set_weights(weights)
    theirs.set_weights(weights)
    x = d.rng.standard_normal(shape).astype(np.float32)
    expected = keras.ops.convert_to_numpy(theirs(x))
    np.testing.assert_allclose(ours(x), expected, rtol=1e-4, atol=2e-5)
    unknown = (None, *(None if n in spatial else n for n in shape[1:]))
    assert ours.compute_output_shape(shape) == tuple(theirs.compute_output_shape(shape))
    assert ours.compute_output_shape(unknown) == tuple(theirs.compute_output_shape(unknown))


def test_global_average_pooling_of_masked_steps():
    x = np.arange(24, dtype=np.float32).reshape(2, 4, 3)
    mask = np.array([[True, False, True, True], [True, True, False, False]])
    for order in ("channels_last", "channels_first"):
        z = x if order == "channels_last" else np.moveaxis(x, 2, 1)
        for keepdims in (False, True):
            options = {"data_format": order, "keepdims": keepdims}
            expected = keras.layers.GlobalAveragePooling1D(**options)(z, mask=mask)
            layer = layers.GlobalAveragePooling1D(**options)
            y, _ = layer.forward(np.ascontiguousarray(z), mask=mask)
            np.testing.assert_allclose(y, keras.ops.convert_to_numpy(expected), rtol=1e-6)
