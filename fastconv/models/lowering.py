"""Lowering: a program of layers becomes a list of instructions on buffers of known shapes.

    Program + input shapes -> Builder, by the rules of `rules` -> instructions -> Execution

What a layer does is written twice nowhere: a rule binds the same ops that the layer calls, and a
layer without a rule is run as it is, its results copied into the buffers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .. import ops
from ..layers import Variable
from ..ops import bound
from .buffers import Buffer
from .program import Program, Step

Run = bound.Run
Shape = tuple[int, ...]
#: From the gradient of a step's output, emits those of its inputs and weights.
Backward = Callable[[Buffer], None]


class CannotLowerError(Exception):
    """The shapes of a program are not known before it runs."""


class Instruction(NamedTuple):
    """One thing to do.

    Attributes
    ----------
    step : Step or None
        The call of a layer that it belongs to.
    what : str
        "forward", "input gradient", "kernel gradient", ...
    reads, writes : tuple of Buffer
    bind : function
        Returns what computes it, once the buffers have memory.
    algorithm : str
        Of a convolution; else "".
    macs : int
        Multiply-adds, 0 where memory traffic is what counts.
    """

    step: Step | None
    what: str
    reads: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]
    bind: Callable[[], Run]
    algorithm: str = ""
    macs: int = 0


class Builder:
    """Collects instructions and buffers; rules write to it.

    Parameters
    ----------
    program : Program
    need : list of bool
        Which slots need a gradient.

    Attributes
    ----------
    instructions : list of Instruction
    values, gradients : dict of slot to Buffer
    weight_gradients : dict of id to (Variable, Buffer)
    free : set of int
        Slots whose value only their readers need: the only one may write over it.
    """

    def __init__(self, program: Program, need: list[bool]) -> None:
        self.program = program
        self.need = need
        self.readers = program.readers()
        self.instructions: list[Instruction] = []
        self.buffers: list[Buffer] = []
        self.values: dict[int, Buffer] = {}
        self.gradients: dict[int, Buffer] = {}
        self.weight_gradients: dict[int, tuple[Variable, Buffer]] = {}
        self.free: set[int] = set()

    def new(self, shape: Shape, dtype: type = np.float32) -> Buffer:
        """Return a buffer."""
        buffer = Buffer(shape, dtype)
        self.buffers.append(buffer)
        return buffer

    def value(self, step: Step) -> Buffer:
        """Return the buffer of a step's only input."""
        return self.values[step.inputs[0]]

    def result(self, step: Step, shape: Shape) -> Buffer:
        """Return a buffer for a step's output."""
        self.values[step.output] = self.new(shape)
        return self.values[step.output]

    def emit(
        self,
        step: Step | None,
        what: str,
        reads: list[Buffer],
        writes: list[Buffer],
        bind: Callable[[], Run],
        algorithm: str = "",
        macs: int = 0,
    ) -> None:
        """Add an instruction."""
        at = len(self.instructions)
        for buffer in (*reads, *writes):
            buffer.use(at)
        self.instructions.append(
            Instruction(step, what, tuple(reads), tuple(writes), bind, algorithm, macs)
        )

    def gradient(self, step: Step, slot: int, write: Callable[[Buffer], None]) -> None:
        """Let `write` emit what computes the gradient of a slot; it is added to what there is."""
        if not self.need[slot]:
            return
        target = self.new(self.values[slot].shape)
        write(target)
        self.give(step, slot, target)

    def give(self, step: Step, slot: int, gradient: Buffer) -> None:
        """Take a buffer, which nothing else will use, as gradient of a slot."""
        if not self.need[slot]:
            return
        known = self.gradients.get(slot)
        if known is None:
            self.gradients[slot] = gradient
        else:
            self._add(step, known, gradient)

    def weight_gradient(
        self, step: Step, variable: Variable | None, write: Callable[[Buffer], None]
    ) -> None:
        """Let `write` emit what computes the gradient of a weight, if the layer learns it."""
        target = self.weight_target(step, variable)
        if target is not None:
            write(target)
            self.give_weight(step, variable, target)

    def weight_target(self, step: Step, variable: Variable | None) -> Buffer | None:
        """Return where to write the gradient of a weight for `give_weight`, None if not learned."""
        if variable is None or not step.layer.learns(variable):
            return None
        if id(variable) in self.weight_gradients:
            return self.new(variable.shape)
        return Buffer(variable.shape, fixed=np.empty(variable.shape, np.float32))

    def give_weight(self, step: Step, variable: Variable | None, target: Buffer | None) -> None:
        """Take what `weight_target` returned, now written, as gradient of the weight."""
        if variable is None or target is None:
            return
        _, known = self.weight_gradients.setdefault(id(variable), (variable, target))
        if known is not target:
            self._add(step, known, target)

    def _add(self, step: Step, known: Buffer, more: Buffer) -> None:
        self.emit(
            step,
            "sum of gradients",
            [known, more],
            [known],
            lambda: bound.add([known.array, more.array], known.array),
        )

    def activate(self, step: Step, name: str, z: Buffer, y: Buffer) -> Callable[[Buffer], None]:
        """Emit y = activation(z), and return what turns the gradient of y into that of z."""
        kind = ops.ACTIVATIONS[name]
        if name == "linear":
            return lambda dy: None
        self.emit(step, name, [z], [y], lambda: kind.bind(z.array, y.array))
        return self.activation_gradient(step, name, z, y)

    def activation_gradient(
        self, step: Step, name: str, z: Buffer, y: Buffer
    ) -> Callable[[Buffer], None]:
        """Return what emits dy *= derivative of an activation, in place."""
        kind = ops.ACTIVATIONS[name]
        used = z if kind.needs_input else y

        def backward(dy: Buffer) -> None:
            self.emit(
                step,
                f"{name} gradient",
                [dy, used],
                [dy],
                lambda: kind.bind_backward(dy.array, used.array, dy.array),
            )

        return backward
