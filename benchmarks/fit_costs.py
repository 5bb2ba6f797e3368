"""The constants of the cost model, fitted to what convolutions take on this machine.

    python -m benchmarks.fit_costs                                     all problems (long)
    python -m benchmarks.fit_costs --set resnet50,resnet20,article --batch 1,32
    python -m benchmarks.fit_costs --isa avx2 --json fit.json
    python -m benchmarks.fit_costs --quick                             does it work?

Every algorithm that the plan may choose is timed on every problem. Its cost is a weighted sum of
counts (products, floats copied, transformed, ...) with the constants of `ops/algorithms/costs.py`
as weights, so the weights are found by least squares of the relative errors, none below zero;
what the timings say nothing of stays as it is. Printed beside the present constants are those
fitted, how well both predict, and what the choices by both would cost; and apart from that the
cycles that copying a float takes on each level of memory.

A cycle is the time in which the FMA peak does FMA_PER_CYCLE multiply-adds: thus that
constant may fit to less than it is, where kernels do not reach the peak.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from fastconv.ops.algorithms import costs, find

from . import candidates, common, report
from .candidates import Candidates
from .truth import OPS_DIRECTIONS
from .workers import Crew

#: How strongly the present values hold: what makes up this share of the costs goes half the way.
HOLD = 0.01

#: Working sets of the copies, in bytes: what two buffers need together.
LEVELS = (2**15, 2**18, 2**20, 2**22, 2**24, 2**27)


def constants() -> dict[str, float]:
    """Return the present weights: those written as floats, whose cost is linear in them."""
    return {name: v for name, v in vars(costs).items() if name.isupper() and isinstance(v, float)}


def _is_rate(name: str) -> bool:
    """Return whether the cost is linear in the constant's inverse."""
    return name.endswith("_PER_CYCLE")


@contextmanager
def replaced(values: dict[str, float]) -> Iterator[None]:
    """Let the algorithms count with other constants, wherever they imported them to."""
    package = costs.__name__.rpartition(".")[0]
    modules = [module for name, module in sys.modules.items() if name.startswith(package)]
    saved = [
        (module, name, getattr(module, name))
        for module in modules
        for name in values
        if hasattr(module, name)
    ]
    try:
        for module, name, _ in saved:
            setattr(module, name, values[name])
        yield
    finally:
        for module, name, value in saved:
            setattr(module, name, value)


def counts(measured: Sequence[Candidates], names: Sequence[str]) -> np.ndarray:
    """Return the counts (timings, constants) that the constants weigh."""
    columns = []
    for chosen in names:
        ones = {name: float("inf") if _is_rate(name) else 0.0 for name in names} | {chosen: 1.0}
        with replaced(ones):
            columns.append(_costs(measured))
    return np.array(columns).T


def _costs(measured: Sequence[Candidates]) -> list[float]:
    return [
        find(name).cost(one.problem, OPS_DIRECTIONS[one.direction])
        for one in measured
        for name in one.seconds
    ]


def fit(features: np.ndarray, cycles: np.ndarray, present: np.ndarray) -> np.ndarray:
    """Return the weights >= 0 that make features @ weights / cycles nearly 1.

    Each weight is moved to its best value in turn; what no timing depends on keeps its own.
    """
    rows = features * present / cycles[:, None]  # unknowns: weights in units of the present ones
    hold = HOLD**2 * len(rows)
    weights = np.ones(len(present))
    for _ in range(1000):
        for index, column in enumerate(rows.T):
            rest = 1 - rows @ weights + column * weights[index]
            weights[index] = max((column @ rest + hold) / (column @ column + hold), 0.0)
    return weights * present


def regrets(measured: Sequence[Candidates], predicted: np.ndarray) -> list[float]:
    """Return how many times the best candidate's time those with the least cost take."""
    costs_left, found = iter(predicted.tolist()), []
    for one in measured:
        predictions = {name: next(costs_left) for name in one.seconds}
        if len(predictions) > 1:
            chosen = min(predictions, key=lambda name: predictions[name])
            found.append(one.seconds[chosen] / one.seconds[one.best])
    return found


def copy_cycles(hertz: float, rounds: int) -> list[list[str]]:
    """Return a row per level of memory: bytes, cycles per float copied, bytes read per cycle."""
    call = min(_copy_seconds(1) for _ in range(rounds))
    rows = []
    for size in LEVELS:
        floats = size // 8
        seconds = min(_copy_seconds(floats) for _ in range(rounds)) - call
        per_float = seconds * hertz / floats
        rows.append([f"{size // 1024} KiB", f"{per_float:.3f}", f"{4 / per_float:.1f}"])
    return rows


def _copy_seconds(floats: int) -> float:
    """Return the seconds of one copy from one buffer to another."""
    source, target = np.ones((2, floats), np.float32)
    repeats = max(2**22 // floats, 4) if floats > 1 else 10_000
    np.copyto(target, source)
    start = time.perf_counter()
    for _ in range(repeats):
        np.copyto(target, source)
    return (time.perf_counter() - start) / repeats


def print_fit(measured: Sequence[Candidates], hertz: float) -> dict[str, Any]:
    """Fit, print, and return what was found."""
    present = constants()
    names = list(present)
    features = counts(measured, names)
    cycles = np.array([t * hertz for one in measured for t in one.seconds.values()])
    weights = np.array([1 / v if _is_rate(name) else v for name, v in present.items()])
    if not np.allclose(features @ weights, _costs(measured), rtol=1e-6):
        raise ValueError("fit_costs: a cost is not a sum that these constants weigh.")
    fitted = fit(features, cycles, weights)
    share = (features * weights / (features @ weights)[:, None]).mean(axis=0)
    lines, values = [], {}
    for name, old, new, part in zip(names, weights, fitted, share, strict=True):
        old, new = (1 / w if _is_rate(name) and w else w for w in (old, new))
        values[name] = common.finite(float(new))
        lines.append([name, f"{old:.3g}", f"{new:.3g}", f"{part:.0%}"])
    report.print_table("constants", ["name", "present", "fitted", "share of costs"], lines, left=1)
    lines = []
    for title, choice in (("present", weights), ("fitted", fitted)):
        predicted = features @ choice
        ratios = cycles / predicted
        middle = statistics.median(ratios)
        spread = common.geometric_mean(np.maximum(ratios / middle, middle / ratios))
        found = regrets(measured, predicted) or [float("nan")]
        mean = f"{common.geometric_mean(found):.3f}x"
        lines.append([title, f"{middle:.2f}", f"{spread:.2f}x", mean, f"{max(found):.2f}x"])
    headers = ["constants", "cycles / cost", "off by", "regret", "worst regret"]
    report.print_table("costs: median, geometric means", headers, lines, left=1)
    return {"present": present, "fitted": values}


def main(argv: Sequence[str] | None = None) -> int:
    parser = candidates.argument_parser("fit_costs", __doc__)
    options = common.parse(parser, argv, draws=False)
    runs: list[dict[str, Any]] = []
    for threads in options.threads:
        with Crew("conv2d", [], threads, {}) as crew:
            heading = common.heading(crew, threads)
            candidates.use_isa(heading["isa"])
            measured = list(candidates.measure(crew, options))
        # The model is of one thread: with several, its cycles are those of all together.
        hertz = heading["peak_gflops"] * 1e9 / (2 * costs.fma_per_cycle())
        found = print_fit(measured, hertz)
        runs.append(heading | found | {"rows": [one.row() for one in measured]})
    hertz /= threads
    headers = ["two buffers", "cycles per float", "bytes per cycle"]
    rows = copy_cycles(hertz, options.rounds)
    report.print_table("copying by NumPy, one thread", headers, rows, left=1)
    common.save(options, "fit_costs", runs)
    return 0


if __name__ == "__main__":
    common.run(main)
