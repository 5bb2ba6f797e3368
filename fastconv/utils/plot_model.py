"""plot_model: the layers of a model and what flows between them, as DOT text or an SVG picture.

Both need nothing but Python; PNG and PDF need the package pydot and the program Graphviz.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

#: Sizes in the picture, in pixels.
_LINE, _CHARACTER, _GAP_X, _GAP_Y, _MARGIN = 18, 7.2, 30, 34, 12


class _Box(NamedTuple):
    name: str
    lines: list[str]


def plot_model(
    model: Any,
    to_file: Any = "model.svg",
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    rankdir: str = "TB",
    expand_nested: bool = False,
    dpi: int = 200,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
    **kwargs: Any,
) -> str:
    """Draw a model into a file.

    Parameters
    ----------
    model : Model
        Built.
    to_file : str or path
        Ends in .svg or .dot; .png and .pdf need pydot and Graphviz.
    show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable : bool
        What to write into the boxes beside the class.
    rankdir : "TB" or "LR"
        From top to bottom, or from left to right (.dot, .png and .pdf only).
    expand_nested : bool
        Draw the layers of models within the model.
    dpi : int
        Of .png.

    Returns
    -------
    str
        The path of the file.

    Raises
    ------
    ImportError
        pydot is not there, for .png and .pdf.
    ValueError
        The model is not built, or the name ends otherwise.
    """
    path = os.fsdecode(to_file)
    ending = os.path.splitext(path)[1].lower()
    boxes, edges = _graph(
        model,
        expand_nested,
        show_shapes=show_shapes,
        show_dtype=show_dtype,
        show_layer_names=show_layer_names,
        show_layer_activations=show_layer_activations,
        show_trainable=show_trainable,
    )
    if ending == ".svg":
        text = _svg(boxes, edges)
    elif ending in (".dot", ".png", ".pdf"):
        text = _dot(boxes, edges, rankdir)
    else:
        raise ValueError(f"plot_model: to_file must end in .svg, .dot, .png or .pdf, got {path!r}.")
    if ending in (".png", ".pdf"):
        _with_graphviz(text, path, ending[1:], dpi)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    return path


def model_to_dot(model: Any, rankdir: str = "TB", expand_nested: bool = False, **show: Any) -> str:
    """Return a model in the DOT language of Graphviz.

    Parameters
    ----------
    model : Model
        Built.
    rankdir : "TB" or "LR"
    expand_nested : bool
    **show : bool
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable
    """
    return _dot(*_graph(model, expand_nested, **show), rankdir)


def _with_graphviz(dot: str, path: str, kind: str, dpi: int) -> None:
    try:
        import pydot  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ImportError(
            f"plot_model: .{kind} needs pydot and Graphviz (pip install pydot); "
            f"to_file='model.svg' needs nothing."
        ) from None
    (graph,) = pydot.graph_from_dot_data(dot)
    graph.set("dpi", dpi)
    graph.write(path, format=kind)


# From the model to boxes and edges


def _graph(
    model: Any, expand_nested: bool = False, **show: bool
) -> tuple[list[_Box], list[tuple[int, int]]]:
    """Return the boxes, each after those it needs, and pairs of indices: from, to."""
    if not model.built:
        raise ValueError(f"plot_model: {model.where} is not built: call build() or give an Input.")
    boxes: list[_Box] = []
    edges: list[tuple[int, int]] = []
    _draw(model, expand_nested, show, boxes, edges)
    return boxes, list(dict.fromkeys(edges))


def _draw(
    model: Any,
    expand: bool,
    show: dict[str, bool],
    boxes: list[_Box],
    edges: list[tuple[int, int]],
    sources: list[int] | None = None,
) -> list[int]:
    """Add the boxes of a model that gets its inputs from `sources`; return those of its outputs."""
    graph = model.graph
    of_layer: dict[int, int] = {}
    of_tensor: dict[int, int] = {}
    for tensor, source in zip(graph.inputs, sources or (), strict=False):
        of_tensor[id(tensor)] = source
    for node in graph.nodes:
        if node.is_input and id(node.outputs[0]) in of_tensor:
            continue
        before = [of_tensor[id(tensor)] for tensor in node.inputs]
        layer = node.layer
        if expand and getattr(layer, "graph", None) is not None:
            after = _draw(layer, expand, show, boxes, edges, before)
        else:
            if id(layer) not in of_layer:
                of_layer[id(layer)] = len(boxes)
                boxes.append(_box(layer, node, **show))
            here = of_layer[id(layer)]
            edges += [(source, here) for source in before]
            after = [here] * len(node.outputs)
        of_tensor.update({id(t): i for t, i in zip(node.outputs, after, strict=True)})
    return [of_tensor[id(tensor)] for tensor in graph.outputs]


def _box(
    layer: Any,
    node: Any,
    show_shapes: bool = False,
    show_dtype: bool = False,
    show_layer_names: bool = False,
    show_layer_activations: bool = False,
    show_trainable: bool = False,
) -> _Box:
    title = type(layer).__name__
    if show_layer_names:
        title = f"{layer.name} ({title})"
    lines = [title]
    activation = getattr(layer, "activation", None)
    if show_layer_activations and activation is not None:
        lines.append(f"Activation: {getattr(activation, 'registered_name', activation)}")
    if show_shapes:
        for word, tensors in (("Input", node.inputs), ("Output", node.outputs)):
            if tensors:
                lines.append(f"{word} shape: {', '.join(str(t.shape) for t in tensors)}")
    if show_dtype:
        lines.append(f"Output dtype: {', '.join(t.dtype for t in node.outputs)}")
    if show_trainable and layer.weights:
        lines.append(f"Trainable: {'yes' if layer.trainable_weights else 'no'}")
    return _Box(layer.name, lines)


# As text


def _dot(boxes: list[_Box], edges: list[tuple[int, int]], rankdir: str = "TB") -> str:
    if rankdir not in ("TB", "LR", "BT", "RL"):
        raise ValueError(f'plot_model: rankdir must be "TB", "LR", "BT" or "RL", got {rankdir!r}.')
    lines = [
        "digraph model {",
        f"  rankdir={rankdir};",
        "  node [shape=record, fontname=Helvetica];",
    ]
    for i, box in enumerate(boxes):
        label = "|".join(_escaped(line, '\\"{}|<>') for line in box.lines)
        lines.append(f'  n{i} [label="{{{label}}}"];')
    lines += [f"  n{a} -> n{b};" for a, b in edges]
    return "\n".join([*lines, "}", ""])


def _escaped(text: str, characters: str) -> str:
    return "".join(f"\\{c}" if c in characters else c for c in text)


# As a picture


def _svg(boxes: list[_Box], edges: list[tuple[int, int]]) -> str:
    """Return a picture in layers: a box stands below all that it needs."""
    from html import escape

    place, width, height = _layout(boxes, edges)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" font-family="Helvetica, Arial, sans-serif" '
        f'font-size="13">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 L8 4 L0 8 Z"/></marker></defs>',
        f'<rect width="{width:.0f}" height="{height:.0f}" fill="white"/>',
    ]
    for a, b in edges:
        (ax, ay, aw, ah), (bx, by, bw, _) = place[a], place[b]
        x1, y1, x2 = ax + aw / 2, ay + ah, bx + bw / 2
        middle = (y1 + by) / 2
        lines.append(
            f'<path d="M{x1:.1f} {y1:.1f} C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} '
            f'{x2:.1f} {by:.1f}" fill="none" stroke="black" marker-end="url(#tip)"/>'
        )
    for (x, y, w, h), box in zip(place, boxes, strict=True):
        lines.append(f"<g><title>{escape(box.name)}</title>")
        lines.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="3" '
            f'fill="white" stroke="black"/>'
        )
        for i, line in enumerate(box.lines):
            bold = ' font-weight="bold"' if i == 0 else ""
            lines.append(
                f'<text x="{x + w / 2:.1f}" y="{y + 18 + i * _LINE:.1f}" '
                f'text-anchor="middle"{bold}>{escape(line)}</text>'
            )
        lines.append("</g>")
    return "\n".join([*lines, "</svg>", ""])


def _layout(
    boxes: list[_Box], edges: list[tuple[int, int]]
) -> tuple[list[tuple[float, float, float, float]], float, float]:
    """Return x, y, width and height of each box, and the size of the picture."""
    before: list[list[int]] = [[] for _ in boxes]
    for a, b in edges:
        before[b].append(a)
    level = [0] * len(boxes)
    for i in range(len(boxes)):  # boxes come after those they need, but for layers used twice
        level[i] = max((level[a] + 1 for a in before[i] if a < i), default=0)
    rows: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
    for i, number in enumerate(level):
        rows[number].append(i)
    widths = [2 * _MARGIN + _CHARACTER * max(map(len, box.lines)) for box in boxes]
    heights = [float(10 + _LINE * len(box.lines)) for box in boxes]
    total = max(
        (sum(widths[i] + _GAP_X for i in row) - _GAP_X for row in rows), default=0
    ) + 2 * _MARGIN  # fmt: skip
    center = [0.0] * len(boxes)
    place: list[tuple[float, float, float, float]] = [(0, 0, 0, 0)] * len(boxes)
    y = float(_MARGIN)
    for row in rows:
        # Below the middle of what they need, in that order: fewer lines cross.
        wish = {i: _mean([center[a] for a in before[i] if a < i], total / 2) for i in row}
        x = (total - sum(widths[i] + _GAP_X for i in row) + _GAP_X) / 2
        for i in sorted(row, key=lambda i: wish[i]):
            place[i] = (x, y, widths[i], heights[i])
            center[i] = x + widths[i] / 2
            x += widths[i] + _GAP_X
        y += max(heights[i] for i in row) + _GAP_Y
    return place, total, y - _GAP_Y + _MARGIN


def _mean(values: list[float], default: float) -> float:
    return sum(values) / len(values) if values else default
