"""Plan: a model's program with all that is the same for every batch, ready to run.

    infer:  inputs -> step -> step -> ... -> outputs
    train:  the same, and a stack of closures that takes gradients back

Gradients are computed only for what lies between a layer that learns and a loss. A batch runs layer
by layer, and values are let go as soon as nothing needs them any more; or, training, and from the
second batch of some shape on, as an `Execution`, which is compiled for the shape and keeps its
memory.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..backend import batch_normalization_folding
from ..layers import Layer, Variable
from ..layers.symbolic import Graph
from ..ops import bound, merging
from . import fusion, layouts
from .pool import Pool
from .program import Program, lower, makes_mask
from .unread import leave_out_unread_outputs

if TYPE_CHECKING:  # what compiles is loaded when something is compiled: many predict only once
    from .execution import Execution
    from .pool import Runnable

Arrays = list[np.ndarray]
#: What an execution is compiled for: whether to train, shapes of the inputs, settings.
Key = tuple[Any, ...]
#: From the gradients of the outputs (None: no loss there) to those of the inputs.
TakeBack = Callable[[Sequence["np.ndarray | None"]], "list[np.ndarray | None]"]


class Action(NamedTuple):
    """What running one step takes, looked up beforehand."""

    forward: Callable[..., Any]
    source: int  # the slot it reads, -1 if it reads a list
    sources: tuple[int, ...]
    target: int
    training: bool
    free: tuple[int, ...]  # slots that nothing reads afterwards
    regularizer: Any  # of the output, or None
    taped: bool  # whether gradients come back here
    need_dx: bool  # whether they go on to the inputs
    layer: Layer
    masks: tuple[int, ...] | None  # slots of the inputs' masks, None if there can be none


class Plan:
    """A graph, ready to run.

    Parameters
    ----------
    graph, training_graph : Graph
        For inference and for training.
    activations : sequence of str or None, optional
        For each output, the activation that its loss has built in, see `fusion`.
    with_loss : sequence of bool, optional
        Whether gradients come from an output; by default from all.
    to_input : bool
        Take gradients back to the inputs, not only to the first layers that learn.
    variables : sequence of Variable
        What training changes.

    Attributes
    ----------
    fused : list of bool
        Which outputs are left without their activation.
    variables : list of Variable
    regularized : list of Variable
        Those with a penalty.
    """

    def __init__(
        self,
        graph: Graph,
        training_graph: Graph | None = None,
        activations: Sequence[str | None] | None = None,
        with_loss: Sequence[bool] | None = None,
        to_input: bool = False,
        variables: Sequence[Variable] = (),
    ) -> None:
        count = len(graph.outputs)
        self._graphs: tuple[Graph, ...] = (graph, training_graph or graph)
        self._activations = activations or [None] * count
        self._with_loss = with_loss or [True] * count
        self._to_input = to_input
        self.fused = [False] * count
        self.variables = list(variables)
        self.regularized = [v for v in self.variables if v.regularizer is not None]
        self._inference: tuple[Program, list[Action]] | None = None
        self._training: tuple[Program, list[Action]] | None = None
        self._edits = 0  # of variables, when derived weights were last looked over
        self.pool = Pool()

    def _ready(self, training: bool) -> tuple[Program, list[Action]]:
        """Return the program and its actions, made when they are first needed."""
        ready = self._training if training else self._inference
        if ready is not None and not training and self._edits != Variable.edits.count:
            for update in ready[0].derived:
                update()
            self._edits = Variable.edits.count
        if ready is None:
            program = lower(self._graphs[training], training)
            # The loss looks at the outputs as they are given, the others at channels-last layers.
            self.fused = fusion.activation_into_loss(program, self._activations)
            layouts.move_channels_once(program)
            if not training and batch_normalization_folding():
                fusion.fold_batch_normalization(program)
            fusion.activation_into_kernel(program)
            fusion.activation_after_pooling(program)
            leave_out_unread_outputs(program)
            for update in program.derived:
                update()
            ready = program, self._actions(program, training)
            if training:
                self._training = ready
            else:
                self._inference = ready
        return ready

    def _actions(self, program: Program, training: bool) -> list[Action]:
        last: dict[int, int] = {}
        for i, step in enumerate(program.steps):
            last.update(dict.fromkeys(step.inputs, i))
        taped, need = _gradient_paths(program, self._with_loss, self._to_input)
        if not training:
            taped = [False] * len(taped)
        masked = _masked_slots(program)
        actions = []
        for i, step in enumerate(program.taped(taped).steps):
            touched = *step.inputs, step.output
            dead = {slot for slot in step.inputs if last[slot] == i} - set(program.outputs)
            actions.append(
                Action(
                    forward=step.layer.forward,
                    source=-1 if step.layer.takes_list else step.inputs[0],
                    sources=step.inputs,
                    target=step.output,
                    training=step.training,
                    free=tuple(sorted(dead)),
                    regularizer=step.layer.activity_regularizer,
                    taped=taped[i],
                    need_dx=any(need[slot] for slot in step.inputs),
                    layer=step.layer,
                    masks=step.inputs if masked.intersection(touched) else None,
                )
            )
        return actions

    # Compiled

    def key(self, training: bool, shapes: Sequence[tuple[int, ...]]) -> Key:
        """Return what executions for inputs of some shapes are kept by."""
        return training, tuple(shapes), bound.settings()

    def lease(self, key: Key) -> Runnable | None:
        """Return an execution, to be given back to the pool; None to go layer by layer.

        As several threads may run a plan, an execution is taken out while it runs. A step of
        training is hardly ever the only one, and going layer by layer leaves a heap full of holes
        behind: it is compiled at once.
        """
        training, shapes, _ = key
        execution, pays = self.pool.take(key, at_once=training)
        if pays:
            execution = self._compile(training, shapes)
            if execution is None:
                self.pool.refuse(key)
        return execution

    def _compile(self, training: bool, shapes: Sequence[tuple[int, ...]]) -> Runnable | None:
        """Return an execution for inputs of some shapes, None if there can be none."""
        from .lowering import CannotLowerError

        program, actions = self._ready(training)
        if 0 in (size for shape in shapes for size in shape) or any(
            action.masks or action.regularizer for action in actions
        ):
            return None
        try:
            execution = self.compile(training, shapes)
        except CannotLowerError:
            return None
        if not training:
            from .parts import Parts, part_size

            n, whole = part_size(program, shapes, execution.nbytes), shapes[0][0]
            if n < whole:
                part = self.compile(training, [(n, *shape[1:]) for shape in shapes])
                return Parts(part, whole // n)
        return execution

    def compile(self, training: bool, shapes: Sequence[tuple[int, ...]]) -> Execution:
        """Return an execution for inputs of some shapes.

        Raises
        ------
        CannotLowerError
            A layer does not tell the shape of its output beforehand.
        """
        from .execution import Execution
        from .lowering import CannotLowerError

        program, _ = self._ready(training)
        if len(set(program.outputs)) < len(program.outputs):
            raise CannotLowerError
        taped, need = _gradient_paths(program, self._with_loss, self._to_input)
        if not training:
            taped = [False] * len(taped)
        program = program.taped(taped)
        return Execution(program, shapes, taped, need)

    def prepare(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Compile for inference on inputs of some shapes before the first ones come."""
        key = self.key(False, shapes)
        self.pool.take(key)
        execution = self._compile(False, shapes)
        if execution is not None:
            self.pool.give(key, execution)

    def frozen(self) -> Plan:
        """Return a plan for inference with copies of the weights, which nothing ever changes."""
        program, _ = self._ready(False)
        twin = copy.copy(self)
        twin._graphs, twin._training, twin.variables = (), None, []  # they hold the weights
        copies = program.copied()
        twin._inference = copies, self._actions(copies, False)
        twin.pool = Pool(is_bounded=True)
        return twin

    # Running

    def infer(self, inputs: Sequence[np.ndarray]) -> tuple[Arrays, float]:
        """Return the outputs for a batch, which are the caller's, and the activity penalty."""
        program, actions = self._ready(False)
        key = self.key(False, [x.shape for x in inputs])
        execution = self.lease(key)
        if execution is not None:
            outputs = [y.copy() for y in execution.forward(inputs)]
            self.pool.give(key, execution)
            return outputs, 0.0
        values = _begin(program, inputs)
        masks: dict[int, Any] = {}
        penalty = 0.0
        for action in actions:
            source = action.source
            x: Any = values[source] if source >= 0 else [values[i] for i in action.sources]
            if action.masks is None:
                y, _ = action.forward(x, action.training)
            else:
                y, _ = _masked_forward(action, x, masks)
            values[action.target] = y
            for slot in action.free:
                values[slot] = None
            if action.regularizer is not None and len(y):
                penalty += action.regularizer(y) / len(y)
        return [_apart(values[slot], inputs) for slot in program.outputs], penalty

    def train(self, inputs: Sequence[np.ndarray]) -> tuple[Arrays, float, TakeBack]:
        """Return the outputs for a batch, the activity penalty, and what takes gradients back.

        The last works once: what a layer remembers for it is freed as it goes, so that memory
        falls while gradients are computed.
        """
        program, actions = self._ready(True)
        values = _begin(program, inputs)
        masks: dict[int, Any] = {}
        penalty = 0.0
        x: Any = None
        y: Any = None
        backward: Any = None
        tape: list[tuple[Callable[..., Any], Action]] = []
        for action in actions:
            source = action.source
            x = values[source] if source >= 0 else [values[i] for i in action.sources]
            if action.masks is None:
                y, backward = action.forward(x, action.training)
            else:
                y, backward = _masked_forward(action, x, masks)
            values[action.target] = y
            for slot in action.free:
                values[slot] = None
            if action.regularizer is not None and len(y):
                penalty += action.regularizer(y) / len(y)
                backward = _with_activity_penalty(backward, action.regularizer, y)
            if action.taped:
                tape.append((backward, action))
        outputs = [values[slot] for slot in program.outputs]
        del values, x, y, backward

        def take_back(dys: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
            gradients: list[Any] = [None] * program.size
            for slot, dy in zip(program.outputs, dys, strict=True):
                _add(gradients, slot, dy)
            del dys, dy
            while tape:
                backward, action = tape.pop()
                dy = gradients[action.target]
                gradients[action.target] = None
                dx = backward(dy, need_dx=action.need_dx)
                del backward, dy
                if not action.need_dx:
                    continue
                if action.source >= 0:
                    _add(gradients, action.source, dx)
                else:
                    for slot, part in zip(action.sources, dx, strict=True):
                        _add(gradients, slot, part)
            return [gradients[slot] for slot in program.inputs]

        return outputs, penalty, take_back

    def weight_penalty(self) -> float:
        """Return the sum of the penalties on weights."""
        return sum((v.regularizer(v.value) for v in self.regularized), 0.0)

    def with_penalties(
        self, gradients: Sequence[np.ndarray | None]
    ) -> tuple[np.ndarray | None, ...]:
        """Add the gradients of `weight_penalty` to those of the variables, in place."""
        for variable, gradient in zip(self.variables, gradients, strict=True):
            variable.grad = gradient
            if variable.regularizer is not None:
                variable.add_grad(variable.regularizer.gradient(variable.value))
        return tuple(variable.grad for variable in self.variables)

    def forget_gradients(self) -> None:
        """Set the gradients of the variables to None."""
        for variable in self.variables:
            variable.grad = None


def _apart(y: Any, inputs: Sequence[np.ndarray]) -> Any:
    """Return `y`, or a copy if it lies in an input; a mask may be None."""
    shared = y is not None and any(np.may_share_memory(x, y) for x in inputs)
    return y.copy() if shared else y


def _begin(program: Program, inputs: Sequence[np.ndarray]) -> list[Any]:
    values: list[Any] = [None] * program.size
    for slot, x in zip(program.inputs, inputs, strict=True):
        values[slot] = x
    return values


def _add(gradients: list[Any], slot: int, dx: np.ndarray | None) -> None:
    """Add a gradient to that of a slot. Others may hold the arrays: none is written to."""
    before = gradients[slot]
    if before is None:
        gradients[slot] = dx
    elif dx is not None:
        gradients[slot] = merging.add_all([before, dx])


def _gradient_paths(
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


def _with_activity_penalty(
    backward: Callable[..., Any] | None, regularizer: Any, y: np.ndarray
) -> Callable[..., Any]:
    """Return a layer's `backward` that also goes back from the penalty of its output `y`."""
    assert backward is not None
    inner = backward

    def with_penalty(dy: np.ndarray | None, need_dx: bool = True) -> Any:
        gradient = regularizer.gradient(y) / np.float32(len(y))
        return inner(gradient if dy is None else dy + gradient, need_dx=need_dx)

    return with_penalty


# Masks: only programs with a layer that makes one pay for them


def _masked_slots(program: Program) -> set[int]:
    """Return the slots that may have a mask."""
    slots: set[int] = set()
    for step in program.steps:
        layer = step.layer
        passes = layer.supports_masking or type(layer).compute_mask is not Layer.compute_mask
        if makes_mask(layer) or (passes and slots.intersection(step.inputs)):
            slots.add(step.output)
    return slots


def _masked_forward(action: Action, x: Any, masks: dict[int, Any]) -> tuple[np.ndarray, Any]:
    """Run a step whose input has a mask, or that makes one."""
    layer = action.layer
    given = [masks.get(slot) for slot in action.sources]
    mask: Any = given if action.source < 0 else given[0]
    if layer.uses_mask:
        result = layer.forward(x, action.training, mask=mask)  # type: ignore[call-arg]
    else:
        result = action.forward(x, action.training)
    masks[action.target] = layer.compute_mask(x, mask)
    return result
