"""Times single operations (a convolution, a matrix product) and prints them next to the peers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from . import common, report
from .problems import CONVOLUTIONS, QUICK_CONVOLUTIONS, Problem, at_batches, select
from .truth import DIRECTIONS, PRECISIONS, Truth, precision_of
from .workers import Contender, Crew

QUICK_SECONDS = 0.01

#: A relative rms error that no arithmetic explains: that of bfloat16 numbers is about 0.003.
WRONG_ERROR = 0.01


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


def convolution_parser(
    program: str, doc: str | None, peers: Sequence[str], rounds: int
) -> argparse.ArgumentParser:
    """Return the parser of a suite of convolutions."""
    parser = argument_parser(program, doc, peers, rounds)
    add = parser.add_argument
    add("--batch", type=common.counts, default=[], help="batch sizes (1, small images 32)")
    add(
        "--direction",
        type=common.one_of(DIRECTIONS),
        default=["forward", "input", "kernel"],
        help="of forward,input,kernel,backward (the first three)",
    )
    add(
        "--precision",
        type=common.one_of(PRECISIONS),
        default=["highest"],
        help="of highest,high,medium: what fastconv is asked for (highest)",
    )
    return parser


def chosen_convolutions(options: argparse.Namespace) -> list[Problem]:
    """Return the problems that the command line selects."""
    selected = options.names or options.sets or options.kinds
    names = QUICK_CONVOLUTIONS if options.quick and not selected else options.names
    chosen = select(CONVOLUTIONS, names, options.sets, options.kinds)
    return at_batches(chosen, options.batch)


def turn_seconds(options: argparse.Namespace) -> float:
    """Return the length of a turn."""
    return float(options.seconds or (QUICK_SECONDS if options.quick else 0.1))


def run_suite(bench: str, options: argparse.Namespace, cases: Sequence[Case]) -> int:
    """Measure all cases at each number of threads, print and save; return the exit code."""
    seconds = turn_seconds(options)
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
        runs.append(heading | {"seconds": seconds, "rows": rows})
        _print(runs[-1])
        if interrupted:
            print("interrupted: these are the results so far")
            break
    common.save(options, bench, runs)
    if options.plot:
        _plot(options.plot, runs)
    return int(any("failure" in row["fastconv"] for run in runs for row in run["rows"]))


def _measure(
    crew: Crew, case: Case, peak: float, rounds: int, seconds: float
) -> Iterator[dict[str, Any]]:
    """Yield one row per variant of fastconv; the peers are timed once for all of them."""
    truth = case.truth()
    contenders = crew.prepare(case.spec, truth.rows)
    crew.race(contenders, rounds, seconds, warmup=1)
    crew.finish()
    theirs: dict[str, list[dict[str, Any]]] = {}
    for contender in contenders:
        if contender.peer != "fastconv":
            theirs.setdefault(contender.peer, []).append(_result(contender, case, truth))
    for contender in contenders:
        if contender.peer != "fastconv":
            continue
        ours = _result(contender, case, truth)
        if "failure" not in ours:
            ours["peak_share"] = ours["gflops"] / peak
        algorithm, _, precision = contender.variant.partition(" ")
        precision = precision or PRECISIONS[0]
        # An algorithm asked for by name may be less exact: so may be what it is compared with.
        level = max(precision, ours.get("class", precision), key=PRECISIONS.index)
        peers = {peer: _best(results, level) for peer, results in theirs.items()}
        ratios = {
            peer: ours["gflops"] / result["gflops"]
            for peer, result in peers.items()
            if "failure" not in ours and _is_exact(result, level)
        }
        yield {
            "problem": case.name,
            "direction": case.direction,
            "algorithm": algorithm,
            "precision": precision,
            "fastconv": ours,
            "peers": peers,
            "ratios": ratios | ({"best": min(ratios.values())} if ratios else {}),
        }


def _result(contender: Contender, case: Case, truth: Truth) -> dict[str, Any]:
    if contender.failure:
        return {"variant": contender.variant, "failure": contender.failure}
    shapes = [value.shape for value in truth.values]
    error, excess = truth.errors(contender.results(shapes))
    if not error < WRONG_ERROR:
        return {"variant": contender.variant, "failure": f"wrong, with an rms error of {error:.1e}"}
    return {
        "variant": contender.variant,
        "median_us": contender.median * 1e6,
        "min_us": contender.minimum * 1e6,
        "gflops": case.flops / contender.median * 1e-9,
        "error": error,
        "class": precision_of(error, excess),
    }


def _is_exact(result: dict[str, Any], precision: str) -> bool:
    """Return whether a result is of the class `precision` or better."""
    return "failure" not in result and PRECISIONS.index(result["class"]) <= PRECISIONS.index(
        precision
    )


def _best(variants: Sequence[dict[str, Any]], precision: str) -> dict[str, Any]:
    """Return the fastest of a library's variants that are exact enough, else the fastest."""
    return min(variants, key=lambda result: (not _is_exact(result, precision), _median_us(result)))


def _median_us(result: dict[str, Any]) -> float:
    return float(result.get("median_us", "inf"))


def table(run: dict[str, Any]) -> tuple[list[str], list[list[str]], int]:
    """Return headers, rows, and how many columns are text: a row per problem and direction."""
    peers = [peer for peer in run["versions"] if peer != "fastconv"]
    names = _labels(run["rows"], ("problem", "direction", "algorithm", "precision"))
    lines = []
    for row in run["rows"]:
        ours, ratios = row["fastconv"], row["ratios"]
        numbers = ["failed", "", "", ""]
        if "failure" not in ours:
            time, rate, share = ours["median_us"], ours["gflops"], ours["peak_share"]
            numbers = [f"{time:.1f}", f"{rate:.1f}", f"{share:.0%}", _error(ours)]
        cells = [_peer_cell(row["peers"].get(peer), ratios.get(peer)) for peer in peers]
        best = f"{ratios['best']:.2f}x" if ratios else "-"
        lines.append([*(row[key] for key in names), *numbers, *cells, best])
    return [*names, "us", "GF/s", "peak", "error", *peers, "x best"], lines, len(names)


def means_table(run: dict[str, Any]) -> tuple[list[str], list[list[str]], int]:
    """Return the same of the geometric means over each direction, algorithm and precision."""
    peers = [peer for peer in run["versions"] if peer != "fastconv"]
    names = _labels(run["rows"], ("direction", "algorithm", "precision"))
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in run["rows"]:
        if "failure" not in row["fastconv"]:
            groups.setdefault(tuple(row[key] for key in names), []).append(row)
    lines = []
    for group, members in groups.items():
        rates = [row["fastconv"]["gflops"] for row in members]
        cells = [*group, str(len(members)), f"{common.geometric_mean(rates):.1f}"]
        for peer in (*peers, "best"):
            ratios = [row["ratios"][peer] for row in members if peer in row["ratios"]]
            count = f" ({len(ratios)})" if 0 < len(ratios) < len(members) else ""
            cells.append(f"{common.geometric_mean(ratios):.2f}x{count}" if ratios else "-")
        lines.append(cells)
    headers = [*names, "problems", "GF/s", *(f"x {peer}" for peer in (*peers, "best"))]
    return headers, lines, len(names)


def _labels(rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> list[str]:
    """Return those of `keys` that tell rows apart."""
    always = {"problem", "direction"}
    return [
        key
        for key in keys
        if any(row[key] for row in rows) and (key in always or len({row[key] for row in rows}) > 1)
    ]


def _peer_cell(result: dict[str, Any] | None, ratio: float | None) -> str:
    if result is None:
        return "-"
    if "failure" in result:
        return "failed"
    compared = "" if ratio is None else f" {ratio:.2f}x"
    return f"{result['gflops']:.1f} ({_error(result)}){compared}"


def _error(result: dict[str, Any]) -> str:
    """Return the error, and the class when it is not the best."""
    grade = "" if result["class"] == PRECISIONS[0] else f", {result['class']}"
    return f"{result['error']:.1e}{grade}"


def _print(run: dict[str, Any]) -> None:
    title = f"{run['threads']} thread(s); peers: GF/s (rms error), how many times as fast we are"
    report.print_table(title, *table(run))
    failures = {
        f"failed: {row['problem']} {row['direction']}, {peer}: {result['failure']}": None
        for row in run["rows"]
        for peer, result in {"fastconv": row["fastconv"], **row["peers"]}.items()
        if "failure" in result
    }
    print(*failures, sep="\n", end="\n" if failures else "")
    report.print_table("geometric means", *means_table(run))


def _plot(path: Any, runs: Sequence[dict[str, Any]]) -> None:
    labels: list[str] = []
    series: dict[str, list[float]] = {}
    for run in runs:
        for row in run["rows"]:
            label = [
                row["problem"],
                row["direction"],
                row["algorithm"],
                row["precision"],
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
    peaks = {f"FMA peak, {run['threads']} thread(s)": run["peak_gflops"] for run in runs}
    report.plot_bars(path, common.cpu_name(), "GF/s", labels, series, peaks)
