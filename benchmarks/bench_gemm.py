"""Matrix products: squares, Dense layers and 1x1 convolutions, next to NumPy's BLAS and PyTorch.

    python -m benchmarks.bench_gemm                                    everything
    python -m benchmarks.bench_gemm square_512 'vgg16_*'               names or glob patterns
    python -m benchmarks.bench_gemm --kind square,dense --threads 1,2
    python -m benchmarks.bench_gemm --quick                            does it work?

`ops.matmul` on float32; the scheme and the columns are those of bench_conv2d.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from . import common, kernels_suite, problems
from .peers.gemm import PEERS
from .truth import gemm_truth


def main(argv: Sequence[str] | None = None) -> int:
    parser = kernels_suite.argument_parser("bench_gemm", __doc__, list(PEERS), rounds=5)
    options = common.parse(parser, argv)
    selected = options.names or options.sets or options.kinds
    names = problems.QUICK_GEMMS if options.quick and not selected else options.names
    cases = [
        kernels_suite.Case(
            name=f"{p.name} {p.M}x{p.K}x{p.N}",
            direction="",
            flops=p.flops,
            spec=p.spec(),
            truth=partial(gemm_truth, p),
        )
        for p in problems.select(problems.GEMMS, names, options.sets, options.kinds)
    ]
    return kernels_suite.run_suite("gemm", options, cases)


if __name__ == "__main__":
    common.run(main)
