"""Kernels that layers keep packed: the same results, and no change of a weight is missed."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import layers, ops
from fastconv.optimizers import SGD

SHAPES = [
    ((2, 9, 8, 5), (3, 3, 5, 37)),
    ((1, 6, 7, 64), (1, 1, 64, 9)),
    ((3, 11, 5, 3), (5, 3, 3, 4)),
]


@pytest.mark.parametrize(("x_shape", "kernel_shape"), SHAPES)
def test_packed_and_plain_kernels_give_the_same_bits(each_isa, rng, x_shape, kernel_shape):
    x = rng.standard_normal(x_shape).astype(np.float32)
    kernel = rng.standard_normal(kernel_shape).astype(np.float32)
    dy = rng.standard_normal((*x_shape[:3], kernel_shape[3])).astype(np.float32)
    packed = ops.PackedKernel(kernel)
    tiled = ["winograd2", "winograd4", "split_winograd3"] if kernel_shape[:2] == (3, 3) else []
    for algorithm in ["auto", "direct", "split", *tiled]:
        for _ in range(2):  # makes the copy, then reads it
            y = ops.conv2d(x, packed, padding="same", algorithm=algorithm)
            dx = ops.conv2d_backward_input(dy, packed, x_shape, padding="same", algorithm=algorithm)
            np.testing.assert_array_equal(
                y, ops.conv2d(x, kernel, padding="same", algorithm=algorithm)
            )
            np.testing.assert_array_equal(
                dx,
                ops.conv2d_backward_input(dy, kernel, x_shape, padding="same", algorithm=algorithm),
            )


def test_a_changed_kernel_is_packed_anew(rng):
    x = rng.standard_normal((1, 8, 8, 16)).astype(np.float32)
    kernel = rng.standard_normal((3, 3, 16, 16)).astype(np.float32)
    packed = ops.PackedKernel(kernel)
    before = ops.conv2d(x, packed)
    kernel *= 2
    packed.changed()
    np.testing.assert_array_equal(ops.conv2d(x, packed), 2 * before)
    assert packed.nbytes > 0


def ways_to_change(layer, rng):
    """Yield the name of each way to give the layer's kernel other values, having gone it."""
    new = rng.standard_normal(layer.kernel.shape).astype(np.float32)
    layer.kernel.assign(new)
    yield "assign"
    layer.set_weights([new + 1, *layer.get_weights()[1:]])
    yield "set_weights"
    layer.kernel.edit()[0, 0] = 7
    yield "edit"
    SGD(0.1).apply([np.ones_like(new)], [layer.kernel])
    yield "optimizer"


@pytest.mark.parametrize("kernel_size", [1, 3, 5])
def test_no_change_of_a_layers_kernel_is_missed(rng, kernel_size):
    layer = layers.Conv2D(24, kernel_size, padding="same")
    x = rng.standard_normal((2, 10, 10, 16)).astype(np.float32)
    layer(x)
    for way in ways_to_change(layer, rng):
        expected = ops.conv2d(x, layer.kernel.numpy(), layer.bias.numpy(), padding="same")
        np.testing.assert_array_equal(layer(x), expected, err_msg=way)
    with pytest.raises(ValueError, match="read-only"):
        layer.kernel.value[...] = 0
