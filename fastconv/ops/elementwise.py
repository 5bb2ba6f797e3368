"""Elementwise ops that are not activations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import elementwise
from . import checks

Float32 = NDArray[np.float32]


def scale_shift(x: Any, scale: float, offset: float = 0.0) -> Float32:
    """Return x * scale + offset for two numbers, float32, shaped like `x`."""
    x = checks.as_float32("scale_shift", "x", x)
    y = np.empty(x.shape, np.float32)
    args = (float(scale), float(offset), 0.0)
    elementwise.forward(elementwise.CODES["scale_shift"], args, x.reshape(-1), y.reshape(-1))
    return y


def dropout(x: Any, rate: float, seed: int) -> tuple[Float32, Float32]:
    """Set elements of x to zero at random and scale the others, so that the mean stays.

    Which ones is a function of the seed and the position of an element alone: it does not depend on
    the machine, the instruction set or the number of threads.

    Parameters
    ----------
    x : float32 array, any shape
    rate : float in [0, 1]
        Probability of a zero, in steps of 2^-24.
    seed : int, 0 <= seed < 2**64
        Another one for each call.

    Returns
    -------
    y : float32 array, shaped like x
        x / (1 - rate) or 0, even where x is not finite.
    mask : float32 array, shaped like x
        1 / (1 - rate) or 0; dx = dy * mask.

    Raises
    ------
    ValueError
        rate or seed is out of range.
    """
    x = checks.as_float32("dropout", "x", x)
    if not 0 <= rate <= 1:
        raise ValueError(f"dropout: rate must be in [0, 1], got {rate}.")
    seed = checks.as_int("dropout", "seed", seed, 0)
    if seed >= 1 << 64:
        raise ValueError(f"dropout: seed must be less than 2**64, got {seed}.")
    y = np.empty(x.shape, np.float32)
    mask = np.empty(x.shape, np.float32)
    elementwise.dropout(x.reshape(-1), y.reshape(-1), mask.reshape(-1), rate, seed)
    return y, mask
