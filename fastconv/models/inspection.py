"""What a model does, instruction by instruction: `model.explain()` and `model.profile()`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops import checks, machine
from ..ops.memory import taken
from ..saving.tree import seed_generators
from . import inputs
from .buffers import Buffer
from .execution import Execution
from .plan import Plan
from .rules import CannotLowerError

if TYPE_CHECKING:
    from .model import Model

Row = dict[str, Any]


class Explanation(list[Row]):
    """The instructions, and the megabytes that training takes, by what for.

    Parameters
    ----------
    rows : list of dict
    memory : dict of str to float
        Empty for inference.
    """

    def __init__(self, rows: Sequence[Row], memory: dict[str, float]) -> None:
        super().__init__(rows)
        self.memory = memory


#: Timings of an instruction, of which the median counts.
REPEATS = 15


def explain(model: Model, batch_size: Any, training: bool) -> Explanation:
    """Print what a batch runs through; see `Model.explain`."""
    batch = checks.as_int("explain", "batch_size", batch_size)
    if model.graph is None:
        raise ValueError(f"{model.where}: explain needs a model that is built.")
    shapes: list[tuple[int, ...]] = []
    for tensor in model.inputs:
        known = [size for size in tensor.shape[1:] if size is not None]
        if len(known) < len(tensor.shape) - 1:
            raise ValueError(
                f"{model.where}: explain needs inputs of known sizes, got {model.input_shape}; use "
                f"profile(x) with data."
            )
        shapes.append((batch, *known))
    execution = _execution(model, "explain", training, shapes)
    rows = [_describe(execution, i) for i in range(len(execution.instructions))]
    columns = ("layer", "what", "algorithm", "mflop", "mbytes", "buffer")
    _print(model, execution, rows, columns, shapes)
    memory = _training_memory(model, execution) if training else {}
    if memory:
        parts = ", ".join(f"{part} {size:,.2f}" for part, size in memory.items())
        print(f"MB of memory while training: {parts}")
        if execution.as_they_are:
            print(f"and what these layers keep for themselves: {', '.join(execution.as_they_are)}")
    return Explanation(rows, memory)


def _training_memory(model: Model, execution: Execution) -> dict[str, float]:
    """Return the megabytes that are kept from step to step, by what for, and "total"."""
    optimizer: Any = model.optimizer
    trained = model._compiled("explain").plan(model).variables
    workspaces = execution.workspace_bytes()  # this makes the copies of kernels too
    slots, gradients = optimizer.slots_nbytes(trained), execution.weight_gradients_nbytes
    parts = {
        "weights": sum(variable.value.nbytes for variable in model.weights),
        "kernel copies": sum(variable.packed_nbytes for variable in model.weights),
        "optimizer": slots,
        "activations": execution.forward_nbytes,
        "gradients": execution.nbytes - execution.forward_nbytes + gradients,
        "workspaces": workspaces,
        "unfilled pages": sum(taken(size) - size for size in (slots, execution.nbytes, gradients)),
    }
    parts["total"] = sum(parts.values())
    return {part: 1e-6 * nbytes for part, nbytes in parts.items()}


def profile(model: Model, x: Any, y: Any) -> list[Row]:
    """Time each instruction for a batch, and print it; see `Model.profile`."""
    if y is None:
        arrays = model.match_inputs("profile", x)
    else:
        objective = model._compiled("profile")
        arrays, targets, sample_weights = inputs.Sources(model, objective).batch(
            "profile", x, y, None, None
        )
    training = y is not None
    execution = _execution(model, "profile", training, [array.shape for array in arrays])
    gradients: Any = None
    with _as_it_was(model):
        if training:
            plan = objective.plan(model)
            plan.train([array[:1] for array in arrays])  # so that it knows what the loss takes
            outputs = execution.forward(arrays)
            gradients = objective.step(plan, targets, outputs, sample_weights, gradient=True)[1]
        times = execution.time(arrays, gradients, REPEATS)
    peak = machine.fma_peak() * machine.get_num_threads()
    rows = []
    for i, seconds in enumerate(times):
        row = _describe(execution, i)
        row["us"] = seconds * 1e6
        row["gflops"] = row["mflop"] / 1e3 / seconds
        row["share_of_peak"] = row["gflops"] / peak
        row["gbytes_per_s"] = row["mbytes"] / 1e3 / seconds
        rows.append(row)
    columns = ("layer", "what", "algorithm", "us", "gflops", "share_of_peak", "gbytes_per_s")
    _print(model, execution, rows, columns, [array.shape for array in arrays])
    return rows


@contextmanager
def _as_it_was(model: Model) -> Iterator[None]:
    """Put back afterwards what a step changes besides gradients: training goes on as without it."""
    weights = model.get_weights()  # normalizations follow what they see
    counters = [(g, g.state) for g in seed_generators(model).values()]
    heads = [] if model._objective is None else model._objective.heads
    means = [(head.tracker, head.tracker.total, head.tracker.count) for head in heads]
    try:
        yield
    finally:
        model.set_weights(weights)
        for generator, state in counters:
            generator.state = state
        for tracker, total, count in means:
            tracker.total, tracker.count = total, count


def _execution(
    model: Model, where: str, training: bool, shapes: Sequence[tuple[int, ...]]
) -> Execution:
    plan: Plan = model.plan()
    if training:
        plan = model._compiled(where).plan(model)
    try:
        return plan.compile(training, shapes)
    except CannotLowerError as error:
        raise ValueError(f"{model.where}: {where}: cannot be compiled: {error}") from None


def _describe(execution: Execution, i: int) -> Row:
    """Return what one instruction is, and what it reads and writes."""
    instruction = execution.instructions[i]
    step = instruction.step
    touched: dict[int, Buffer] = {
        id(buffer.root): buffer.root for buffer in (*instruction.reads, *instruction.writes)
    }
    written = [buffer.root for buffer in instruction.writes]
    return {
        "layer": "" if step is None else step.layer.name,
        "what": instruction.what,
        "algorithm": instruction.algorithm,
        "mflop": 2e-6 * instruction.macs,
        "mbytes": 1e-6 * sum(buffer.nbytes for buffer in touched.values()),
        "buffer": ", ".join("own" if b.is_own else f"{b.offset / 1024:.0f}K" for b in written),
    }


_TITLES = {
    "layer": "layer",
    "what": "what",
    "algorithm": "algorithm",
    "mflop": "MFLOP",
    "mbytes": "MB touched",
    "buffer": "writes at",
    "us": "us",
    "gflops": "GF/s",
    "share_of_peak": "of peak",
    "gbytes_per_s": "GB/s",
}
_FORMATS = {
    "mflop": "{:.2f}",
    "mbytes": "{:.2f}",
    "us": "{:.1f}",
    "gflops": "{:.1f}",
    "share_of_peak": "{:.0%}",
    "gbytes_per_s": "{:.1f}",
}


def _print(
    model: Model,
    execution: Execution,
    rows: Sequence[Row],
    columns: Sequence[str],
    shapes: Sequence[tuple[int, ...]],
) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{escape(model.name)}: input {', '.join(map(str, shapes))}")
    for name in columns:
        table.add_column(_TITLES[name], justify="right" if name in _FORMATS else "left")
    for i, row in enumerate(rows):
        cells = [
            escape(str(row[name])) if name not in _FORMATS else _number(name, row[name])
            for name in columns
        ]
        table.add_row(*cells, end_section=i == execution.forward_count - 1)
    console = Console(highlight=False)
    console.print(table)
    total = sum(row["mflop"] for row in rows)
    line = f"{total:,.2f} MFLOP, buffers of {1e-6 * execution.nbytes:.2f} MB"
    if "us" in columns:
        seconds = 1e-6 * sum(row["us"] for row in rows)
        line += f", {1e6 * seconds:,.0f} us, {total / 1e3 / seconds:.1f} GF/s"
    console.print(line)


def _number(name: str, value: float) -> str:
    return _FORMATS[name].format(value) if np.isfinite(value) and value else "-"
