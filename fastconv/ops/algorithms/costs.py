"""The cost model's constants, in cycles of one core, and the shapes they are applied to.

Set by hand so that the cheapest agreed with what was fastest among a few problems (ResNet-50's 3x3
layers, the layers of the MNIST tutorial) on an AMD EPYC (Zen 4), one thread, AVX-512; not fitted.
Only their ratios matter, and only between algorithms.
"""

from __future__ import annotations

from ...kernels import isa
from .problem import ConvProblem

#: Vector multiply-adds a cycle.
FMA_PER_CYCLE = 2.0
#: Starting a run of neighbouring taps in the register tile, per row of the tile.
RUN_CYCLES = 0.5
#: Copying one float into a padded or unfolded block and reading it from there.
COPY_CYCLES = 0.25
#: Writing and reading one float of a plane of transformed tiles or kernels.
TRANSFORM_CYCLES = 0.25
#: The same where the planes outgrow the caches: memory gives one core about 10 GB/s.
MEMORY_CYCLES = 4.0
#: How much of a kernel's transform one call pays. Forward it is kept with the weights, see
#: ops.packed; backwards it serves a batch whose size the choice may not look at: taken as 1.
KERNEL_SHARE = {"forward": 0.0, "backward_input": 1.0, "backward_filter": 1.0}
#: Reading one float of a kernel that has grown by its transform, from L3 or memory.
GROWN_CYCLES = 0.2
#: Storing a sum of a transformed tile, in multiply-adds.
STORE_STEPS = 2.0
#: Bytes of planes that caches hold, other work beside them.
CACHED_BYTES = 8 * 2**20
#: Reading or writing one float of an image, where little is computed with it.
TOUCH_CYCLES = 0.25
#: Writing one bfloat16 part of a float, and reading it from a padded block.
SPLIT_CYCLES = 0.25
#: Adding one float of an unfolded gradient back into dx.
SCATTER_CYCLES = 0.5


def kernel_transform_cycles(p: ConvProblem, planes: int) -> float:
    """Return the cycles to write the kernel as `planes` transformed planes, and read them."""
    floats = planes * p.C * p.F
    return floats * (TRANSFORM_CYCLES if 4 * floats <= CACHED_BYTES else MEMORY_CYCLES)


def product_cycles(p: ConvProblem, channels: int) -> float:
    """Return the cycles of all multiply-adds when `channels` of each group fill the vectors."""
    vl = isa.vector_length()
    return p.macs * (-(-channels // vl) * vl / channels) / (vl * FMA_PER_CYCLE)
