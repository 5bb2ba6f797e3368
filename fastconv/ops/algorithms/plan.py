"""The choice of an algorithm: the cheapest that takes the problem, by the cost model, cached.

The choice does not look at the threads, nor, for y and dx, at the batch size, so that results do
not either. A gradient of the kernel is a sum over the batch: there the size counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...kernels import isa
from .algorithm import ConvAlgorithm
from .depthwise import Depthwise
from .direct import Direct
from .im2col import Im2col
from .problem import ConvProblem
from .winograd import Winograd

#: THE ALGORITHM REGISTRY; on equal cost the first wins.
CONV2D_ALGORITHMS: Sequence[ConvAlgorithm] = (
    Depthwise(),
    Winograd(2, least_channels=16, least_pixels=640, error_factor=16.0),
    Winograd(3, least_channels=64, least_pixels=768, error_factor=64.0),
    Winograd(4, least_channels=256, least_pixels=3584, error_factor=128.0),
    Direct(),
    Im2col(),
)


def plan_conv2d(p: ConvProblem, direction: str) -> ConvAlgorithm:
    """Return the algorithm for one direction of `p`."""
    if direction != "backward_filter" and p.N != 1:
        p = p._replace(N=1)
    return _cheapest(p, direction, isa.active())


@lru_cache(maxsize=1024)
def _cheapest(p: ConvProblem, direction: str, isa_name: str) -> ConvAlgorithm:
    able = [
        a
        for a in CONV2D_ALGORITHMS
        if (a.unsupported_reason(p, direction) or a.inaccurate_reason(p, direction)) is None
    ]
    return min(able, key=lambda algorithm: algorithm.cost(p, direction))


def find(name: str) -> ConvAlgorithm:
    """Return the algorithm called `name`, one of those registered."""
    return next(algorithm for algorithm in CONV2D_ALGORITHMS if algorithm.name == name)


def explain(p: ConvProblem, direction: str) -> str:
    """Return in words what would run, what it costs, and why the others would not."""
    chosen = plan_conv2d(p, direction)
    moved = 4 * (_size(p.x_shape) + _size(p.kernel_shape) + _size(p.y_shape))
    lines = [
        f"conv2d {direction}: x {p.x_shape}, kernel {p.kernel_shape}, y {p.y_shape}, strides "
        f"{p.strides}, padding {p.pads}, dilation {p.dilation}, groups {p.groups}",
        f"  {2 * p.macs / 1e6:.2f} MFLOP, {moved / 1e6:.2f} MB read and written, on {isa.active()}",
    ]
    for algorithm in CONV2D_ALGORITHMS:
        reason = algorithm.unsupported_reason(p, direction)
        reason = reason or algorithm.inaccurate_reason(p, direction)
        if reason is not None:
            lines.append(f"  {algorithm.name:>9}: no, {reason}")
            continue
        cost = algorithm.cost(p, direction) / 1e6
        space = algorithm.workspace_bytes(p, direction) / 1024
        mark = "  <- chosen: the least predicted cost" if algorithm is chosen else ""
        lines.append(
            f"  {algorithm.name:>9}: {cost:.3f} million cycles predicted on one thread, "
            f"{space:.0f} KiB workspace a thread{mark}"
        )
    return "\n".join(lines)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
