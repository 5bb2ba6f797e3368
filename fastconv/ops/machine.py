"""What the machine is, and what it is good for."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from ..kernels import isa, threads, workspace


@lru_cache(maxsize=1)
def cpu_name() -> str:
    """Return what the CPU calls itself."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:
            for line in info:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    import platform  # not needed on Linux

    return platform.processor() or platform.machine()


@lru_cache(maxsize=1)
def fma_peak(seconds: float = 0.05) -> float:
    """Return the GF/s of one thread that does nothing but multiply-adds in registers, measured."""
    return float(isa.fma_peak(seconds))


def l2_bytes() -> int:
    """Return the bytes of a core's second-level cache, 1 MB where the system does not tell.

    At most 2 MB: larger ones serve several cores.
    """
    return min(isa.l2_bytes() or 1 << 20, 2 << 20)


def get_num_threads() -> int:
    """Return how many threads kernels may use."""
    return threads.get_num_threads()


def workspace_bytes(run: Callable[[], None]) -> int:
    """Return the bytes of scratch memory that the calling thread keeps of what `run()` uses."""
    workspace.release()
    run()
    return workspace.held_bytes()
