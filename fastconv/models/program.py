"""Program: the layers of a model as a flat list of steps, the models within it in their place.

    Sequential, functional, traced model -> Graph -> Program -> fusions -> Plan (runs it)

A slot is a number for a value that a run of the program computes: an input or a layer's output.
Each slot is written once. This list is the only form in which anything runs; what makes it faster
(see `fusion`) turns one list into another.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..layers import Layer
from ..layers.symbolic import Graph


class Step(NamedTuple):
    """One call of a layer.

    Attributes
    ----------
    layer : Layer
    inputs : tuple of int
        Slots that it reads; more than one if the layer takes a list.
    output : int
        Slot that it writes.
    training : bool
        What `forward` is told.
    """

    layer: Layer
    inputs: tuple[int, ...]
    output: int
    training: bool


class Program:
    """Steps in an order in which they can run.

    Attributes
    ----------
    steps : list of Step
    inputs, outputs : list of int
        Slots of the model's inputs and outputs, in the order of its flat lists.
    size : int
        Number of slots.
    derived : list of function
        Each brings weights that were derived from others up to date, see `fusion`.
    """

    def __init__(self, steps: list[Step], inputs: list[int], outputs: list[int], size: int) -> None:
        self.steps = steps
        self.inputs = inputs
        self.outputs = outputs
        self.size = size
        self.derived: list[Callable[[], None]] = []

    def new_slot(self) -> int:
        """Return the number of a further slot."""
        self.size += 1
        return self.size - 1

    def taped(self, taped: list[bool]) -> Program:
        """Return the program whose taped steps all know the way back.

        Where gradients go back through a layer that is told not to train, it is one that computes
        in training what inference does.
        """
        steps = [
            step._replace(layer=step.layer.in_inference(), training=True)
            if back and not step.training
            else step
            for step, back in zip(self.steps, taped, strict=True)
        ]
        program = Program(steps, self.inputs, self.outputs, self.size)
        program.derived = self.derived
        return program

    def copied(self) -> Program:
        """Return the program with layers of its own, whose weights are copies.

        Raises
        ------
        TypeError
            A layer holds something that cannot be copied.
        """
        memo: dict[int, Any] = {}  # one for all: layers that share weights share the copies
        steps = []
        for step in self.steps:
            memo[id(step.layer._inbound_nodes)] = []  # they lead to all layers of the model
            try:
                layer = copy.deepcopy(step.layer, memo)
            except Exception as error:
                raise TypeError(
                    f"{step.layer.where}: cannot be copied: {error}; define __deepcopy__."
                ) from error
            steps.append(step._replace(layer=layer))
        return Program(steps, self.inputs, self.outputs, self.size)

    def readers(self) -> Counter[int]:
        """Return how often each slot is read; being an output counts once."""
        return Counter([*(slot for step in self.steps for slot in step.inputs), *self.outputs])

    def producers(self) -> dict[int, int]:
        """Return for each slot which step writes it."""
        return {step.output: i for i, step in enumerate(self.steps)}


def is_known(layer: Layer) -> bool:
    """Return whether a layer's class is one of this package, not one of your own."""
    return type(layer).__module__.startswith("fastconv.")


def makes_mask(layer: Layer) -> bool:
    """Return whether a layer makes a mask where its input has none."""
    defines = type(layer).compute_mask is not Layer.compute_mask
    return defines and not layer.takes_list and not layer.uses_mask


def lower(graph: Graph, training: bool) -> Program:
    """Return the program that computes a graph's outputs, for training or for inference.

    A call that was made with `training=False` stays in inference mode when the model trains, with
    gradients, and one with `training=True` stays in training mode; the innermost call decides.
    """
    count = len(graph.inputs)
    program = Program([], list(range(count)), [], count)
    program.outputs = _lower(graph, program.inputs, program, training, None)
    _drop_unused(program)
    return program


def _lower(
    graph: Graph, inputs: list[int], program: Program, training: bool, told: bool | None
) -> list[int]:
    """Append the steps of a graph whose inputs are in some slots; return those of its outputs."""
    slots = {id(tensor): slot for tensor, slot in zip(graph.inputs, inputs, strict=True)}
    for node in graph.nodes:
        if node.is_input:
            continue
        own: bool | None = node.kwargs.get("training", told)
        if own is None:
            own = told
        read = [slots[id(tensor)] for tensor in node.inputs]
        layer = node.layer
        inner = layer.graph
        if training and own is not False:
            inner = layer.training_graph or inner
        if inner is not None:
            written = _lower(inner, read, program, training, own)
        else:
            written = [program.new_slot()]
            mode = training if own is None else own
            program.steps.append(Step(layer, tuple(read), written[0], mode))
        for tensor, slot in zip(node.outputs, written, strict=True):
            slots[id(tensor)] = slot
    return [slots[id(tensor)] for tensor in graph.outputs]


def _drop_unused(program: Program) -> None:
    """Leave out steps that no output needs: of models within, perhaps only a part is used."""
    needed = set(program.outputs)
    kept: list[Step] = []
    for step in reversed(program.steps):
        if step.output in needed:
            needed.update(step.inputs)
            kept.append(step)
    program.steps = kept[::-1]


def gradient_paths(
    program: Program, with_loss: Sequence[bool], to_input: bool
) -> tuple[list[bool], list[bool]]:
    """Return through which steps gradients go back, and which slots need one."""
    need = [False] * program.size
    for slot in program.inputs:
        need[slot] = to_input
    for step in program.steps:
        learns = bool(step.layer.trainable_weights)
        need[step.output] = learns or any(need[slot] for slot in step.inputs)
    reach = [False] * program.size
    for slot, loss in zip(program.outputs, with_loss, strict=True):
        reach[slot] |= bool(loss)
    taped = [False] * len(program.steps)
    for i in reversed(range(len(program.steps))):
        step = program.steps[i]
        from_here = reach[step.output] or step.layer.activity_regularizer is not None
        taped[i] = from_here and need[step.output]
        if taped[i]:
            for slot in step.inputs:
                reach[slot] = True
    return taped, need


def masked_slots(program: Program) -> set[int]:
    """Return the slots that may have a mask."""
    slots: set[int] = set()
    for step in program.steps:
        layer = step.layer
        passes = layer.supports_masking or type(layer).compute_mask is not Layer.compute_mask
        if makes_mask(layer) or (passes and slots.intersection(step.inputs)):
            slots.add(step.output)
    return slots
