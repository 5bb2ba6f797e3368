"""The operations of a CNN as plain NumPy loops: slow, obvious, and easy to step through.

Nothing here is used by the layers. These are the teaching twins of `fastconv.ops`: the same names,
shapes and conventions, computed the way a textbook or an article writes them down, in float64 and
without sharing any code with the kernels, so that each can be checked against the other::

    import numpy as np
    from fastconv import ops, reference

    x = np.random.rand(2, 8, 8, 3).astype("float32")
    kernel = np.random.rand(3, 3, 3, 4).astype("float32")
    error = ops.conv2d(x, kernel, padding="same") - reference.conv2d(x, kernel, padding="same")
    assert abs(error).max() < 1e-5

Images are (N, H, W, C): batch, height, width, channels. Convolution kernels are
(KH, KW, C // groups, F), as in Keras. Every function takes anything NumPy can read as numbers and
returns float64. The module is not imported by `import fastconv`.
"""

from __future__ import annotations

from .convolution import (
    conv2d,
    conv2d_backward_filter,
    conv2d_backward_input,
    depthwise_conv2d,
)
from .im2col import col2im, im2col
from .pooling import average_pool2d, max_pool2d
from .rows import dense, relu, softmax

__all__ = [
    "average_pool2d",
    "col2im",
    "conv2d",
    "conv2d_backward_filter",
    "conv2d_backward_input",
    "dense",
    "depthwise_conv2d",
    "im2col",
    "max_pool2d",
    "relu",
    "softmax",
]
