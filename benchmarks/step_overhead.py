"""What Python costs: the time of a step of fit, or of a prediction, that no kernel accounts for.

    python -m benchmarks.step_overhead                        the MNIST tutorial, batch 32, 1 thread
    python -m benchmarks.step_overhead --net lenet5 --batch 1,32 --threads 1,2
    python -m benchmarks.step_overhead --quick                does it work?

Every kernel is timed where it is called: the instructions of the compiled step, and what fit calls
beside them (gathering the batch, loss, metric, optimizer). The rest is Python, NumPy included. What
the clocks themselves take is measured and left out. Medians of all steps, in microseconds.
"""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from types import ModuleType
from typing import Any

import numpy as np

import fastconv
from fastconv import kernels, ops, optimizers
from fastconv.models.execution import Execution

from . import common, report
from .inputs import pattern_images
from .networks import NETWORKS
from .networks.keras_words import KERAS_NETWORKS

#: Steps of fit, and calls of each kind of prediction.
STEPS = 300
QUICK_STEPS = 6
#: The first steps of fit run layer by layer, or compile; caches warm up.
WARMUP = 3


#: What a kernel does, when it began, when it ended.
Run = tuple[str, float, float]


class Watch:
    """When kernels ran; those within others are not counted.

    It notes as little as it can while a step is under way: what it does there is done with caches
    that the step needs.
    """

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self._is_running = False

    def timed(self, what: str, function: Callable[..., Any]) -> Callable[..., Any]:
        note, clock = self.runs.append, time.perf_counter

        def run(*args: Any, **kwargs: Any) -> Any:
            if self._is_running:
                return function(*args, **kwargs)
            self._is_running = True
            start = clock()
            result = function(*args, **kwargs)
            note((what, start, clock()))
            self._is_running = False
            return result

        return run

    def own_seconds(self) -> float:
        """Return what a timed call takes that it does not see itself."""
        idle = Watch()
        nothing = idle.timed("", lambda: None)
        start = time.perf_counter()
        for _ in range(10_000):
            nothing()
        seen = sum(end - start for _, start, end in idle.runs)
        return (time.perf_counter() - start - seen) / 10_000


def install(watch: Watch) -> None:
    """Have all kernels timed, for the rest of the process."""
    for module in vars(kernels).values():
        if isinstance(module, ModuleType):
            for name, function in vars(module).items():
                if type(function).__name__ == "cython_function_or_method" and name != "active":
                    what = name.removesuffix("_backward").replace("_", " ")
                    setattr(module, name, watch.timed(what, function))
    for optimizer in (optimizers.SGD, optimizers.Adam, optimizers.RMSprop):
        optimizer.run = timed_run(watch, optimizer.run)  # type: ignore[method-assign]
    for kind in {type(kind) for kind in ops.ACTIVATIONS.values()}:
        kind.bind = timed_bind(watch, kind.bind)  # type: ignore[method-assign]
    original = Execution.__init__

    def __init__(self: Execution, *args: Any) -> None:
        original(self, *args)
        self.forward_runs = [watch.timed("forward", in_turn(self.forward_runs))]
        self.backward_runs = [watch.timed("backward", in_turn(self.backward_runs))]

    Execution.__init__ = __init__  # type: ignore[method-assign]


def timed_bind(watch: Watch, bind: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays: watch.timed("activation", bind(*arrays))


def timed_run(watch: Watch, run: Callable[..., None]) -> Callable[..., None]:
    """Time the kernel that an optimizer runs."""
    known: dict[int, Timed] = {}

    def timed(self: Any, updates: Any, *shared: Any) -> None:
        own = known.get(id(updates)) or known.setdefault(id(updates), Timed(watch, updates))
        run(self, own, *shared)

    return timed


class Timed:
    """`Updates` whose steps are timed; the class itself is not open to changes."""

    def __init__(self, watch: Watch, updates: Any) -> None:
        self._watch = watch
        self._updates = updates

    def __getattr__(self, name: str) -> Any:
        function = self._watch.timed("optimizer", getattr(self._updates, name))
        setattr(self, name, function)
        return function


def in_turn(runs: Sequence[Callable[[], None]]) -> Callable[[], None]:
    """Return what runs instructions; timed together, as each is short."""

    def run() -> None:
        for each in runs:
            each()

    return run


class Laps(fastconv.callbacks.Callback):
    """The clock at the start of each step."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch
        self.laps: list[float] = []
        watch.runs.clear()

    def lap(self) -> None:
        self.laps.append(time.perf_counter())

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.lap()

    def row(self, what: str) -> dict[str, Any]:
        """Return medians over the laps."""
        own = self.watch.own_seconds()
        totals, parts = [], []
        runs = iter([*self.watch.runs, ("", math.inf, math.inf)])
        name, began, ended = next(runs)
        for start, end in pairwise(self.laps):
            part: defaultdict[str, float] = defaultdict(float)
            calls = 0
            while began < end:
                if began >= start:
                    part[name] += ended - began
                    calls += 1
                name, began, ended = next(runs)
            totals.append(end - start - calls * own)
            parts.append(part)
        kernel = [sum(part.values()) for part in parts]
        names = {name for part in parts for name in part}
        return {
            "what": what,
            "median_us": 1e6 * statistics.median(totals),
            "kernels_us": 1e6 * statistics.median(kernel),
            "python_us": 1e6
            * statistics.median(t - k for t, k in zip(totals, kernel, strict=True)),
            "parts_us": {
                name: 1e6 * statistics.median(part.get(name, 0.0) for part in parts)
                for name in sorted(names)
            },
        }


def measure(net: str, batch: int, steps: int, watch: Watch) -> list[dict[str, Any]]:
    """Return a row for a step of fit, and for each way to predict."""
    model = KERAS_NETWORKS[net](fastconv)
    x, y = pattern_images(batch * 8, NETWORKS[net].shape)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    laps = Laps(watch)
    # One epoch: its first steps apart, all are alike.
    feed = np.tile(np.arange(len(x)), -(-(steps + WARMUP) // 8))
    model.fit(x[feed], y[feed], batch_size=batch, verbose=0, callbacks=[laps])
    del laps.laps[:WARMUP]
    rows = [laps.row("step of fit")]
    frozen = model.compile_for_inference()
    one = x[:batch]
    ways: dict[str, Callable[[], Any]] = {
        "model(x)": lambda: model(one),
        "compile_for_inference()(x)": lambda: frozen(one),
        "model.predict(x)": lambda: model.predict(one, batch_size=batch, verbose=0),
    }
    for what, way in ways.items():
        laps = Laps(watch)
        for _ in range(steps + WARMUP):
            laps.lap()
            way()
        del laps.laps[:WARMUP]
        rows.append(laps.row(what))
    return rows


def print_rows(title: str, rows: Sequence[dict[str, Any]]) -> None:
    headers = ["", "us", "kernels us", "Python us", "Python"]
    lines = []
    for row in rows:
        share = row["python_us"] / row["median_us"]
        numbers = (f"{row[key]:.1f}" for key in ("median_us", "kernels_us", "python_us"))
        lines.append([row["what"], *numbers, f"{share:.1%}"])
        if row["what"] == "step of fit":
            lines += [
                [f"  {name}", "", f"{us:.1f}", "", ""] for name, us in row["parts_us"].items() if us
            ]
    report.print_table(title, headers, lines, left=1)


def main(argv: Sequence[str] | None = None) -> int:
    parser = common.argument_parser("step_overhead", __doc__, (), rounds=1)
    add = parser.add_argument
    add("--net", type=common.one_of(NETWORKS), default=["article"], help="networks (article)")
    add("--batch", type=common.counts, default=[32, 1], help="batch sizes (32,1)")
    options = common.parse(parser, argv, draws=False)
    steps = QUICK_STEPS if options.quick else STEPS
    facts = common.machine()
    print(f"{facts['cpu']}, Python {facts['python']}, commit {facts['commit']}")
    watch = Watch()
    install(watch)
    runs = []
    for threads in options.threads:
        fastconv.config.set_num_threads(threads)
        for net in options.net:
            for batch in options.batch:
                rows = measure(net, batch, steps, watch)
                print_rows(f"{net}, batch {batch}, {threads} thread(s)", rows)
                runs.append({"net": net, "batch": batch, "threads": threads, "rows": rows})
    common.save(options, "step_overhead", runs)
    return 0


if __name__ == "__main__":
    common.run(main)
