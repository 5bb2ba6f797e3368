"""What the machine is good for."""

from __future__ import annotations

from functools import lru_cache

from ..kernels import isa, threads


@lru_cache(maxsize=1)
def fma_peak(seconds: float = 0.05) -> float:
    """Return the GF/s of one thread that does nothing but multiply-adds in registers, measured."""
    return float(isa.fma_peak(seconds))


def get_num_threads() -> int:
    """Return how many threads kernels may use."""
    return threads.get_num_threads()
