"""The cost model's constants, in cycles of one core, and the shapes they are applied to.

Most are fitted by `python -m benchmarks.fit_costs` to what the convolutions of seven networks took
on an AMD EPYC (Zen 4), one thread, AVX-512. Those of transforms and kernels, FAR_*, SHORTEST_RUN,
DOT_CYCLES, those of split floats and AMX_*, which take their place on CPUs with AMX, are set by
hand: the latter for the least regret on an Intel Xeon, so that single ones mean little. Only their
ratios matter, and only between algorithms. `python -m benchmarks.plan_regret` tells what wrong
choices cost.
"""

from __future__ import annotations

from functools import lru_cache

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
AMX_TRANSFORM_4_CYCLES = 2.6
AMX_TRANSFORM_5_CYCLES = 5.6
AMX_TRANSFORM_6_CYCLES = 2.5
#: Computing, writing and reading one float of a transformed kernel: in the second-level cache, and
#: beyond it.
KERNEL_CYCLES = 0.2
DEEP_KERNEL_CYCLES = 0.6
AMX_KERNEL_CYCLES = 1.8
AMX_DEEP_KERNEL_CYCLES = 2.0
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
#: Reading one float of any packed kernel that the second-level cache does not hold, or L3.
AMX_READ_CYCLES = 0.5
AMX_FAR_READ_CYCLES = 0.98
#: Storing a vector of sums of a transformed tile.
STORE_CYCLES = 2.5
AMX_STORE_CYCLES = 3.7
#: The least pixels of a block of Winograd's, each of which reads the kernel.
BLOCK_PIXELS = 512
#: Bytes of planes that caches hold, other work beside them.
CACHED_BYTES = 8 * 2**20
#: Reading or writing one float of an image, where little is computed with it.
TOUCH_CYCLES = 0.2
#: Writing one bfloat16 part of a float, and reading it from a padded block; of a kernel's float.
SPLIT_CYCLES = 0.28
SPLIT_KERNEL_CYCLES = 0.29
#: Storing 16 results of split floats.
SPLIT_STORE_CYCLES = 5.4
#: What a call does before its first product, beyond what direct convolution does.
SPLIT_CALL_CYCLES = 3_800.0
#: How much longer than isa.split_cycles says a product of split floats takes; where strips are
#: short, as in gradients of kernels and Winograd's planes; where pixels of several taps are summed,
#: which lie across cache lines.
LONG_STRIPS = 1.0
SHORT_STRIPS = 1.1
SHIFTED_STRIPS = 1.5
#: Adding one float of an unfolded gradient back into dx.
SCATTER_CYCLES = 0.77
AMX_SCATTER_CYCLES = 1.5
#: A run of fewer floats that is unfolded, or added back, costs as much as this many.
SHORTEST_RUN = 8
#: Floats of x or dy in a block of a kernel gradient, see kernels/conv_filter.pyx.
FILTER_FLOATS = 384 * 1024
#: Adding the lanes of an output that is a dot product.
DOT_CYCLES = 5.0
#: Lanes of the vectors that few channels take where vectors are longer, see csrc/gemm/strip_f32.h.
NARROW = 8


@lru_cache(maxsize=1)
def has_amx() -> bool:
    """Return whether the CPU has AMX, whichever instruction set is in use."""
    return "amx" in isa.available()


def transform_cycles(n: int, vectors: float) -> float:
    """Return the cycles of the transforms of so many vectors of planes, n pixels along an axis."""
    cycles = {4: TRANSFORM_4_CYCLES, 5: TRANSFORM_5_CYCLES, 6: TRANSFORM_6_CYCLES}
    if has_amx():
        cycles = {4: AMX_TRANSFORM_4_CYCLES, 5: AMX_TRANSFORM_5_CYCLES, 6: AMX_TRANSFORM_6_CYCLES}
    return vectors * cycles[n]


def store_cycles(vectors: float) -> float:
    """Return the cycles to store so many vectors of sums of transformed tiles."""
    return vectors * (AMX_STORE_CYCLES if has_amx() else STORE_CYCLES)


def scatter_cycles(floats: float) -> float:
    """Return the cycles to add so many unfolded floats back into dx."""
    return floats * (AMX_SCATTER_CYCLES if has_amx() else SCATTER_CYCLES)


def kernel_transform_cycles(p: ConvProblem, planes: int) -> float:
    """Return the cycles to write the kernel as `planes` transformed planes, and read them."""
    floats = planes * p.C * p.F
    if 4 * floats > CACHED_BYTES:
        return MEMORY_CYCLES * floats
    near, deep = KERNEL_CYCLES, DEEP_KERNEL_CYCLES
    if has_amx():
        near, deep = AMX_KERNEL_CYCLES, AMX_DEEP_KERNEL_CYCLES
    return (near if 4 * floats <= NEAR_BYTES else deep) * floats


def read_cycles(p: ConvProblem, floats: float, blocks: int = 1) -> float:
    """Return the cycles to read a packed kernel, on CPUs with AMX for each of an image's blocks.

    What all algorithms read may be left out.
    """
    if has_amx():
        rate = AMX_READ_CYCLES if 4 * floats <= FAR_BYTES else AMX_FAR_READ_CYCLES
        return rate * floats * blocks if 4 * floats > NEAR_BYTES else 0.0
    rate = GROWN_CYCLES if 4 * floats <= FAR_BYTES else FAR_CYCLES
    return rate * max(floats - p.KH * p.KW * p.C // p.groups * p.F, 0)


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
    # A CPU that does not halve long vectors gains nothing from narrow ones.
    narrow = channels <= NARROW and not has_amx()
    lanes = min(NARROW, vl) if narrow else -(-channels // vl) * vl
    return p.macs * (lanes / channels) / fma_per_cycle()


def dot_cycles(p: ConvProblem, outputs: int) -> float:
    """Return the same where lanes are summed elements, see kernels/gemm.takes_dots."""
    return p.macs / fma_per_cycle() + DOT_CYCLES * outputs
