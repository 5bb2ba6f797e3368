"""NumPy in, NumPy out: pure functions on float32 NHWC arrays, forward and gradients side by side."""

from ._placeholder import *  # noqa: F403
from .conv2d import conv2d, conv2d_backward_filter, conv2d_backward_input, explain_conv2d
from .dense import dense, dense_backward_filter, dense_backward_input, matmul
from .im2col import col2im, im2col
