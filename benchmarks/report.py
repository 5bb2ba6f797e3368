"""Prints tables (rich on a terminal, plain text elsewhere) and draws bar charts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path


def print_table(
    title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], left: int
) -> None:
    """Print a table whose first `left` columns are text and whose others are numbers."""
    widths = [max(map(len, column)) for column in zip(headers, *rows, strict=True)]
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.table import Table

        console = Console()
        if sum(widths) + 3 * len(widths) + 1 <= console.width:  # else rich would cut cells off
            table = Table(title=title, title_justify="left")
            for index, header in enumerate(headers):
                table.add_column(header, justify="left" if index < left else "right")
            for row in rows:
                table.add_row(*row)
            console.print(table)
            return
    print(f"\n{title}")
    for row in (headers, ["-" * width for width in widths], *rows):
        cells = [
            cell.ljust(width) if index < left else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    """Return the table as Markdown; cells must not hold a "|"."""
    marks = ["---" if index < left else "---:" for index in range(len(headers))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (headers, marks, *rows))


def plot_bars(
    path: Path,
    title: str,
    unit: str,
    labels: Sequence[str],
    series: dict[str, list[float]],
    marks: dict[str, float] | None = None,
) -> None:
    """Draw a group of horizontal bars per label, one bar per series; NaN leaves a gap.

    `marks` are vertical lines with a name each.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = 0.8 / len(series)
    figure = Figure(figsize=(9, 1.5 + 0.22 * len(labels) * (len(series) + 1)), layout="constrained")
    axes = figure.add_subplot()
    for index, (name, values) in enumerate(series.items()):
        places = [place + index * height for place in range(len(labels))]
        axes.barh(places, values, height, label=name)
    for name, value in (marks or {}).items():
        axes.axvline(value, color="black", linestyle="--", label=name)
    middle = height * (len(series) - 1) / 2
    axes.margins(y=0.01)
    axes.set_yticks([place + middle for place in range(len(labels))], labels)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.set_title(title)
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    FigureCanvasAgg(figure).print_png(path)
