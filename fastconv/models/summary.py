"""The table that `model.summary()` prints. rich draws it, and is loaded when it is first needed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..layers import Layer
from ..ops import checks

if TYPE_CHECKING:
    from .network import Network

NUMBER, NOTHING, SYMBOL, YES, NO = "color(34)", "color(45)", "color(33)", "color(34)", "color(9)"


def show(
    model: Network,
    line_length: int | None,
    positions: Sequence[float] | None,
    print_fn: Callable[[str], Any] | None,
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Any,
) -> None:
    """Print the table; see `Network.summary`."""
    import shutil

    from rich.console import Console
    from rich.markup import escape

    branches = _branches(model)
    positions = list(positions or ((0.3, 0.56, 0.74, 1.0) if branches else (0.45, 0.80, 1.0)))
    width = 108 if branches else 88
    if show_trainable:
        width += 12
        positions = [0.9 * position for position in positions] + [1.0]
    if line_length is None:
        line_length = min(width, shutil.get_terminal_size().columns - 4)

    console = Console(highlight=False)
    if print_fn is not None:
        console = Console(highlight=False, force_terminal=False, color_system=None)
        console.begin_capture()
    console.print(f'[bold]Model: "{escape(model.name)}"[/]')
    console.print(_table(model, line_length, positions, expand_nested, show_trainable, layer_range))
    for line in _totals(model):
        console.print(line)
    if print_fn is not None:
        print_fn(console.end_capture())


def _table(
    model: Network,
    line_length: int,
    positions: Sequence[float],
    expand_nested: bool,
    show_trainable: bool,
    layer_range: Any,
) -> Any:
    from rich.table import Column, Table

    header = [("Layer (type)", "left"), ("Output Shape", "left"), ("Param #", "right")]
    branches = _branches(model)
    if branches:
        header.append(("Connected to", "left"))
    if show_trainable:
        header.append(("Trainable", "center"))
    if len(positions) != len(header):
        raise ValueError(
            f"summary: positions must have one number for each of {len(header)} columns, got "
            f"{len(positions)}."
        )
    edges = [int(position * line_length) for position in positions]
    widths = [right - left for left, right in zip([0, *edges[:-1]], edges, strict=True)]
    if min(widths) < 4:
        raise ValueError(f"summary: a table of width {line_length} is too narrow.")
    columns: list[Any] = [
        Column(title, justify=justify, width=size)  # type: ignore[arg-type]
        for (title, justify), size in zip(header, widths, strict=True)
    ]
    table = Table(*columns, width=line_length, show_lines=True)
    entries = model.layer_shapes()
    start, stop = _range([layer.name for layer, _ in entries], layer_range)
    connected = _connections(model) if branches else None
    for row in _rows(entries[start:stop], expand_nested, show_trainable, connected):
        table.add_row(*row)
    return table


def _rows(
    entries: Sequence[tuple[Layer, Any]],
    expand_nested: bool,
    show_trainable: bool,
    connected: dict[int, str] | None,
    depth: int = 0,
) -> Iterator[list[str]]:
    """Yield the cells of each layer, those of models within the model below it."""
    from rich.markup import escape

    for layer, shape in entries:
        indent = f"{'   ' * depth}└ " if depth else ""
        name = f"{escape(indent + layer.name)} ([{SYMBOL}]{escape(type(layer).__name__)}[/])"
        cells = [name, _shape(shape), _number(0) + " (unbuilt)"]
        if layer.built:
            cells[2] = _number(f"{layer.count_params():,}")
        if connected is not None:
            cells.append(escape(connected.get(id(layer), "-")))
        if show_trainable:
            answer = f"[bold][{YES}]Y[/][/]" if layer.trainable else f"[bold][{NO}]N[/][/]"
            cells.append(answer if layer.weights else "[bold]-[/]")
        yield cells
        inner = getattr(layer, "layer_shapes", None)
        if expand_nested and inner is not None:
            yield from _rows(inner(), expand_nested, show_trainable, connected, depth + 1)


def _branches(model: Network) -> bool:
    """Return whether the layers form anything else than a line."""
    graph = model.graph
    if graph is None or model.is_traced:
        return False
    calls = [node for node in graph.nodes if not node.is_input]
    once = len(graph.nodes) == len(graph.layers)
    return (
        not once
        or len(graph.inputs) > 1
        or any(
            len(call.inputs) > 1 or before.outputs != call.inputs
            for before, call in zip(graph.nodes, calls, strict=False)
        )
    )


def _connections(model: Network) -> dict[int, str]:
    """Return what each layer reads, by its id: layer[call][output], ..."""
    graph = model.graph
    assert graph is not None
    numbers = {
        id(tensor): f"{layer.name}[{number}][{tensor.index}]"
        for layer in graph.layers
        for number, node in enumerate(graph.calls(layer))
        for tensor in node.outputs
    }
    return {
        id(layer): ", ".join(
            numbers[id(tensor)] for node in graph.calls(layer) for tensor in node.inputs
        )
        or "-"
        for layer in graph.layers
    }


def _totals(model: Network) -> Iterator[str]:
    groups = [
        ("Total", model.weights),
        ("Trainable", model.trainable_weights),
        ("Non-trainable", model.non_trainable_weights),
    ]
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and optimizer.built:
        groups.append(("Optimizer", optimizer.variables))
    for title, arrays in groups:
        count = sum(math.prod(array.shape) for array in arrays)
        size = checks.readable_bytes(4 * count)  # everything is of 4 bytes
        yield f"[bold] {title} params: [/]{_number(f'{count:,}')} ({size})"
    if not model.built:
        yield " Not built yet: call model.build((None, ...)) or begin with an Input."


def _range(names: Sequence[str], layer_range: Any) -> tuple[int, int]:
    """Return the part of the layers between two names, given as regular expressions."""
    if layer_range is None:
        return 0, len(names)
    if len(layer_range) != 2 or not all(isinstance(name, str) for name in layer_range):
        raise ValueError(f"summary: layer_range must be two names, got {layer_range!r}.")
    found = [[i for i, name in enumerate(names) if re.match(end, name)] for end in layer_range]
    if not all(found):
        raise ValueError(
            f"summary: layer_range {layer_range!r} matches no layer; there are {names}."
        )
    first, last = min(found[0]), max(found[1])
    if first > last:
        first, last = min(found[1]), max(found[0])
    return first, last + 1


def _shape(shape: Any) -> str:
    if shape is None:
        return "?"
    if isinstance(shape, Mapping):
        shape = list(shape.values())
    if shape and not all(n is None or isinstance(n, int) for n in shape):
        return f"[{', '.join(_shape(part) for part in shape)}]"
    return f"({', '.join(_number(n) for n in shape)})"


def _number(value: Any) -> str:
    return f"[{NOTHING if value is None else NUMBER}]{value}[/]"
