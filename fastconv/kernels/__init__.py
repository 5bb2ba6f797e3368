"""Cython drivers: loops over tiles, packing and threads around the C micro-kernels of csrc/.

    isa        the active table of micro-kernels; available(), active(), use(name)
    threads    the thread count and the one parallel loop; the only file that knows OpenMP
    workspace  scratch memory, reused from call to call
    gemm       the loops around the register tile
    taps       blocks of pixels of a convolution
    the rest   one driver per family; none of them knows an instruction set by name

Arrays come checked from `ops`: C-contiguous, aligned float32.
"""

try:
    from . import isa as isa
except ImportError as error:
    raise ImportError(
        "fastconv: the compiled kernels are not in this folder. Python found the source tree: run "
        "it from another folder, or build in place with `pip install -e .`"
    ) from error
