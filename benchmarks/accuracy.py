"""How exact each algorithm is on real problems: rms errors beside those of a plain chain.

    python -m benchmarks.accuracy                                      all problems, batch 1
    python -m benchmarks.accuracy 'vgg16_*' --direction kernel --precision high
    python -m benchmarks.accuracy --isa avx2 --json accuracy.json
    python -m benchmarks.accuracy --quick                              does it work?

Every algorithm that the plan may choose at a precision computes standard normal numbers. The rms of
its errors against float64 is given in units of that of one chain of float32 multiply-adds as long
as the sums: "highest" promises no more than 1 (a few percent more are chance), "high" at most 10.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from fastconv import ops
from fastconv.kernels import isa
from fastconv.ops.precision import float32_matmul_precision

from . import candidates, common, kernels_suite, report
from .inputs import standard_normal
from .problems import Problem, at_batches
from .truth import Truth, conv2d_truth


def sampled(p: Problem, direction: str, algorithm: str, truth: Truth) -> np.ndarray:
    """Return what an algorithm makes of the rows that the truth holds."""
    options = p.geometry | {"algorithm": algorithm}
    x, kernel = standard_normal("x", p.input_shape), standard_normal("kernel", p.kernel_shape)
    if direction == "forward":
        result = ops.conv2d(x, kernel, **options)
    else:
        dy = standard_normal("dy", p.output_shape)
        if direction == "input":
            result = ops.conv2d_backward_input(dy, kernel, p.input_shape, **options)
        else:
            result = ops.conv2d_backward_filter(x, dy, p.kernel_shape, **options)
    return result.reshape(-1, result.shape[-1])[truth.rows[0]]


def measure(cases: Sequence[tuple[Problem, str]], precisions: Sequence[str]) -> Iterator[Any]:
    """Yield a row for each algorithm of each problem, direction and precision."""
    for number, (p, direction) in enumerate(cases, 1):
        common.progress(f"[{number}/{len(cases)}] {p.name} {direction}")
        truth = conv2d_truth(p, direction)
        for precision in precisions:
            described = candidates.conv_problem(p, precision)
            for algorithm in candidates.able(described, direction):
                with float32_matmul_precision(precision):
                    result = sampled(p, direction, algorithm, truth)
                error, excess = truth.errors([result])
                yield {
                    "problem": p.name,
                    "direction": direction,
                    "precision": precision,
                    "algorithm": algorithm,
                    "error": error,
                    "excess": excess,
                }
    common.progress("")


def print_worst(rows: Sequence[dict[str, Any]]) -> None:
    """Print the largest and the mean error of each algorithm in each direction."""
    keys = ("precision", "direction", "algorithm")
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    lines = []
    for group, members in groups.items():
        worst = max(members, key=lambda row: row["excess"])
        mean = common.geometric_mean(row["excess"] for row in members)
        largest = f"{worst['excess']:.2f}"
        lines.append([*group, worst["problem"], str(len(members)), f"{mean:.2f}", largest])
    headers = [*keys, "worst on", "problems", "mean / chain's", "worst / chain's"]
    report.print_table(f"rms errors on {isa.active()}", headers, sorted(lines), left=4)


def main(argv: Sequence[str] | None = None) -> int:
    parser = kernels_suite.convolution_parser("accuracy", __doc__, [], rounds=1)
    options = common.parse(parser, argv, draws=False)
    if options.isa:
        isa.use(options.isa)
    problems = kernels_suite.chosen_convolutions(options)
    if not options.batch:
        problems = at_batches(problems, [1])
    cases = [(p, direction) for p in problems for direction in candidates.directions(options)]
    rows = list(measure(cases, options.precision))
    print_worst(rows)
    common.save(options, "accuracy", [{"isa": isa.active(), "rows": rows}])
    return 0


if __name__ == "__main__":
    common.run(main)
