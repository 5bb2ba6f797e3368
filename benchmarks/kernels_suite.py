"""Times single operations (a convolution, a matrix product) and prints them next to the peers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import common, report
from .truth import Truth
from .workers import Contender, Crew

QUICK_SECONDS = 0.01


@dataclass(frozen=True)
class Case:
    """One problem in one direction."""

    name: str
    direction: str
    flops: int
    #: What the workers get.
    spec: dict[str, Any]
    #: Computes the exact result; called once, before the timing.
    truth: Callable[[], Truth]


def argument_parser(
    program: str, doc: str | None, peers: Sequence[str], rounds: int
) -> argparse.ArgumentParser:
    """Return the common parser with what all suites of operations share."""
    parser = common.argument_parser(program, doc, peers, rounds)
    add = parser.add_argument
    add("names", nargs="*", help="problems, as names or glob patterns (all)")
    add("--set", dest="sets", type=common.words, default=[], help="networks: resnet50,vgg16,...")
    add("--kind", dest="kinds", type=common.words, default=[], help="kinds: 3x3,1x1,...")
    add("--seconds", type=float, help=f"length of a turn (0.1; {QUICK_SECONDS} with --quick)")
    return parser


def run_suite(bench: str, options: argparse.Namespace, cases: Sequence[Case]) -> int:
    """Measure all cases at each number of threads, print and save; return the exit code."""
    seconds = options.seconds or (QUICK_SECONDS if options.quick else 0.1)
    runs: list[dict[str, Any]] = []
    interrupted = False
    for threads in options.threads:
        with Crew(bench, options.peers, threads, {}) as crew:
            heading = common.heading(crew, threads)
            rows: list[dict[str, Any]] = []
            try:
                for number, case in enumerate(cases, 1):
                    common.progress(f"[{number}/{len(cases)}] {case.name} {case.direction}")
                    rows += _measure(crew, case, heading["peak_gflops"], options.rounds, seconds)
            except KeyboardInterrupt:
                interrupted = True
            common.progress("")
        runs.append(heading | {"rows": rows})
        _print(heading, rows)
        if interrupted:
            print("interrupted: these are the results so far")
            break
    document = {
        "benchmark": bench,
        "machine": common.machine(),
        "rounds": options.rounds,
        "seconds": seconds,
        "runs": runs,
    }
    if options.json:
        common.write_json(options.json, document)
    if options.plot:
        _plot(options.plot, document)
    return int(any("failure" in row["fastconv"] for run in runs for row in run["rows"]))


def _measure(
    crew: Crew, case: Case, peak: float, rounds: int, seconds: float
) -> Iterator[dict[str, Any]]:
    """Yield one row per variant of fastconv; the peers are timed once for all of them."""
    truth = case.truth()
    contenders = crew.prepare(case.spec, truth.rows)
    crew.race(contenders, rounds, seconds, warmup=1)
    crew.finish()
    results = [(contender, _result(contender, case, truth)) for contender in contenders]
    peers: dict[str, dict[str, Any]] = {}
    for contender, result in results:
        if contender.peer != "fastconv":
            # Of the variants of a library the fastest counts; a failure only if all fail.
            others = [peers[contender.peer]] if contender.peer in peers else []
            peers[contender.peer] = min([*others, result], key=_median_us)
    for contender, ours in results:
        if contender.peer != "fastconv":
            continue
        if "failure" not in ours:
            ours["peak_share"] = ours["gflops"] / peak
        ratios = {
            peer: ours["gflops"] / theirs["gflops"]
            for peer, theirs in peers.items()
            if "failure" not in ours and "failure" not in theirs
        }
        yield {
            "problem": case.name,
            "direction": case.direction,
            "algorithm": contender.variant,
            "fastconv": ours,
            "peers": peers,
            "ratios": ratios | ({"best": min(ratios.values())} if ratios else {}),
        }


def _result(contender: Contender, case: Case, truth: Truth) -> dict[str, Any]:
    if contender.failure:
        return {"variant": contender.variant, "failure": contender.failure}
    shapes = [value.shape for value in truth.values]
    return {
        "variant": contender.variant,
        "median_us": contender.median * 1e6,
        "min_us": contender.minimum * 1e6,
        "gflops": case.flops / contender.median * 1e-9,
        "error": common.finite(truth.error(contender.results(shapes))),
    }


def _median_us(result: dict[str, Any]) -> float:
    return float(result.get("median_us", "inf"))


def _print(heading: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    peers = [peer for peer in heading["versions"] if peer != "fastconv"]
    names = [key for key in ("problem", "direction", "algorithm") if any(row[key] for row in rows)]
    failures: list[str] = []
    lines = []
    for row in rows:
        ours, ratios = row["fastconv"], row["ratios"]
        label = " ".join(row[key] for key in names)
        numbers = ["failed", "", "", ""]
        if "failure" in ours:
            failures.append(f"{label}: {ours['failure']}")
        else:
            time, rate, share = ours["median_us"], ours["gflops"], ours["peak_share"]
            numbers = [f"{time:.1f}", f"{rate:.1f}", f"{share:.0%}", _error(ours)]
        cells = []
        for peer in peers:
            theirs = row["peers"].get(peer)
            if theirs is None:
                cells.append("-")
            elif "failure" in theirs:
                failures.append(f"{label}, {peer}: {theirs['failure']}")
                cells.append("failed")
            else:
                ratio = f" {ratios[peer]:.2f}x" if peer in ratios else ""
                cells.append(f"{theirs['gflops']:.1f} ({_error(theirs)}){ratio}")
        best = f"{ratios['best']:.2f}x" if ratios else "-"
        lines.append([*(row[key] for key in names), *numbers, *cells, best])
    report.print_table(
        f"{heading['threads']} thread(s); peers: GF/s (rms error), how many times as fast we are",
        [*names, "us", "GF/s", "peak", "error", *peers, "x best"],
        lines,
        left=len(names),
    )
    for failure in failures:
        print(f"failed: {failure}")
    _print_means(peers, rows)


def _print_means(peers: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Print the geometric means of the ratios for each direction and algorithm."""
    names = [key for key in ("direction", "algorithm") if any(row[key] for row in rows)]
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        if "failure" not in row["fastconv"]:
            groups.setdefault(tuple(row[key] for key in names), []).append(row)
    lines = []
    for group, members in groups.items():
        rates = [row["fastconv"]["gflops"] for row in members]
        cells = [*group, str(len(members)), f"{common.geometric_mean(rates):.1f}"]
        for peer in (*peers, "best"):
            ratios = [row["ratios"][peer] for row in members if peer in row["ratios"]]
            cells.append(f"{common.geometric_mean(ratios):.2f}x" if ratios else "-")
        lines.append(cells)
    headers = [*names, "problems", "GF/s", *(f"x {peer}" for peer in (*peers, "best"))]
    report.print_table("geometric means", headers, lines, left=len(names))


def _error(result: dict[str, Any]) -> str:
    return "nan" if result["error"] is None else f"{result['error']:.1e}"


def _plot(path: Any, document: dict[str, Any]) -> None:
    labels: list[str] = []
    series: dict[str, list[float]] = {}
    for run in document["runs"]:
        for row in run["rows"]:
            label = [
                row["problem"],
                row["direction"],
                row["algorithm"],
                f"threads={run['threads']}",
            ]
            labels.append(" ".join(filter(None, label)))
            for name in run["versions"]:
                result = row["fastconv"] if name == "fastconv" else row["peers"].get(name, {})
                bars = series.setdefault(name, [])
                bars += [float("nan")] * (len(labels) - 1 - len(bars))
                bars.append(result.get("gflops", float("nan")))
    for bars in series.values():
        bars += [float("nan")] * (len(labels) - len(bars))
    report.plot_bars(path, document["machine"]["cpu"], "GF/s", labels, series)
