"""What the first step of `fit` takes beside a later one, in processes of their own.

    python -m benchmarks.first_step                                every network, 1 thread
    python -m benchmarks.first_step --net article --batch 32 --threads 1,2 --rounds 15
    python -m benchmarks.first_step --quick                        does it work?

A step is timed by a callback, from the beginning of its batch to its end; a later one is the median
of all but the first. What `fit` does before the first one is timed from the call, of a model that
is constructed and compiled: checks, compiling, and memory, which a virtual machine may have to wait
for, so that the least of it is printed too. Each round is a new process, pinned to as many CPUs as
it has threads; the networks take turns. Medians over the rounds, of ratios too.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import fastconv

from . import common, report
from .inputs import pattern_images
from .networks import NETWORKS
from .networks.keras_words import KERAS_NETWORKS
from .workers import available_cpus

#: Steps of one call of fit.
STEPS = 21
QUICK_STEPS = 4

#: Header and format of what is printed, all but the least medians.
COLUMNS = {
    "before_ms": ("before it, ms", "{:.1f}"),
    "least_before_ms": ("least", "{:.1f}"),
    "first_ms": ("first step, ms", "{:.2f}"),
    "later_ms": ("later, ms", "{:.2f}"),
    "first_over_later": ("first/later", "{:.2f}x"),
}


class Laps(fastconv.callbacks.Callback):
    """The clock at the beginning and the end of each step."""

    def __init__(self) -> None:
        super().__init__()
        self.laps: list[float] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.laps.append(time.perf_counter())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.laps.append(time.perf_counter())


def measure(net: str, batch: int, threads: int, steps: int) -> dict[str, float]:
    """Return what one call of fit took, in milliseconds, and the ratio of its steps."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, available_cpus()[-threads:])
    fastconv.config.set_num_threads(threads)
    x, y = pattern_images(batch * steps, NETWORKS[net].shape)
    model = KERAS_NETWORKS[net](fastconv)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    clock = Laps()
    called = time.perf_counter()
    model.fit(x, y, batch_size=batch, verbose=0, callbacks=[clock])
    begins, ends = clock.laps[::2], clock.laps[1::2]
    first, *others = (1e3 * (end - begin) for begin, end in zip(begins, ends, strict=True))
    later = statistics.median(others)
    return {
        "before_ms": 1e3 * (begins[0] - called),
        "first_ms": first,
        "later_ms": later,
        "first_over_later": first / later,
    }


def summary(turns: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return medians over processes, and the least time before the first step."""
    medians = {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}
    return medians | {"least_before_ms": min(turn["before_ms"] for turn in turns)}


def in_new_process(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function returns in a process that has run nothing before."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def main(argv: Sequence[str] | None = None) -> int:
    parser = common.argument_parser("first_step", __doc__, (), rounds=7)
    add = parser.add_argument
    add("--net", type=common.one_of(NETWORKS), default=list(NETWORKS), help="networks (all)")
    add("--batch", type=common.counts, default=[], help="batch sizes (the network's own)")
    options = common.parse(parser, argv, draws=False)
    steps = QUICK_STEPS if options.quick else STEPS
    facts = common.machine()
    print(f"{facts['cpu']}, Python {facts['python']}, commit {facts['commit']}")
    runs = []
    for threads in options.threads:
        cases = [
            (net, batch) for net in options.net for batch in options.batch or NETWORKS[net].batches
        ]
        rounds: list[list[dict[str, float]]] = []
        for turn in range(options.rounds):
            common.progress(f"round {turn + 1} of {options.rounds}")
            rounds.append([in_new_process(measure, *case, threads, steps) for case in cases])
        common.progress("")
        rows = [
            {"net": net, "batch": batch} | summary(turns)
            for (net, batch), *turns in zip(cases, *rounds, strict=True)
        ]
        print_rows(f"{threads} thread(s), medians of {options.rounds} process(es)", rows)
        runs.append({"threads": threads, "rows": rows})
    common.save(options, "first_step", runs)
    return 0


def print_rows(title: str, rows: Sequence[dict[str, Any]]) -> None:
    headers = ["network", "batch", *(header for header, _ in COLUMNS.values())]
    lines = [
        [row["net"], str(row["batch"]), *(form.format(row[k]) for k, (_, form) in COLUMNS.items())]
        for row in rows
    ]
    report.print_table(title, headers, lines, left=1)


if __name__ == "__main__":
    common.run(main)
