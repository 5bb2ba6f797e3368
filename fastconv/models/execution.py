"""Execution: a program compiled for inputs of known shapes, with all its memory.

    copy the inputs in -> forward instructions -> outputs
    copy dloss / doutputs in -> backward instructions -> gradients of weights and inputs

Nothing is checked, chosen or allocated any more. One thread at a time runs an execution; see
`Plan` for how they are kept.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ..layers import Variable
from ..ops import Rows, machine, memory
from .buffers import Buffer, plan_memory
from .lowering import Builder, Instruction
from .program import Program
from .rules import Backward, lower_step

Shape = tuple[int, ...]


class Execution:
    """Instructions and buffers of a program.

    Parameters
    ----------
    program : Program
    shapes : sequence of shape
        Of the inputs, with the batch.
    taped : sequence of bool
        Through which steps gradients go back; all False for inference.
    need : sequence of bool
        Which slots need a gradient.

    Attributes
    ----------
    forward_runs, backward_runs : list of function
        To be called in this order after `take`, and after `output_gradients` were written.
    outputs, output_gradients : list of array
        Buffers: what `forward` returns, and what is written to before the backward runs; None where
        no gradient comes from.
    weight_gradients : list of (Variable, array)
        What the latter write; layers that run as they are add theirs to `variable.grad`.
    instructions : list of Instruction
    forward_count : int
        How many of them come before the loss.
    nbytes, kept_nbytes : int
        Bytes of all buffers, and of the memory that they lie in.
    forward_nbytes : int
        Bytes of the buffers that are written before the loss; those of gradients take their places
        as far as they fit.
    as_they_are : list of str
        Names of the layers that run as they are, in memory of their own.
    """

    def __init__(
        self, program: Program, shapes: Sequence[Shape], taped: Sequence[bool], need: list[bool]
    ) -> None:
        b = Builder(program, need)
        for slot, shape in zip(program.inputs, shapes, strict=True):
            b.values[slot] = b.new(shape)
            b.values[slot].use(0)
        backwards: list[tuple[int, Backward]] = []
        for step, asked in zip(program.steps, taped, strict=True):
            backward = lower_step(b, step, asked)
            if asked:
                backwards.append((step.output, backward))
        self.forward_count = len(b.instructions)
        for slot in program.outputs:
            b.values[slot].use(self.forward_count)
        self._losses: list[Buffer | None] = [None] * len(program.outputs)
        if backwards:
            self._lower_backward(b, program, backwards)

        self.instructions: list[Instruction] = b.instructions
        self.as_they_are = b.as_they_are
        buffers = [buffer for buffer in b.buffers if buffer.first >= 0]  # those of some use
        self.nbytes = plan_memory(buffers)
        self.kept_nbytes = memory.taken(self.nbytes)
        self.forward_nbytes = max(
            (f.offset + f.nbytes for f in buffers if f.first < self.forward_count), default=0
        )
        self._memory = memory.allocate(self.nbytes)
        for buffer in buffers:
            buffer.lay(self._memory)
        if backwards:
            self._allocate_gradients(b)
            memory.touch(self._memory)  # a step will follow: it shall not wait for the system
        runs = [instruction.bind() for instruction in b.instructions]
        self.forward_runs = runs[: self.forward_count]
        self.backward_runs = runs[self.forward_count :]
        self._inputs = [b.values[slot].array for slot in program.inputs]
        self.outputs = [b.values[slot].array for slot in program.outputs]
        self.output_gradients = [None if loss is None else loss.array for loss in self._losses]
        self.weight_gradients: list[tuple[Variable, np.ndarray]] = [
            (variable, buffer.array) for variable, buffer in b.weight_gradients.values()
        ]

    def _allocate_gradients(self, b: Builder) -> None:
        """Give those of weights memory of their own: others may hold them longer than the rest."""
        kept = [buffer for _, buffer in b.weight_gradients.values()]
        gradients = memory.arrays([buffer.shape for buffer in kept])
        for buffer, gradient in zip(kept, gradients, strict=True):
            buffer.take(gradient)

    def _lower_backward(
        self, b: Builder, program: Program, backwards: list[tuple[int, Backward]]
    ) -> None:
        slots = {slot for slot, _ in backwards}
        for i, slot in enumerate(program.outputs):
            if slot in slots and slot not in b.gradients:
                self._losses[i] = b.gradients[slot] = b.new(b.values[slot].shape)
                b.gradients[slot].use(self.forward_count)
        for slot, backward in reversed(backwards):
            backward(b.gradients.pop(slot))

    def forward(self, inputs: Sequence[np.ndarray | Rows]) -> list[np.ndarray]:
        """Return the outputs for a batch: buffers, which the next run overwrites."""
        self.take(inputs)
        for run in self.forward_runs:
            run()
        return self.outputs

    def time(
        self,
        inputs: Sequence[np.ndarray],
        dys: Sequence[np.ndarray | None] | None,
        repeats: int,
    ) -> list[float]:
        """Return the median seconds of each instruction; weights keep their gradients.

        Instructions run in their order, again and again, so that caches are as in earnest.
        """
        runs = [*self.forward_runs, *self.backward_runs]
        seconds: list[list[float]] = [[] for _ in runs]
        for _ in range(repeats):
            self.take(inputs)
            for i, run in enumerate(runs):
                if i == self.forward_count and dys is not None:
                    for buffer, dy in zip(self.output_gradients, dys, strict=True):
                        if buffer is not None:
                            buffer[...] = 0 if dy is None else dy
                start = time.perf_counter()
                run()
                seconds[i].append(time.perf_counter() - start)
        return [sorted(each)[repeats // 2] for each in seconds]

    @property
    def weight_gradients_nbytes(self) -> int:
        """Bytes of the gradients of the weights."""
        return sum(gradient.nbytes for _, gradient in self.weight_gradients)

    def workspace_bytes(self) -> int:
        """Return the scratch memory of its products: measured, by running them on zeros."""
        self._memory.fill(0)
        runs = [*self.forward_runs, *self.backward_runs]
        products = [r for r, i in zip(runs, self.instructions, strict=True) if i.macs]

        def run_all() -> None:
            for run in products:
                run()

        return machine.workspace_bytes(run_all)

    def take(self, inputs: Sequence[np.ndarray | Rows]) -> None:
        """Copy a batch into the buffers of the inputs."""
        for i, buffer in enumerate(self._inputs):
            array = inputs[i]
            if isinstance(array, Rows):
                array.into(buffer)
            else:
                buffer[...] = array
