"""The run-time choice of the instruction set: best table that the CPU supports, or FASTCONV_ISA."""

import os
import time

cdef extern from "registry.h" nogil:
    const fc_ukernels* const* fc_built(int* count)
    unsigned fc_cpu_features()
    long fc_l2_bytes()

cdef const fc_ukernels* _active = NULL


cdef const fc_ukernels* active_table() noexcept nogil:
    return _active


def built() -> list[str]:
    """Return the instruction sets in this build, best first."""
    cdef int count
    cdef const fc_ukernels* const* tables = fc_built(&count)
    return [tables[i].name.decode() for i in range(count)]


def available() -> list[str]:
    """Return the instruction sets that this CPU and its system can run, best first."""
    cdef int count
    cdef const fc_ukernels* const* tables = fc_built(&count)
    cdef unsigned features = fc_cpu_features()
    return [
        tables[i].name.decode() for i in range(count) if tables[i].needs & ~features == 0
    ]


def active() -> str:
    """Return the instruction set in use."""
    return _active.name.decode()


def use(name: str) -> None:
    """Use the instruction set `name` from the next call on, in the whole process.

    Raises
    ------
    ValueError
        The CPU lacks it, or the build does.
    """
    _use(name, "isa.use: name")


cdef _use(name, where):
    global _active
    cdef int count
    cdef const fc_ukernels* const* tables = fc_built(&count)
    choices = available()
    if name not in choices:
        raise ValueError(f"{where} must be one of {choices} on this CPU, got {name!r}.")
    for i in range(count):
        if tables[i].name.decode() == name:
            _active = tables[i]


def vector_length() -> int:
    """Return the floats in one vector of the active instruction set."""
    return _active.vl


def tile_shape() -> tuple[int, int]:
    """Return rows and columns of the register tile of the active instruction set."""
    return _active.tile_rows, _active.tile_cols


def split_cycles() -> float:
    """Return the cycles of a product of 16 x 32 by 32 x 16 bfloat16 numbers, 0 if it is emulated.

    The instruction set in use may leave them to a further feature of the CPU (AVX512_BF16).
    """
    cdef double cycles
    _active.split_cycles(&cycles)
    return cycles


def l2_bytes() -> int:
    """Return the bytes of a core's second-level cache, 0 if the system does not tell."""
    return fc_l2_bytes()


def fma_peak(seconds: float = 0.2) -> float:
    """Measure the multiply-adds of one thread, in GFLOP/s: the roof that benchmarks divide by.

    Runs a register-only chain of the active instruction set (2 FLOP a lane and step) and takes the
    fastest slice of `seconds`.
    """
    cdef float[2] out
    cdef long steps = 100_000
    best = 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        out[0], out[1] = 0.5, 0.25
        start = time.perf_counter()
        with nogil:
            _active.fma_chain(steps, out)
        best = max(best, 2.0 * 12 * _active.vl * steps / (time.perf_counter() - start))
    return best * 1e-9


_forced = os.environ.get("FASTCONV_ISA")
_use(_forced if _forced else available()[0], "FASTCONV_ISA")
