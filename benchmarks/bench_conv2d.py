"""Convolutions of well-known networks: speed and error, next to other libraries.

    python -m benchmarks.bench_conv2d                                  everything (long)
    python -m benchmarks.bench_conv2d resnet50_conv3_3x3 'vgg16_*'     names or glob patterns
    python -m benchmarks.bench_conv2d --set resnet50 --kind 3x3,1x1 --batch 1,32
    python -m benchmarks.bench_conv2d --direction forward,backward --threads 1,2
    python -m benchmarks.bench_conv2d 'resnet50*3x3' --algorithm auto,direct,winograd2
    python -m benchmarks.bench_conv2d resnet50_conv3_3x3 --explain     why this algorithm; no timing
    python -m benchmarks.bench_conv2d --quick                          does it work?
    python -m benchmarks.bench_conv2d --isa avx2 --set resnet50        another instruction set
    python -m benchmarks.bench_conv2d --precision highest,high         how much accuracy costs

Every library runs in a process of its own, pinned to as many CPUs as it has threads; the processes
take turns. Printed are the median time of a call, GF/s (2 * multiply-adds of the plain convolution
per second, for gradients as well; "backward" is both), the share of the measured FMA peak, and the
rms error against float64, relative to the rms of the result. By that error every result has a
class: "highest" when it is at most 1.5 times that of a chain of float32 multiply-adds as long as
the sums, "medium" when it is that of bfloat16 numbers, else "high". What fastconv computed is
compared with the fastest variant of each library that is at least as exact; a library that has none
is shown with its class, and without a ratio. `python -m benchmarks.table` makes Markdown of a JSON
file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from . import common, kernels_suite, problems
from .peers.conv2d import PEERS
from .truth import DIRECTIONS, OPS_DIRECTIONS, conv2d_truth


def cases(
    chosen: Sequence[problems.Problem],
    directions: Sequence[str],
    algorithms: Sequence[str],
    precisions: Sequence[str],
) -> list[kernels_suite.Case]:
    return [
        kernels_suite.Case(
            name=f"{p.name} N={p.N}",
            direction=direction,
            flops=p.flops * len(DIRECTIONS[direction]),
            spec=p.spec()
            | {
                "direction": direction,
                "algorithms": list(algorithms),
                "precisions": list(precisions),
            },
            truth=partial(conv2d_truth, p, direction),
        )
        for p in chosen
        for direction in directions
    ]


def explain(chosen: Sequence[problems.Problem], directions: Sequence[str]) -> None:
    """Print which algorithm is taken for each problem, and why."""
    from fastconv import ops

    for p in chosen:
        for direction in directions:
            for one in ("input", "kernel") if direction == "backward" else (direction,):
                print(p.name)
                print(
                    ops.explain_conv2d(
                        p.input_shape, p.kernel_shape, direction=OPS_DIRECTIONS[one], **p.geometry
                    )
                )


def main(argv: Sequence[str] | None = None) -> int:
    parser = kernels_suite.convolution_parser("bench_conv2d", __doc__, list(PEERS), rounds=5)
    add = parser.add_argument
    add(
        "--algorithm",
        type=common.words,
        default=["auto"],
        help="what ops.conv2d(algorithm=...) gets (auto); several make a row each",
    )
    add("--explain", action="store_true", help="print the choice of algorithm, time nothing")
    options = common.parse(parser, argv)
    chosen = kernels_suite.chosen_convolutions(options)
    if options.explain:
        explain(chosen, options.direction)
        return 0
    return kernels_suite.run_suite(
        "conv2d", options, cases(chosen, options.direction, options.algorithm, options.precision)
    )


if __name__ == "__main__":
    common.run(main)
