"""The cost model's constants, in cycles of one core, and the shapes they are applied to.

Most are fitted by `python -m benchmarks.fit_costs` to what the convolutions of seven networks took
on an AMD EPYC (Zen 4), one thread, AVX-512. Those of transforms and kernels, FAR_*, SHORTEST_RUN,
DOT_CYCLES and those of split floats are set by hand. Only their ratios matter, and only between
algorithms. `python -m benchmarks.plan_regret` tells what wrong choices cost.
"""

from __future__ import annotations

from ...kernels import isa
from .problem import ConvProblem

#: Multiply-adds of floats a cycle, with vectors of 8 lanes as with those of 16, which this CPU
#: works off in halves.
FMA_PER_CYCLE = 27.0
#: Vectors of fewer lanes do fewer.
FULL_RATE_LANES = 8
#: Starting a run of neighbouring taps in the register tile, per row of the tile.
RUN_CYCLES = 0.7
#: Copying one float into a padded or unfolded block and reading it from there.
COPY_CYCLES = 0.44
#: Computing, writing and reading one vector of a plane of transformed tiles that read 4, 5 or 6
#: pixels along an axis.
TRANSFORM_4_CYCLES = 1.7
TRANSFORM_5_CYCLES = 3.5
TRANSFORM_6_CYCLES = 5.0
#: Computing, writing and reading one float of a transformed kernel: in the second-level cache, and
#: beyond it.
KERNEL_CYCLES = 0.2
DEEP_KERNEL_CYCLES = 0.6
NEAR_BYTES = 2**20
#: The same where the planes outgrow the caches: memory gives one core about 10 GB/s.
MEMORY_CYCLES = 2.7
#: How much of a kernel's transform one call pays. Forward it is kept with the weights, see
#: ops.packed; backwards it serves a batch whose size the choice may not look at: taken as 1.
KERNEL_SHARE = {"forward": 0.0, "backward_input": 1.0, "backward_filter": 1.0}
#: Reading one float of a kernel that has grown by its transform: from L3, and from memory where the
#: kernel is larger than that.
GROWN_CYCLES = 0.19
FAR_CYCLES = 1.2
FAR_BYTES = 20 * 2**20
#: Storing a vector of sums of a transformed tile.
STORE_CYCLES = 2.5
#: Bytes of planes that caches hold, other work beside them.
CACHED_BYTES = 8 * 2**20
#: Reading or writing one float of an image, where little is computed with it.
TOUCH_CYCLES = 0.2
#: Writing one bfloat16 part of a float, and reading it from a padded block.
SPLIT_CYCLES = 0.25
#: Adding one float of an unfolded gradient back into dx.
SCATTER_CYCLES = 0.77
#: A run of fewer floats that is unfolded, or added back, costs as much as this many.
SHORTEST_RUN = 8
#: Floats of x or dy in a block of a kernel gradient, see kernels/conv_filter.pyx.
FILTER_FLOATS = 384 * 1024
#: Adding the lanes of an output that is a dot product.
DOT_CYCLES = 5.0
#: Lanes of the vectors that few channels take where vectors are longer, see csrc/gemm/strip_f32.h.
NARROW = 8


def transform_cycles(n: int, vectors: float) -> float:
    """Return the cycles of the transforms of so many vectors of planes, n pixels along an axis."""
    return vectors * {4: TRANSFORM_4_CYCLES, 5: TRANSFORM_5_CYCLES, 6: TRANSFORM_6_CYCLES}[n]


def kernel_transform_cycles(p: ConvProblem, planes: int) -> float:
    """Return the cycles to write the kernel as `planes` transformed planes, and read them."""
    floats = planes * p.C * p.F
    if 4 * floats > CACHED_BYTES:
        return MEMORY_CYCLES * floats
    return (KERNEL_CYCLES if 4 * floats <= NEAR_BYTES else DEEP_KERNEL_CYCLES) * floats


def grown_cycles(p: ConvProblem, planes: int) -> float:
    """Return the cycles to read what a kernel of `planes` transformed planes has grown by."""
    rate = GROWN_CYCLES if 4 * planes * p.C * p.F <= FAR_BYTES else FAR_CYCLES
    return rate * max(planes - p.KH * p.KW, 0) * p.C * p.F


def gradient_cycles(p: ConvProblem, floats: int) -> float:
    """Return the cycles to write dkernel, once for each block of `floats` floats read."""
    size = p.KH * p.KW * p.C // p.groups * p.F
    if 4 * size <= CACHED_BYTES // 4:
        return 0.0
    return MEMORY_CYCLES * size * -(-floats // FILTER_FLOATS)


def fma_per_cycle() -> float:
    """Return the multiply-adds of floats a cycle on the active instruction set."""
    return FMA_PER_CYCLE * min(isa.vector_length() / FULL_RATE_LANES, 1.0)


def product_cycles(p: ConvProblem, channels: int) -> float:
    """Return the cycles of all multiply-adds when `channels` of each group fill the vectors."""
    vl = isa.vector_length()
    lanes = min(NARROW, vl) if channels <= NARROW else -(-channels // vl) * vl
    return p.macs * (lanes / channels) / fma_per_cycle()


def dot_cycles(p: ConvProblem, outputs: int) -> float:
    """Return the same where lanes are summed elements, see kernels/gemm.takes_dots."""
    return p.macs / fma_per_cycle() + DOT_CYCLES * outputs
