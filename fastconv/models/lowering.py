"""Lowering: a program of layers becomes a list of instructions on buffers of known shapes.

    Program + input shapes -> Builder, by the rules of `rules` -> instructions -> Execution

What a layer does is written twice nowhere: a rule binds the same ops that the layer calls, and a
layer without a rule is run as it is, its results copied into the buffers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import ops
from ..layers import Add, Layer, Variable
from ..layers.activation import ActivationLayer
from ..ops import bound
from ..ops.fusion import STORED
from .buffers import Buffer
from .program import Program, Step, is_known

Run = bound.Run
Shape = tuple[int, ...]
#: From the gradient of a step's output, emits those of its inputs and weights.
Backward = Callable[[Buffer], None]


#: From the gradient of an activation's result, emits and returns that of its argument.
Gradient = Callable[[Buffer], Buffer]

#: What an instruction is called that adds two gradients.
SUM = "sum of gradients"
#: No slot: what holds a gradient while it is handed out.
_SHARED = -1


def follows_rules(layer: Layer) -> bool:
    """Return whether a layer may be lowered: one of this package, in float32."""
    return is_known(layer) and layer.compute_dtype == "float32"


def together(*names: str | None) -> str:
    """Return what an instruction is called that does several things; None stands for nothing."""
    return ", ".join(filter(None, names))


def unchanged(dy: Buffer) -> Buffer:
    """Return the gradient of what has no activation."""
    return dy


class CannotLowerError(Exception):
    """The shapes of a program are not known before it runs."""


class Made(NamedTuple):
    """What a gradient is made of: (a + b) * slope of the activation where its result is y."""

    a: Buffer
    b: Buffer | None = None
    y: Buffer | None = None
    name: str | None = None  # of the activation

    @property
    def what(self) -> str:
        """What an instruction is called that makes it; "" if it is a."""
        return together(SUM if self.b else None, f"{self.name} gradient" if self.name else None)

    @property
    def code(self) -> int:
        """Of the activation, see `ops.fusion`; 0 without one."""
        return STORED.get(self.name or "", 0)

    @property
    def reads(self) -> list[Buffer]:
        """The buffers there are."""
        return [buffer for buffer in self[:3] if buffer is not None]

    @property
    def arrays(self) -> list[bound.Float32 | None]:
        """Those of b and y, once memory is laid out."""
        return [None if buffer is None else buffer.array for buffer in self[1:3]]


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
    made : Made, optional
        Of what it makes the gradient that it writes, if the next one may do that in passing.
    """

    step: Step | None
    what: str
    reads: tuple[Buffer, ...]
    writes: tuple[Buffer, ...]
    bind: Callable[[], Run]
    algorithm: str = ""
    macs: int = 0
    made: Made | None = None


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
    applied : set of int
        Slots whose value is computed already, by the step before.
    as_they_are : list of str
        Names of layers without a rule.
    pooled : dict of slot to Maxima
        Those among them that max-pooling would have computed.
    added : dict of slot to (Buffer, str or None)
        Sums that a step before computes too, with the relu behind them.
    """

    def __init__(self, program: Program, need: list[bool]) -> None:
        self.program = program
        self.need = need
        self.readers = program.readers()
        self.reader = {slot: step for step in program.steps for slot in step.inputs}
        self.instructions: list[Instruction] = []
        self.buffers: list[Buffer] = []
        self.values: dict[int, Buffer] = {}
        self.gradients: dict[int, Buffer] = {}
        self.weight_gradients: dict[int, tuple[Variable, Buffer]] = {}
        self.free: set[int] = set()
        self.applied: set[int] = set()
        self.as_they_are: list[str] = []
        self.pooled: dict[int, Any] = {}
        self.added: dict[int, tuple[Buffer, str | None]] = {}

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

    def result_in_place(self, step: Step) -> Buffer:
        """Return the buffer of the first input for the output, a new one if others need that."""
        x, slot = self.values[step.inputs[0]], step.inputs[0]
        if slot not in self.free or self.readers[slot] > 1:
            return self.result(step, x.shape)
        self.values[step.output] = x
        return x

    def only_reader(self, step: Step) -> Step | None:
        """Return the step that alone reads a step's output, if there is one."""
        return self.reader.get(step.output) if self.readers[step.output] == 1 else None

    def activation_behind(self, step: Step) -> tuple[str | None, int]:
        """Return name and code of the relu that alone reads a step's output, which applies it.

        None and 0 if there is no such; see `ops.fusion`.
        """
        reader = self.only_reader(step)
        if reader is None:
            return None, 0
        layer = reader.layer
        name = layer.activation_name if isinstance(layer, ActivationLayer) else None
        if name not in STORED or not follows_rules(layer):
            return None, 0
        self.applied.add(reader.output)
        return name, STORED[name]

    def addition_behind(self, step: Step, shape: Shape) -> tuple[Step, Buffer] | tuple[None, None]:
        """Return the sum that alone reads a step's output, and what it adds, if that is there.

        `shape` is the output's.
        """
        reader = self.only_reader(step)
        if reader is None or not isinstance(reader.layer, Add) or not follows_rules(reader.layer):
            return None, None
        others = [self.values.get(slot) for slot in reader.inputs if slot != step.output]
        if len(others) != 1 or others[0] is None or others[0].shape != shape:
            return None, None
        return reader, others[0]

    def emit(
        self,
        step: Step | None,
        what: str,
        reads: list[Buffer],
        writes: list[Buffer],
        bind: Callable[[], Run],
        algorithm: str = "",
        macs: int = 0,
        made: Made | None = None,
    ) -> None:
        """Add an instruction."""
        at = len(self.instructions)
        for buffer in (*reads, *writes):
            buffer.use(at)
        self.instructions.append(
            Instruction(step, what, tuple(reads), tuple(writes), bind, algorithm, macs, made)
        )

    def gradient(self, step: Step, slot: int, write: Callable[[Buffer], None]) -> None:
        """Let `write` emit what computes the gradient of a slot; it is added to what there is."""
        if not self.need[slot]:
            return
        target = self.new(self.values[slot].shape)
        write(target)
        self.give(step, slot, target)

    def give(self, step: Step, slot: int, gradient: Buffer) -> None:
        """Take a buffer as gradient of a slot, or add it to what there is."""
        if not self.need[slot]:
            return
        known = self.gradients.pop(slot, None)
        if known is not None:
            gradient = self._sum(step, known, gradient)
        self.gradients[slot] = gradient

    def _sum(self, step: Step, a: Buffer, b: Buffer) -> Buffer:
        total = self.overwritten(a, b)
        self.emit(
            step,
            SUM,
            [a, b],
            [total],
            lambda: bound.add([a.array, b.array], total.array),
            made=Made(a, b),
        )
        return total

    def unmake(self, gradient: Buffer, *, sums: bool = False) -> Made | None:
        """Take back the last instruction if it only made this gradient, and return of what.

        With `sums`, only if no activation was in it.
        """
        last = self.instructions[-1]
        made = last.made
        if made is None or last.writes[0].root is not gradient.root or (sums and made.name):
            return None
        del self.instructions[-1]
        return made

    def share(self, step: Step, slots: Sequence[int], gradient: Buffer) -> None:
        """Take a buffer as gradient of several slots."""
        self.gradients[_SHARED] = gradient  # nothing may be added in place before all have it
        for slot in slots:
            self.give(step, slot, gradient)
        del self.gradients[_SHARED]

    def overwritten(self, *gradients: Buffer) -> Buffer:
        """Return the first of some gradients that is nobody else's, to write over it, or a new one.

        Those that a rule works with are not in `self.gradients`: what is there is for later.
        """
        held = [buffer.root for buffer in self.gradients.values()]
        for gradient in gradients:
            if gradient.root not in held:
                return gradient
        return self.new(gradients[0].shape)

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
        return Buffer(variable.shape, is_own=True)

    def give_weight(self, step: Step, variable: Variable | None, target: Buffer | None) -> None:
        """Take what `weight_target` returned, now written, as gradient of the weight."""
        if variable is None or target is None:
            return
        _, known = self.weight_gradients.setdefault(id(variable), (variable, target))
        if known is not target:
            total = known
            self.emit(
                step,
                SUM,
                [total, target],
                [total],
                lambda: bound.add_to(total.array, target.array),
            )

    def activate(self, step: Step, name: str, z: Buffer, y: Buffer) -> Gradient:
        """Emit y = activation(z), and return what turns the gradient of y into that of z."""
        kind = ops.ACTIVATIONS[name]
        if name == "linear":
            return unchanged
        self.emit(step, name, [z], [y], lambda: kind.bind(z.array, y.array))
        return self.activation_gradient(step, name, z, y)

    def activation_gradient(self, step: Step, name: str, z: Buffer, y: Buffer) -> Gradient:
        """Return what emits dz = dy * derivative of an activation, in place where it can be."""
        kind = ops.ACTIVATIONS[name]
        used = z if kind.needs_input else y

        def backward(dy: Buffer) -> Buffer:
            dz = self.overwritten(dy)
            # If what was added up last is the dy, and nobody else's, both are done in one.
            added = self.unmake(dz, sums=True) if name in STORED else None
            a, b = (dy, None) if added is None else added[:2]
            made = Made(a, b, used, name)
            self.emit(
                step,
                made.what,
                made.reads,
                [dz],
                lambda: (
                    kind.bind_backward(dy.array, used.array, dz.array)
                    if b is None
                    else bound.add_backward(a.array, b.array, used.array, made.code, dz.array)
                ),
                made=made if name in STORED else None,
            )
            return dz

        return backward
