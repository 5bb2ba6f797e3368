"""What every layer must do, checked by one function: `check_layer(cls, kwargs, input_shape)`."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from fastconv import layers

Shape = tuple[int, ...]


def make_input(shape: Shape, seed: int = 0) -> np.ndarray:
    """Return numbers that are all at least 0.5 / size apart and from zero, in random order.

    So a small step in one of them rarely changes which is largest, or a sign.
    """
    size = int(np.prod(shape))
    values = (np.arange(size) + 0.5 - size / 2 + (size % 2) / 2) / max(size, 1) * 4
    return np.random.default_rng(seed).permutation(values).reshape(shape).astype(np.float32)


def built(cls: type, kwargs: dict[str, Any], input_shape: Shape, seed: int = 1) -> layers.Layer:
    """Return a built layer whose weights are all random, none of them zero or one."""
    layer = cls(**kwargs)
    layer.build((None, *input_shape[1:]))
    rng = np.random.default_rng(seed)
    for variable in layer.weights:
        variable.assign(rng.uniform(0.3, 1.0, variable.shape) * rng.choice([-1, 1], variable.shape))
        if variable.name.endswith("variance"):
            variable.assign(np.abs(variable.value))
    return layer


def check_layer(cls: type, kwargs: dict[str, Any], input_shape: Shape) -> layers.Layer:
    """Check shapes, gradients, config, weights, re-entrancy and empty batches of a layer."""
    layer = built(cls, kwargs, input_shape)
    x = make_input(input_shape)

    def fresh() -> layers.Layer:
        """Return the layer as it was at first, seeds and moving statistics included."""
        other = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
        other.build((None, *input_shape[1:]))
        other.set_weights(layer.get_weights())
        return other

    check_shapes(layer, fresh(), x)
    check_config(cls, layer, fresh(), x)
    check_weights(layer)
    check_gradients(fresh, x)
    check_reentrancy(fresh, x)
    check_frozen(fresh(), x)
    check_empty_batch(fresh(), x)
    return layer


def check_shapes(layer: layers.Layer, trained: layers.Layer, x: np.ndarray) -> None:
    x_before = x.copy()
    promised = layer.compute_output_shape(x.shape)
    assert layer.compute_output_shape((None, *x.shape[1:])) == (None, *promised[1:])
    y, nothing = layer.forward(x)
    assert nothing is None
    assert y.shape == promised
    assert y.dtype == np.float32
    assert y.flags.c_contiguous
    y, backward = trained.forward(x, training=True)
    assert y.shape == promised and y.dtype == np.float32 and y.flags.c_contiguous
    dx = backward(np.ones_like(y))
    assert dx.shape == x.shape and dx.dtype == np.float32 and dx.flags.c_contiguous
    np.testing.assert_array_equal(x, x_before, err_msg="the input was written to")
    called = layer(x, training=False)
    np.testing.assert_array_equal(called, layer.forward(x)[0])
    assert not np.may_share_memory(called, x)
    np.testing.assert_array_equal(layer(x.astype(np.float64), training=False), called)
    np.testing.assert_array_equal(layer(x.tolist(), training=False), called)


def check_config(cls: type, layer: layers.Layer, other: layers.Layer, x: np.ndarray) -> None:
    config = layer.get_config()
    assert json.loads(json.dumps(other.get_config())) == json.loads(json.dumps(config))
    assert type(other) is cls and other.name == layer.name
    again = cls.from_config(config)
    assert again.get_config() == config
    answer = layer(x, training=False)
    np.testing.assert_array_equal(other(x, training=False), answer)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(layer))(x, training=False), answer)


def check_weights(layer: layers.Layer) -> None:
    values = layer.get_weights()
    assert [v.shape for v in values] == [v.shape for v in layer.weights]
    assert layer.count_params() == sum(v.size for v in values)
    versions = [v.version for v in layer.weights]
    layer.set_weights([v + 1 for v in values])
    for variable, value, version in zip(layer.weights, values, versions, strict=True):
        np.testing.assert_array_equal(variable.numpy(), value + 1)
        assert variable.version > version
        assert variable.path == f"{layer.name}/{variable.name}"
    layer.set_weights(values)


def check_gradients(fresh: Any, x: np.ndarray, entries: int = 8) -> None:
    """Compare with central differences of sum(y * r), for a few entries of x and each weight.

    float32 rounds the differences to about 1e-7 * sum|y| / step, hence the large steps. An entry
    where two steps, or the two sides, disagree sits at a kink and is left out; most must not be.
    """
    rng = np.random.default_rng(5)
    layer = fresh()
    y, backward = layer.forward(x, training=True)
    r = rng.uniform(-1, 1, y.shape).astype(np.float32)
    dx = backward(r.copy())
    shown = [("input", x, dx)]
    shown += [(v.name, v.value, v.grad) for v in layer.trainable_weights]

    def loss(name: str, changed: np.ndarray) -> float:
        other = fresh()
        if name != "input":
            next(v for v in other.weights if v.name == name).assign(changed)
        z, _ = other.forward(changed if name == "input" else x, training=True)
        return float(np.vdot(z.astype(np.float64), r.astype(np.float64)))

    at_rest = loss("input", x)
    for name, value, gradient in shown:
        assert gradient is not None, f"no gradient for {name}"
        assert gradient.shape == value.shape and gradient.dtype == np.float32
        scale = max(float(np.abs(gradient).max()), 1e-3)
        compared = 0
        picks = rng.choice(value.size, min(entries, value.size), replace=False)
        for flat in picks:
            index = np.unravel_index(flat, value.shape)
            estimates = []
            for step in (1e-2, 5e-3):
                up, down = value.copy(), value.copy()
                up[index] += np.float32(step)
                down[index] -= np.float32(step)
                above, below = loss(name, up), loss(name, down)
                estimates.append((above - below) / (float(up[index]) - float(down[index])))
            lopsided = (above + below - 2 * at_rest) / step
            if max(abs(estimates[0] - estimates[1]), 0.1 * abs(lopsided)) > 4e-3 * scale:
                continue
            compared += 1
            assert abs(estimates[1] - gradient[index]) < 6e-3 * scale, (
                f"{layer.where}: gradient of {name}{list(map(int, index))} is {gradient[index]}, "
                f"central differences give {estimates[1]}"
            )
        assert 2 * compared >= len(picks), f"{name}: too many kinks to compare"

    other = fresh()
    _, backward = other.forward(x, training=True)
    assert backward(r.copy(), need_dx=False) is None
    for ours, theirs in zip(layer.weights, other.weights, strict=True):
        if ours.grad is not None:
            np.testing.assert_array_equal(ours.grad, theirs.grad)


def check_reentrancy(fresh: Any, x: np.ndarray) -> None:
    """Two forward passes, then their backward passes in reverse order: as one after the other."""
    inputs = [x, make_input(x.shape, seed=9)]

    def gradients(order: list[int], interleaved: bool) -> list[np.ndarray]:
        layer, found = fresh(), {}
        if interleaved:
            passes = [layer.forward(z, training=True) for z in inputs]
            for i in order:
                found[i] = passes[i][1](passes[i][0].copy())
        else:
            for i, z in enumerate(inputs):
                y, backward = layer.forward(z, training=True)
                found[i] = backward(y.copy())
        return [found[0], found[1]]

    plain = gradients([0, 1], interleaved=False)
    mixed = gradients([1, 0], interleaved=True)
    for a, b in zip(plain, mixed, strict=True):
        np.testing.assert_array_equal(a, b)

    layer = fresh()
    alone = [layer.forward(z)[0] for z in inputs]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda i: layer.forward(inputs[i % 2])[0], range(16)))
    for i, y in enumerate(together):
        np.testing.assert_array_equal(y, alone[i % 2])


def check_frozen(layer: layers.Layer, x: np.ndarray) -> None:
    before = layer.get_weights()
    layer.trainable = False
    assert layer.trainable_weights == []
    assert layer.non_trainable_weights == layer.weights
    y, backward = layer.forward(x, training=True)
    assert backward(np.ones_like(y)).shape == x.shape
    for variable, value in zip(layer.weights, before, strict=True):
        assert variable.grad is None
        np.testing.assert_array_equal(variable.value, value)


def check_empty_batch(layer: layers.Layer, x: np.ndarray) -> None:
    empty = x[:0]
    before = layer.get_weights()
    expected = layer.compute_output_shape(empty.shape)
    assert layer(empty).shape == expected
    y, backward = layer.forward(empty, training=True)
    assert y.shape == expected
    assert backward(y.copy()).shape == empty.shape
    for variable, value in zip(layer.weights, before, strict=True):
        np.testing.assert_array_equal(variable.value, value)
        if variable.grad is not None:
            assert not variable.grad.any()
