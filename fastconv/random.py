"""Seeds for everything that draws random numbers.

Numbers are made by counting: the n-th seed depends on the first one and n only, so a run can be
repeated, and resumed, on any machine and with any number of threads.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from . import naming
from .ops import checks
from .serialization import Configurable

_MASK = (1 << 64) - 1
#: One for all generators, which can be copied and pickled like this.
_lock = threading.Lock()


def default_seed() -> int:
    """Return a seed drawn from Python's `random`, which `utils.set_random_seed` seeds."""
    import random  # slow to load, and not needed by those who give seeds

    return random.randint(1, 10**9)


def splitmix64(seed: int, index: int) -> int:
    """Return the number at `index` of the 64-bit stream `seed`.

    Steele, Lea & Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
    """
    z = (seed + (index + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def global_state() -> dict[str, Any]:
    """Return the state of Python's `random` and of `numpy.random`, as arrays and numbers.

    `fit` shuffles with the latter; new layers draw their seeds from the former.
    """
    import random

    version, words, gauss = random.getstate()
    name, key, position, has_gauss, cached = np.random.get_state()
    return {
        "python": np.array(words, np.uint32),
        "python_gauss": gauss,
        "python_version": version,
        "numpy": np.asarray(key, np.uint32),
        "numpy_name": name,
        "numpy_position": [int(position), int(has_gauss), float(cached)],
    }


def set_global_state(state: Mapping[str, Any]) -> None:
    """Put back what `global_state` returned.

    Raises
    ------
    ValueError
        It is not of that form; nothing is changed then.
    """
    import random

    before = random.getstate()
    try:
        words = tuple(int(word) for word in state["python"])
        position, has_gauss, cached = state["numpy_position"]
        random.setstate((state["python_version"], words, state["python_gauss"]))
        key = np.asarray(state["numpy"], np.uint32)
        np.random.set_state((state["numpy_name"], key, int(position), int(has_gauss), cached))
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        random.setstate(before)
        raise ValueError(
            f"set_global_state: this is no state of the random numbers: {error}"
        ) from None


class SeedGenerator(Configurable):
    """A stream of 64-bit seeds, one for each call that needs random numbers.

    Parameters
    ----------
    seed : int, optional
        Selects the stream; None draws one from Python's `random`.
    name : str, optional

    Attributes
    ----------
    state : (int, int)
        Seed in use and number of seeds taken so far; may be set to resume a stream.
    """

    config_keys = ("seed", "name")

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        self.name = name or naming.auto_name(type(self).__name__)
        self.seed = None if seed is None else checks.as_int(self.name, "seed", seed, 0)
        self.state = (default_seed() if self.seed is None else self.seed, 0)

    def next(self) -> int:
        """Return the next seed, 0 <= seed < 2**64; safe to call from several threads."""
        with _lock:
            seed, count = self.state
            self.state = (seed, count + 1)
        return splitmix64(seed, count)


def as_seed(where: str, seed: Any) -> int | SeedGenerator | None:
    """Return `seed` checked: None, an int >= 0, or a SeedGenerator (or the config of one)."""
    if seed is None or isinstance(seed, SeedGenerator):
        return seed
    if isinstance(seed, Mapping):
        return SeedGenerator.from_config(seed["config"])
    return checks.as_int(where, "seed", seed, 0)
