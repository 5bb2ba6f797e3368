"""Cython drivers: loops over tiles, packing and threads around the C micro-kernels of csrc/.

    isa        the active table of micro-kernels; available(), active(), use(name)
    threads    the thread count and the one parallel loop; the only file that knows OpenMP
    workspace  scratch memory, reused from call to call
    the rest   one driver per family; none of them knows an instruction set by name

Arrays come checked from `ops`: C-contiguous, aligned float32.
"""
