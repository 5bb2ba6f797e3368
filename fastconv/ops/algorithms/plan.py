"""The choice of an algorithm: the cheapest that takes the problem, by the cost model, cached.

Or the fastest, where autotune is on. Neither choice looks at the threads, nor, for y and dx, at
the batch size, so that results do not either. A gradient of the kernel is a sum over the batch:
there the size counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from ...kernels import isa
from . import autotune
from .algorithm import ConvAlgorithm
from .depthwise import Depthwise
from .direct import Direct
from .im2col import Im2col
from .problem import ConvProblem
from .split import Split
from .split_winograd import SplitWinograd
from .winograd import Winograd

#: THE ALGORITHM REGISTRY; on equal cost the first wins.
CONV2D_ALGORITHMS: Sequence[ConvAlgorithm] = (
    Depthwise(),
    Winograd(2, error_factor=16.0),
    Winograd(3, error_factor=64.0),
    Winograd(4, error_factor=128.0),
    SplitWinograd(2, error_factor=16.0),
    SplitWinograd(3, error_factor=64.0),
    SplitWinograd(4, error_factor=128.0),
    Split(),
    Direct(),
    Im2col(),
)


def plan_conv2d(p: ConvProblem, direction: str) -> ConvAlgorithm:
    """Return the algorithm for one direction of `p`."""
    if autotune.autotune():
        return find(_measured(p, direction).best)
    return _cheapest(_seen(p, direction), direction, isa.active())


def _seen(p: ConvProblem, direction: str) -> ConvProblem:
    """Return what the choice looks at of `p`."""
    return p if direction == "backward_filter" or p.N == 1 else p._replace(N=1)


@lru_cache(maxsize=1024)
def _cheapest(p: ConvProblem, direction: str, isa_name: str) -> ConvAlgorithm:
    return min(_able(p, direction, isa_name), key=lambda a: a.cost(p, direction))


@lru_cache(maxsize=1024)
def _able(p: ConvProblem, direction: str, isa_name: str) -> Sequence[ConvAlgorithm]:
    return [a for a in CONV2D_ALGORITHMS if _refusal(a, p, direction) is None]


def _refusal(algorithm: ConvAlgorithm, p: ConvProblem, direction: str) -> str | None:
    """Return why an algorithm may not be chosen, or None."""
    reason = algorithm.unsupported_reason(p, direction)
    return reason or algorithm.inaccurate_reason(p, direction)


def _measured(p: ConvProblem, direction: str) -> autotune.Timing:
    seen = _seen(p, direction)
    return autotune.timing(seen, direction, p.N, _able(seen, direction, isa.active()))


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
    timing = _measured(p, direction) if autotune.autotune() else None
    if timing is not None:
        lines.append(f"  measured with {timing.images} image(s) on {timing.threads} thread(s)")
    for algorithm in CONV2D_ALGORITHMS:
        reason = _refusal(algorithm, p, direction)
        if reason is not None:
            lines.append(f"  {algorithm.name:>9}: no, {reason}")
            continue
        if timing is None:
            why = "the least predicted cost"
            cost = (
                f"{algorithm.cost(p, direction) / 1e6:.3f} million cycles predicted on one thread"
            )
        else:
            why = "the least time"
            cost = f"{timing.seconds[algorithm.name] * 1e6:.1f} us measured"
        space = algorithm.workspace_bytes(p, direction) / 1024
        mark = f"  <- chosen: {why}" if algorithm is chosen else ""
        lines.append(f"  {algorithm.name:>9}: {cost}, {space:.0f} KiB workspace a thread{mark}")
    return "\n".join(lines)


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for n in shape:
        size *= n
    return size
