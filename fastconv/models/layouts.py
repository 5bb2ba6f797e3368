"""Channels-first layers in a row: their axes are moved once, not twice for each layer.

Inside, every layer computes with channels last (`layers.image`). Here that becomes visible in the
program: such a layer is replaced by its twin for channels last, between a step that moves the
channels to the end and one that moves them back,

    first -> [to last] -> twin -> [to first] -> [to last] -> twin -> [to first] -> ...

and what follows reads the value with channels last where there is one already. It is moved back
only for those who need it. The bits are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from ..layers import Layer
from ..layers.arguments import Shape
from ..layers.image import ImageLayer
from ..layers.layer import Backward, weightless_backward
from .program import Program, Step, is_known, makes_mask


class Move(Layer):
    """Moves the channels from behind the batch to the end, or back."""

    def __init__(self, to_last: bool) -> None:
        super().__init__(name="to_channels_last" if to_last else "to_channels_first")
        self.to_last = to_last

    def orders(self, rank: int) -> tuple[Sequence[int], Sequence[int]]:
        """Return the axes of the input in their new order, and those of the output in the old."""
        both = (0, *range(2, rank), 1)[:rank], (0, rank - 1, *range(1, rank - 1))[:rank]
        return both if self.to_last else both[::-1]

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the sizes in the other order."""
        return tuple(input_shape[axis] for axis in self.orders(len(input_shape))[0])

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x` with its axes in the other order."""
        there, back = self.orders(x.ndim)
        return np.ascontiguousarray(x.transpose(there)), weightless_backward(
            training, lambda dy: np.ascontiguousarray(dy.transpose(back))
        )


def move_channels_once(program: Program) -> None:
    """Replace layers with channels first by their twins, where no value has a mask."""
    layers = [step.layer for step in program.steps]
    if not any(map(_is_first, layers)) or any(map(makes_mask, layers)):
        return
    #: Slot with channels first: the slot with the same value and channels last, and its rank.
    last: dict[int, tuple[int, int | None]] = {}
    #: Slots with channels first that nothing has written yet.
    unwritten: set[int] = set()
    steps: list[Step] = []

    def write(slots: Iterable[int], training: bool) -> None:
        for slot in sorted(unwritten.intersection(slots)):
            unwritten.remove(slot)
            steps.append(Step(Move(False), (last[slot][0],), slot, training))

    for step in program.steps:
        twin = _twin(step, last)
        if twin is None:
            write(step.inputs, step.training)
            steps.append(step)
            continue
        for slot in step.inputs:
            if slot not in last:
                last[slot] = program.new_slot(), step.layer.input_rank  # of an ImageLayer
                steps.append(Step(Move(True), (slot,), last[slot][0], step.training))
        reads = tuple(last[slot][0] for slot in step.inputs)
        if isinstance(twin, ImageLayer) and not twin.keeps_axes:
            steps.append(step._replace(layer=twin, inputs=reads))
            continue
        last[step.output] = program.new_slot(), last[step.inputs[0]][1]
        steps.append(step._replace(layer=twin, inputs=reads, output=last[step.output][0]))
        unwritten.add(step.output)
    write(program.outputs, False)
    program.steps = steps


def _is_first(layer: Layer) -> bool:
    return isinstance(layer, ImageLayer) and layer.channels_first


def _twin(step: Step, last: dict[int, tuple[int, int | None]]) -> Layer | None:
    """Return the layer that takes the place of a step's where channels are last."""
    if step.layer.activity_regularizer is not None:
        return None  # a sum, whose last bit depends on the order
    if not is_known(step.layer):
        return None  # its `forward` may depend on the order
    if isinstance(step.layer, ImageLayer):
        return step.layer.channels_last_twin()
    # The others have no order of axes of their own: only in between, and of one rank.
    ranks = {last[slot][1] if slot in last else None for slot in step.inputs}
    if None in ranks or len(ranks) != 1:
        return None
    return step.layer if step.layer.is_elementwise else step.layer.channels_last_twin()
