"""NumPy in, NumPy out: pure functions on float32 NHWC arrays, forward and gradients side by side.

Results are new arrays; only optimiser steps write into their arguments. Bits are the same for any
number of threads.
"""

from .. import lazy

# These have the names of modules, which would hide them if they were loaded later.
from .activation import activation as activation
from .conv1d import conv1d as conv1d
from .conv2d import conv2d as conv2d
from .conv3d import conv3d as conv3d
from .dense import dense as dense
from .depthwise_conv2d import depthwise_conv2d as depthwise_conv2d
from .im2col import im2col as im2col
from .softmax import softmax as softmax

__getattr__, __dir__, __all__ = lazy.names(__name__, __file__)
