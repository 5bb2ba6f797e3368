"""One call that makes a training run repeatable."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checks

SEED_LIMIT = 2**32  # numpy.random.seed takes 32 bits


def set_random_seed(seed: Any) -> None:
    """Seed Python's `random` and `numpy.random`.

    Everything random in fastconv (initial weights, shuffling, dropout) starts from these two, so
    equal seeds give equal results, bit for bit, whatever the number of threads.

    Parameters
    ----------
    seed : int
        0 <= seed < 2**32.

    Raises
    ------
    ValueError
        `seed` is not an integer, or out of range.
    """
    try:
        seed = checks.as_int("set_random_seed", "seed", seed, minimum=0)
    except TypeError as error:  # a ValueError in Keras, so also here
        raise ValueError(str(error)) from None
    if seed >= SEED_LIMIT:
        raise ValueError(f"set_random_seed: seed must be less than 2**32, got {seed}.")
    import random

    random.seed(seed)
    np.random.seed(seed)  # the global generator is what `fit` shuffles with
