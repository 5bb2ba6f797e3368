"""Markdown tables of what a benchmark wrote with --json.

python -m benchmarks.bench_conv2d --set resnet50 --json run.json
python -m benchmarks.table run.json >> docs/performance.md
python -m benchmarks.table conv.json training.json --means         without the single problems
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from fastconv.ops import checks

from . import common, kernels_suite, networks_suite, report


def markdown(document: dict[str, Any], means_only: bool = False) -> Iterator[str]:
    """Yield the paragraphs of one file.

    Raises
    ------
    ValueError
        It comes from a program that makes no such tables.
    """
    machine, bench = document["machine"], document["benchmark"]
    checks.one_of("table", "benchmark", bench, ["conv2d", "gemm", *networks_suite.COLUMNS])
    yield (
        f"{machine['cpu']}, {machine['cpus']} CPU(s), {machine['system']}, Python "
        f"{machine['python']}, commit {machine['commit']}, {document['rounds']} rounds:"
    )
    described = None
    for run in document["runs"]:
        facts = _facts(run)
        if facts != described:
            yield facts
        described = facts
        if "net" in run:
            yield f"{run['net']}, batch {run['batch']}, {run['threads']} thread(s):"
            yield report.markdown_table(*networks_suite.table(run["rows"], bench))
            failed = [row for row in run["rows"] if "failure" in row]
            if failed:
                yield "\n".join(f"- {row['library']}: {row['failure']}" for row in failed)
            continue
        if not means_only:
            yield report.markdown_table(*kernels_suite.table(run))
        yield "Geometric means:"
        yield report.markdown_table(*kernels_suite.means_table(run))
    means = networks_suite.means(document["runs"]) if "net" in document["runs"][0] else ""
    if means:
        yield means


def _facts(run: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    unheld = f" (not held to it: {', '.join(run['unheld'])})" if run["unheld"] else ""
    return (
        f"Instruction set {run['isa']}{unheld}, {run['threads']} thread(s), measured FMA peak "
        f"{run['peak_gflops']:.0f} GF/s; {versions}."
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.table",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", nargs="+", type=Path, help="what --json wrote")
    parser.add_argument("--means", action="store_true", help="leave single problems out")
    options = parser.parse_args(argv)
    for path in options.files:
        print(*markdown(json.loads(path.read_text()), options.means), sep="\n\n", end="\n\n")
    return 0


if __name__ == "__main__":
    common.run(main)
