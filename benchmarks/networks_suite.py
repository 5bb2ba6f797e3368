"""What the programs about whole networks share: one row per library, how it is printed and drawn.

A row is a dictionary with "library", and either "failure" or what was measured; the first is
fastconv's, the others get the "ratio" of how many times as fast fastconv is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from . import common, report

Row = dict[str, Any]


def add_ratios(rows: Sequence[Row], speed: str) -> None:
    """Add how many times as fast fastconv is, by the entry `speed` (larger is better)."""
    ours = rows[0].get(speed)
    for row in rows[1:]:
        if ours and speed in row:
            row["ratio"] = ours / row[speed]


def missing(peers: Iterable[str], rows: Sequence[Row]) -> list[Row]:
    """Return rows for the libraries that had nothing to run."""
    present = {row["library"] for row in rows}
    return [{"library": peer, "failure": "not written"} for peer in peers if peer not in present]


def print_rows(title: str, rows: Sequence[Row], columns: dict[str, tuple[str, str]]) -> None:
    """Print a table; `columns` says the header and the format of each entry of a row."""
    lines = []
    for row in rows:
        cells = [
            "-" if row.get(key) is None else form.format(row[key])
            for key, (_, form) in columns.items()
        ]
        lines.append([row["library"], *cells])
    headers = ["library", *(header for header, _ in columns.values())]
    report.print_table(title, headers, lines, left=1)
    for row in rows:
        if "failure" in row:
            print(f"{row['library']}: {row['failure']}")


def print_means(runs: Sequence[dict[str, Any]]) -> None:
    """Print the geometric mean over all runs of how many times as fast fastconv is."""
    ratios: dict[str, list[float]] = {}
    for run in runs:
        present = {row["library"]: row["ratio"] for row in run["rows"] if "ratio" in row}
        if present:
            present["best"] = min(present.values())
        for name, ratio in present.items():
            ratios.setdefault(name, []).append(ratio)
    means = [f"{name} {common.geometric_mean(values):.2f}x" for name, values in ratios.items()]
    if means:
        print(f"\nfastconv's speed, geometric means over {len(runs)} run(s): {', '.join(means)}")


def plot(path: Path, runs: Sequence[dict[str, Any]], speed: str, unit: str) -> None:
    """Draw the entry `speed` of all rows."""
    labels = [f"{run['net']}, batch {run['batch']}, {run['threads']} thread(s)" for run in runs]
    libraries = dict.fromkeys(row["library"] for run in runs for row in run["rows"])
    found = [{row["library"]: row.get(speed) for row in run["rows"]} for run in runs]
    series = {
        name: [float("nan") if row.get(name) is None else row[name] for row in found]
        for name in libraries
    }
    report.plot_bars(path, common.cpu_name(), unit, labels, series)


def finish(bench: str, options: Any, runs: Sequence[dict[str, Any]], speed: str, unit: str) -> int:
    """Print the means, write the files that were asked for; return the exit code."""
    print_means(runs)
    if options.json:
        common.write_json(
            options.json,
            {
                "benchmark": bench,
                "machine": common.machine(),
                "rounds": options.rounds,
                "runs": runs,
            },
        )
    if options.plot:
        plot(options.plot, runs, speed, unit)
    return int(any("failure" in run["rows"][0] for run in runs))
