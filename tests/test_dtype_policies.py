"""Dtype policies: names, configs, and how layers take them."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import DTypePolicy, config, dtype_policies, layers, mixed_precision, ops


@pytest.fixture
def global_policy():
    yield
    dtype_policies.set_dtype_policy("float32")


def test_policies():
    policy = DTypePolicy("mixed_bfloat16")
    assert (policy.compute_dtype, policy.variable_dtype) == ("bfloat16", "float32")
    assert policy == dtype_policies.get("mixed_bfloat16") != DTypePolicy("float32")
    assert DTypePolicy() == DTypePolicy("float32")
    assert repr(policy) == '<DTypePolicy "mixed_bfloat16">'
    assert len({policy, DTypePolicy("mixed_bfloat16")}) == 1
    assert mixed_precision.Policy is DTypePolicy


def test_config_of_a_policy():
    written = dtype_policies.serialize(DTypePolicy("mixed_bfloat16"))
    assert written == {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": {"name": "mixed_bfloat16"},
        "registered_name": None,
    }
    assert dtype_policies.deserialize(written).name == "mixed_bfloat16"


@pytest.mark.parametrize(
    ("identifier", "error", "message"),
    [
        ("float64", ValueError, 'got "float64": kernels compute in float32'),
        ("mixed_float16", ValueError, 'use "mixed_bfloat16"'),
        ("bfloat16", ValueError, "weights are always float32"),
        ("int8", ValueError, 'name must be "float32" or "mixed_bfloat16", got "int8"'),
        (np.float64, ValueError, 'got "float64"'),
        (3, ValueError, "got"),
        ({"class_name": "QuantizedDTypePolicy", "config": {}}, ValueError, "class_name must be"),
        ({"class_name": "DTypePolicy"}, ValueError, "config must be a dictionary"),
        ({"class_name": "DTypePolicy", "config": {"name": 3}}, TypeError, "must be a string"),
    ],
)
def test_bad_policies(identifier, error, message):
    with pytest.raises(error, match=message):
        dtype_policies.get(identifier)


def test_layer_with_a_policy():
    layer = layers.Conv2D(2, 3, dtype="mixed_bfloat16")
    assert layer.dtype_policy == DTypePolicy("mixed_bfloat16")
    assert (layer.dtype, layer.compute_dtype) == ("float32", "bfloat16")
    again = layers.deserialize(layers.serialize(layer))
    assert again.dtype_policy == layer.dtype_policy
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("make", "shape"),
    [
        (lambda **kwargs: layers.Dense(2, **kwargs), (3, 4)),
        (lambda **kwargs: layers.Conv1D(2, 3, **kwargs), (3, 5, 4)),
        (lambda **kwargs: layers.Conv2D(2, 3, activation="softmax", **kwargs), (3, 5, 6, 4)),
        (
            lambda **kwargs: layers.Conv2D(2, 3, data_format="channels_first", **kwargs),
            (3, 2, 5, 6),
        ),
        (lambda **kwargs: layers.Conv3DTranspose(2, 3, **kwargs), (3, 3, 3, 3, 2)),
        (lambda **kwargs: layers.DepthwiseConv2D(3, **kwargs), (3, 5, 6, 4)),
        (lambda **kwargs: layers.SeparableConv2D(2, 3, **kwargs), (3, 5, 6, 4)),
    ],
)
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_products_are_computed_in_the_precision_of_the_policy(make, shape, policy, monkeypatch):
    seen = []

    def watched(op):
        def call(*args, **kwargs):
            seen.append(config.get_float32_matmul_precision())
            return op(*args, **kwargs)

        return call

    for name in ops.__all__:
        if name.startswith(("conv", "depthwise", "dense")):
            monkeypatch.setattr(ops, name, watched(getattr(ops, name)))
    layer = make(dtype=policy)
    layer.build(shape)
    x = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    y, backward = layer.forward(x, training=True)
    assert backward(y).dtype == y.dtype == np.float32
    assert {weight.dtype for weight in layer.weights} == {"float32"}
    assert len(seen) >= 3
    assert set(seen) == {"medium" if policy == "mixed_bfloat16" else "highest"}
    assert config.get_float32_matmul_precision() == "highest"


def test_policy_of_all_new_layers(global_policy):
    config.set_dtype_policy("mixed_bfloat16")
    assert mixed_precision.global_policy() == config.dtype_policy() == DTypePolicy()
    assert layers.Dense(1).compute_dtype == "bfloat16"
    assert layers.Dense(1, dtype="float32").compute_dtype == "float32"
    with pytest.raises(ValueError, match="DTypePolicy: name must be"):
        mixed_precision.set_global_policy("float64")
    assert config.dtype_policy().name == "mixed_bfloat16"


def test_policy_of_keras():
    keras = pytest.importorskip("keras")
    theirs = keras.dtype_policies.DTypePolicy("mixed_bfloat16")
    assert layers.Dense(1, dtype=theirs).dtype_policy.name == "mixed_bfloat16"
