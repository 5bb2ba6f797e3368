"""Depthwise convolution where images are divided into blocks of columns, channels and rows."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import ops

from .. import reference

#: x, kernel, strides, padding, dilation. A ring of copied rows holds 4096 floats, blocks hold at
#: most 64 channels and 1024 pixels.
BLOCKED = {
    "columns": ((1, 6, 150, 40), (3, 3, 40, 1), (1, 1), "same", (1, 1)),
    "columns and channels": ((1, 5, 70, 150), (3, 3, 150, 1), (1, 1), "same", (1, 1)),
    "stride 2": ((1, 6, 151, 70), (3, 3, 70, 1), (2, 2), "same", (1, 1)),
    "stride 3 in phases without taps": ((1, 7, 100, 64), (2, 2, 64, 1), (3, 3), "valid", (1, 1)),
    "5x5": ((1, 7, 80, 66), (5, 5, 66, 1), (1, 1), "same", (1, 1)),
    "5x5 stride 2": ((1, 9, 121, 64), (5, 5, 64, 1), (2, 2), ((1, 2), (3, 0)), (1, 1)),
    "7x7": ((1, 8, 60, 64), (7, 7, 64, 1), (1, 1), "same", (1, 1)),
    "dilated": ((1, 9, 90, 64), (3, 3, 64, 1), (1, 1), "same", (2, 3)),
    "dilated and strided": ((1, 12, 120, 64), (3, 3, 64, 1), (2, 2), "same", (3, 3)),
    "filters": ((1, 5, 60, 30), (3, 3, 30, 3), (1, 1), "same", (1, 1)),
    "rows": ((1, 90, 14, 4), (3, 3, 4, 1), (1, 1), "same", (1, 1)),
    "images": ((9, 20, 13, 5), (3, 3, 5, 1), (1, 1), "same", (1, 1)),
}

DIRECTIONS = {
    "forward": lambda module, x, kernel, dy, **geometry: module.depthwise_conv2d(
        x, kernel, **geometry
    ),
    "backward_input": lambda module, x, kernel, dy, **geometry: (
        module.depthwise_conv2d_backward_input(dy, kernel, x.shape, **geometry)
    ),
    "backward_filter": lambda module, x, kernel, dy, **geometry: (
        module.depthwise_conv2d_backward_filter(x, dy, kernel.shape, **geometry)
    ),
}


@pytest.mark.parametrize("name", BLOCKED)
def test_blocks_fit_together(each_isa, name):
    """Integers make every sum exact, so a pixel that is missed, doubled or moved shows."""
    x_shape, kernel_shape, strides, padding, dilation = BLOCKED[name]
    geometry = {"strides": strides, "padding": padding, "dilation": dilation}
    rng = np.random.default_rng(5)

    def draw(*shape):
        return rng.integers(-8, 9, shape).astype(np.float32)

    x, kernel = draw(*x_shape), draw(*kernel_shape)
    size = reference.output_size(x_shape[1:3], kernel_shape[:2], **geometry)
    dy = draw(x_shape[0], *size, kernel_shape[2] * kernel_shape[3])
    for direction, compute in DIRECTIONS.items():
        np.testing.assert_array_equal(
            compute(ops, x, kernel, dy, **geometry),
            compute(reference, x, kernel, dy, **geometry),
            err_msg=direction,
        )
