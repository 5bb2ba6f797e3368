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

#: Header and format of the entries that each benchmark prints.
COLUMNS = {
    "training": {
        "images_per_second": ("images/s", "{:.0f}"),
        "ratio": ("x", "{:.2f}x"),
        "loss": ("loss", "{:.4f}"),
        "import_seconds": ("import s", "{:.2f}"),
        "first_step_seconds": ("first step s", "{:.2f}"),
        "start_seconds": ("start s", "{:.2f}"),
        "first_over_later": ("first/later", "{:.1f}x"),
        "peak_rss_mb": ("peak MB", "{:.0f}"),
    },
    "inference": {
        "median_us": ("us", "{:.1f}"),
        "images_per_second": ("images/s", "{:.0f}"),
        "ratio": ("x", "{:.2f}x"),
        "difference": ("difference", "{:.1e}"),
        "variant": ("way", "{}"),
    },
    "startup": {
        "median_seconds": ("median s", "{:.3f}"),
        "min_seconds": ("min s", "{:.3f}"),
        "ratio": ("x", "{:.1f}x"),
    },
}


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


def table(rows: Sequence[Row], bench: str) -> tuple[list[str], list[list[str]], int]:
    """Return headers, rows, and how many columns are text."""
    columns = COLUMNS[bench]
    lines = []
    for row in rows:
        cells = [
            "-" if row.get(key) is None else form.format(row[key])
            for key, (_, form) in columns.items()
        ]
        lines.append([row["library"], *cells])
    return ["library", *(header for header, _ in columns.values())], lines, 1


def print_rows(title: str, rows: Sequence[Row], bench: str) -> None:
    """Print the table, and why libraries are missing from it."""
    report.print_table(title, *table(rows, bench))
    for row in rows:
        if "failure" in row:
            print(f"{row['library']}: {row['failure']}")


def means(runs: Sequence[dict[str, Any]]) -> str:
    """Say how many times as fast fastconv is: geometric means over all runs; "" if none can be."""
    ratios: dict[str, list[float]] = {}
    for run in runs:
        present = {row["library"]: row["ratio"] for row in run["rows"] if "ratio" in row}
        if present:
            present["best"] = min(present.values())
        for name, ratio in present.items():
            ratios.setdefault(name, []).append(ratio)
    words = [f"{name} {common.geometric_mean(values):.2f}x" for name, values in ratios.items()]
    where = f"geometric means over {len(runs)} run(s)"
    return f"fastconv is as many times as fast, {where}: {', '.join(words)}" if words else ""


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
    print(f"\n{means(runs)}")
    common.save(options, bench, runs)
    if options.plot:
        plot(options.plot, runs, speed, unit)
    return int(any("failure" in run["rows"][0] for run in runs))
