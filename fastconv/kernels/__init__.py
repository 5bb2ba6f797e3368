"""Cython drivers: loops over tiles, packing and threads around the C micro-kernels of csrc/.

    isa        the active table of micro-kernels; available(), active(), use(name)
    threads    the thread count and the one parallel loop; the only file that knows OpenMP
    workspace  scratch memory, reused from call to call
    gemm       the loops around the register tile
    taps       blocks of pixels of a convolution
    the rest   one driver per family; none of them knows an instruction set by name

Arrays come checked from `ops`: C-contiguous, aligned float32.
"""

import os

# libgomp reads this once, when `threads` loads it. Left alone, an idle thread spins for
# milliseconds before it sleeps: where other processes want its CPU it uses up its time slice on
# that, and then the next loop waits for it for a whole slice of theirs. On idle CPUs so few turns
# are enough.
_SPIN = "GOMP_SPINCOUNT"
_ours = _SPIN not in os.environ and "OMP_WAIT_POLICY" not in os.environ
if _ours:
    os.environ[_SPIN] = "4000"
try:
    from . import isa as isa
    from . import threads as threads
except ImportError as error:
    raise ImportError(
        "fastconv: the compiled kernels are not in this folder. Python found the source tree: run "
        "it from another folder, or build in place with `pip install -e .`"
    ) from error
finally:
    if _ours:
        del os.environ[_SPIN]
