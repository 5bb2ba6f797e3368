"""Process-wide settings: threads, and what `keras.config` offers a CNN user.

The instruction set is chosen once, at import: FASTCONV_ISA, or the best that the CPU has.
"""

from __future__ import annotations

from .backend import (
    batch_normalization_folding,
    epsilon,
    floatx,
    image_data_format,
    set_batch_normalization_folding,
    set_epsilon,
    set_floatx,
    set_image_data_format,
)
from .dtype_policies import dtype_policy, set_dtype_policy
from .kernels import threads as _threads
from .ops import checks as _checks
from .ops.algorithms.autotune import autotune, load_autotune, save_autotune, set_autotune
from .ops.precision import (
    float32_matmul_precision,
    get_float32_matmul_precision,
    set_float32_matmul_precision,
)

__all__ = [
    "autotune",
    "batch_normalization_folding",
    "dtype_policy",
    "epsilon",
    "float32_matmul_precision",
    "floatx",
    "get_float32_matmul_precision",
    "get_num_threads",
    "image_data_format",
    "load_autotune",
    "save_autotune",
    "set_autotune",
    "set_batch_normalization_folding",
    "set_dtype_policy",
    "set_epsilon",
    "set_float32_matmul_precision",
    "set_floatx",
    "set_image_data_format",
    "set_num_threads",
]


def get_num_threads() -> int:
    """Return how many threads kernels may use.

    At the start it is FASTCONV_NUM_THREADS, or else the smallest of the CPUs that this process may
    run on, the CPU quota of its cgroup (rounded down) and OMP_NUM_THREADS.
    """
    return _threads.get_num_threads()


def set_num_threads(count: int) -> None:
    """Let kernels use `count` threads; results do not depend on it, bit for bit.

    Raises
    ------
    ValueError
        `count` is less than 1.
    TypeError
        `count` is not an integer.
    """
    _threads.set_num_threads(_checks.as_int("set_num_threads", "count", count))
