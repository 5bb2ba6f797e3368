"""What the plan's choice of algorithms costs: how much slower it is than the best candidate.

    python -m benchmarks.plan_regret                                   all problems (long)
    python -m benchmarks.plan_regret --set resnet50 --batch 1,32 --threads 1,2
    python -m benchmarks.plan_regret 'vgg16_*' --direction forward --precision high
    python -m benchmarks.plan_regret --isa avx2 --json regret.json
    python -m benchmarks.plan_regret --quick                           does it work?

Every algorithm that the plan may choose is timed, in turns, in one process. Where only one can
run there is nothing to choose; such problems are counted apart and not averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import candidates, common, report
from .candidates import Candidates
from .workers import Crew

#: Rows of the table of the worst.
WORST = 10


def print_regrets(measured: Sequence[Candidates], threads: int) -> None:
    choices = [one for one in measured if len(one.seconds) > 1]
    print(f"\n{len(measured) - len(choices)} of {len(measured)} problem(s) leave no choice")
    if not choices:
        return
    worst = sorted(choices, key=lambda one: -one.regret)
    lines = []
    for one in worst[:WORST]:
        others = sorted(one.seconds, key=lambda name: one.seconds[name])
        times = ", ".join(f"{name} {one.seconds[name] * 1e6:.1f}" for name in others)
        lines.append([one.name, one.direction, one.chosen, one.best, times, f"{one.regret:.2f}x"])
    headers = ["problem", "direction", "chosen", "best", "us of each", "slower"]
    report.print_table(f"the worst choices, {threads} thread(s)", headers, lines, left=5)
    lines = []
    for direction in [*dict.fromkeys(one.direction for one in choices), "all"]:
        group = [one.regret for one in choices if direction in (one.direction, "all")]
        right = sum(regret == 1 for regret in group)
        mean = common.geometric_mean(group)
        cells = [direction, str(len(group)), str(right), f"{mean:.3f}x", f"{max(group):.2f}x"]
        lines.append(cells)
    headers = ["direction", "problems", "best chosen", "geometric mean", "worst"]
    report.print_table("how many times the best candidate's time", headers, lines, left=1)


def main(argv: Sequence[str] | None = None) -> int:
    options = common.parse(candidates.argument_parser("plan_regret", __doc__), argv)
    runs: list[dict[str, Any]] = []
    labels: list[str] = []
    series: dict[str, list[float]] = {"chosen": [], "best": []}
    for threads in options.threads:
        with Crew("conv2d", [], threads, {}) as crew:
            heading = common.heading(crew, threads)
            candidates.use_isa(heading["isa"])
            measured = list(candidates.measure(crew, options))
        print_regrets(measured, threads)
        runs.append(heading | {"rows": [one.row() for one in measured]})
        for one in measured:
            flops = 2e-9 * one.problem.macs
            labels.append(f"{one.name} {one.direction} threads={threads}")
            series["chosen"].append(flops / one.seconds[one.chosen])
            series["best"].append(flops / one.seconds[one.best])
    common.save(options, "plan_regret", runs)
    if options.plot:
        report.plot_bars(options.plot, common.cpu_name(), "GF/s", labels, series)
    return 0


if __name__ == "__main__":
    common.run(main)
