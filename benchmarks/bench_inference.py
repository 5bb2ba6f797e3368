"""Predictions of small networks: latency of a batch, or from the start of the process.

    python -m benchmarks.bench_inference                               the MNIST tutorial, 1 thread
    python -m benchmarks.bench_inference --net resnet20,mobilenet96 --batch 1 --threads 1,2
    python -m benchmarks.bench_inference --startup --peers torch,onnxruntime
    python -m benchmarks.bench_inference --quick                       does it work?

NumPy arrays in, NumPy arrays out, in each library the way its users deploy a network; of several
ways (memory formats, `model(x)` or `predict_on_batch`) the fastest counts. All have the same
weights; ONNX Runtime and OpenVINO read the model that PyTorch exports. Every library runs in a
process of its own, pinned to as many CPUs as it has threads, and the processes take turns. Printed
per library: the median time of a call, images per second, how many times as fast fastconv is, and
the largest difference of a probability from fastconv's.

With --startup: the seconds from the start of a process, through import, construction and weights,
to its first prediction for the batch, in the way that starts soonest; the median over --rounds
processes after one that warms the caches of the disk.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import common, networks_suite
from .networks import NETWORKS
from .networks.export import export_onnx
from .peers.inference import ONNX_PEERS, PEERS
from .workers import Contender, Crew, Worker, WorkerDied


def latency(crew: Crew, spec: dict[str, Any], rounds: int, seconds: float) -> list[dict[str, Any]]:
    """Return one row per library, of its fastest way; fastconv is the first."""
    batch = spec["batch"]
    contenders = crew.prepare(spec, [list(range(batch))])
    crew.race(contenders, rounds, seconds, warmup=2)
    crew.finish()
    best: dict[str, Contender] = {}
    for contender in contenders:
        others = [best[contender.peer]] if contender.peer in best else []
        best[contender.peer] = min([*others, contender], key=lambda c: c.median)
    ours = None
    rows: list[dict[str, Any]] = []
    for peer, contender in best.items():
        if contender.failure:
            rows.append({"library": peer, "failure": contender.failure})
            continue
        (probabilities,) = contender.results([(batch, 10)])
        if peer == "fastconv":
            ours = probabilities
        rows.append(
            {
                "library": peer,
                "variant": contender.variant,
                "median_us": contender.median * 1e6,
                "min_us": contender.minimum * 1e6,
                "images_per_second": batch / contender.median,
                "difference": None if ours is None else float(np.abs(probabilities - ours).max()),
            }
        )
    return rows


def startup(spec: dict[str, Any], peers: Sequence[str], threads: int, rounds: int) -> list[Any]:
    """Return one row per library with the seconds of fresh processes; fastconv is the first."""
    taken: dict[str, list[float]] = {peer: [] for peer in ("fastconv", *peers)}
    failures: dict[str, str] = {}
    for _ in range(rounds + 1):
        for peer in taken:
            if peer in failures:
                continue
            start = time.perf_counter()
            try:
                worker = Worker("inference", peer, threads, {})
                answer = {"variants": {"": {"failure": worker.absent}}}
                if worker.absent is None:
                    answer = worker.ask("prepare", spec=spec, rows=[], limit=1)
                taken[peer].append(time.perf_counter() - start)
                worker.close()
            except WorkerDied as error:
                answer = {"variants": {"": {"failure": str(error)}}}
            (result,) = answer["variants"].values() or [{"failure": "not written"}]
            if "failure" in result:
                failures[peer] = result["failure"]
    return [
        {"library": peer, "failure": failures[peer]}
        if peer in failures
        else {
            "library": peer,
            "median_seconds": statistics.median(seconds[1:]),
            "min_seconds": min(seconds[1:]),
            "starts_per_second": 1 / statistics.median(seconds[1:]),
        }
        for peer, seconds in taken.items()
    ]


def run_one(
    crew: Crew, net: str, batch: int, threads: int, options: argparse.Namespace
) -> dict[str, Any]:
    """Measure one network at one batch size, print and return the results."""
    with tempfile.TemporaryDirectory() as folder:
        spec: dict[str, Any] = {"net": net, "batch": batch, "onnx": f"{folder}/{net}.onnx"}
        if set(ONNX_PEERS) & set(options.peers):
            export_onnx(net, batch, Path(spec["onnx"]))
        if options.startup:
            rows = startup(spec, options.peers, threads, options.rounds)
        else:
            seconds = options.seconds or (0.02 if options.quick else 0.3)
            rows = latency(crew, spec, options.rounds, seconds)
            rows += networks_suite.missing(crew.workers, rows)
    networks_suite.add_ratios(rows, "starts_per_second" if options.startup else "images_per_second")
    what = "start to first prediction, " if options.startup else ""
    title = f"{what}{net}, batch {batch}, {threads} thread(s)"
    networks_suite.print_rows(title, rows, "startup" if options.startup else "inference")
    return {"net": net, "batch": batch, "rows": rows}


def main(argv: Sequence[str] | None = None) -> int:
    parser = common.argument_parser("bench_inference", __doc__, PEERS, rounds=5)
    add = parser.add_argument
    add("--net", type=common.one_of(NETWORKS), default=["article"], help="networks (article)")
    add("--batch", type=common.counts, help="batch sizes (1,32,64; 1 with --startup)")
    add("--seconds", type=float, help="length of a turn (0.3; 0.02 with --quick)")
    add("--startup", action="store_true", help="from process start to the first prediction")
    options = common.parse(parser, argv)
    runs: list[dict[str, Any]] = []
    for threads in options.threads:
        # For the time from the start the processes are made, and ended, one by one.
        with Crew("inference", [] if options.startup else options.peers, threads, {}) as crew:
            heading = common.heading(crew, threads)
            runs += [
                heading | run_one(crew, net, batch, threads, options)
                for net in options.net
                for batch in options.batch or ([1] if options.startup else [1, 32, 64])
            ]
    if options.startup:
        return networks_suite.finish(
            "startup", options, runs, "median_seconds", "seconds to the first prediction"
        )
    return networks_suite.finish(
        "inference", options, runs, "images_per_second", "images per second"
    )


if __name__ == "__main__":
    common.run(main)
