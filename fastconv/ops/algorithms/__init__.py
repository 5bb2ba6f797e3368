"""Ways to compute one convolution: each a file, each an entry of CONV2D_ALGORITHMS.

problem    ConvProblem: the sizes
plan       plan_conv2d(problem, direction): the cached choice; explain: why
autotune   times measured in place of predicted costs, when that is asked for
depthwise  one channel a group
winograd   tiles with fewer multiplications; tiling: kernels of any size cut into their parts
split      products of bfloat16 parts of floats, where the CPU has instructions for them
direct     no unfolding: the register tile walks over taps
im2col     unfold blocks, then a matrix product; takes every problem
"""

from .algorithm import ConvAlgorithm
from .plan import CONV2D_ALGORITHMS, explain, find, plan_conv2d
from .problem import DIRECTIONS, ConvProblem

__all__ = [
    "CONV2D_ALGORITHMS",
    "DIRECTIONS",
    "ConvAlgorithm",
    "ConvProblem",
    "explain",
    "find",
    "plan_conv2d",
]
