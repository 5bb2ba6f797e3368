"""Training small networks: images per second, next to Keras, PyTorch and JAX.

    python -m benchmarks.bench_training                                the MNIST tutorial, 1 thread
    python -m benchmarks.bench_training --net article,lenet5,resnet20,mobilenet96,vgg
    python -m benchmarks.bench_training --batch 32 --threads 1,2
    python -m benchmarks.bench_training --peers torch,keras-jax --rounds 10
    python -m benchmarks.bench_training --quick                        does it work?

fastconv and Keras run the same code (`fit`, with accuracy as metric); "torch" and "jax" are loops
written by hand, without the metric. The data are as easy to learn as MNIST. Every library runs in
a process of its own, pinned to as many CPUs as it has threads, and the processes take turns of one
epoch each. Printed per library: images per second in the median epoch (the first epoch is not
counted), how many times as fast fastconv is, the mean training loss of the last epoch (all do the
same number of steps, from different random weights), the seconds to import the library, the
seconds from there to the end of the first step, those from the start of the process to there
(without making the data), how many times as long as a step of the median epoch the first one took
(a call of `fit` for one batch, of a model that is constructed and compiled), and the peak memory
of the process.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from . import common, networks_suite
from .networks import NETWORKS
from .peers.training import PEERS
from .workers import Crew

#: With --quick, at most this many batches an epoch, and at most this many images.
QUICK_BATCHES, QUICK_IMAGES = 4, 128


def measure(crew: Crew, net: str, batch: int, images: int, rounds: int) -> list[dict[str, Any]]:
    """Return one row per library; fastconv is the first."""
    contenders = crew.prepare({"net": net, "batch": batch, "images": images})
    crew.race(contenders, rounds + 1, seconds=0, warmup=0)
    peaks = crew.finish()
    rows: list[dict[str, Any]] = []
    for contender in contenders:
        row: dict[str, Any] = {"library": contender.peer}
        if contender.failure:
            rows.append(row | {"failure": contender.failure})
            continue
        del contender.turns[0]  # the epoch in which caches and thread pools warm up
        import_seconds = crew.workers[contender.peer].import_seconds
        row |= {
            "images_per_second": images / contender.median,
            "loss": None if contender.value is None else common.finite(contender.value),
            "import_seconds": import_seconds,
            "first_step_seconds": contender.first_seconds,
            "start_seconds": import_seconds + contender.first_seconds,
            "first_over_later": contender.first_call_seconds * images / batch / contender.median,
            "peak_rss_mb": common.finite(peaks[contender.peer]),
        }
        rows.append(row)
    rows += networks_suite.missing(crew.workers, rows)
    networks_suite.add_ratios(rows, "images_per_second")
    return rows


def run_one(net: str, batch: int, threads: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one network at one batch size, print and return the results."""
    wanted = options.images or NETWORKS[net].images
    if options.quick and not options.images:
        wanted = min(QUICK_BATCHES * batch, QUICK_IMAGES)
    # Whole batches only: another shape would make some libraries compile again.
    images = -(-wanted // batch) * batch
    # New processes each time: start-up and memory are part of what is measured.
    with Crew("training", options.peers, threads, {}) as crew:
        heading = common.heading(crew, threads)
        rows = measure(crew, net, batch, images, options.rounds)
    title = f"{net}, batch {batch}, {threads} thread(s), epochs of {images} images"
    networks_suite.print_rows(title, rows, "training")
    return heading | {"net": net, "batch": batch, "images": images, "rows": rows}


def main(argv: Sequence[str] | None = None) -> int:
    parser = common.argument_parser("bench_training", __doc__, PEERS, rounds=5)
    add = parser.add_argument
    add("--net", type=common.one_of(NETWORKS), default=["article"], help="networks (article)")
    add("--batch", type=common.counts, default=[], help="batch sizes (the network's own)")
    add("--images", type=int, help="images per epoch (the network's own, fewer with --quick)")
    options = common.parse(parser, argv)
    runs = [
        run_one(net, batch, threads, options)
        for threads in options.threads
        for net in options.net
        for batch in options.batch or NETWORKS[net].batches
    ]
    return networks_suite.finish(
        "training", options, runs, "images_per_second", "images per second"
    )


if __name__ == "__main__":
    common.run(main)
