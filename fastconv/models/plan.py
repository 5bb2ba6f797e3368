"""Plan: a model's program with all that is the same for every batch, ready to run.

A batch runs layer by layer, by an `Interpreter`; or, training, and from the second batch of some
shape on, as an `Execution`, which is compiled for the shape and keeps its memory. Gradients are
computed only for what lies between a layer that learns and a loss.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..backend import batch_normalization_folding
from ..layers import Layer, Variable
from ..layers.symbolic import Graph
from ..ops import bound
from . import fusion, layouts
from .interpreter import Arrays, Interpreter, TakeBack
from .pool import Pool
from .program import Program, gradient_paths, lower, masked_slots
from .unread import leave_out_unread_outputs

if TYPE_CHECKING:  # what compiles is loaded when something is compiled: many predict only once
    from .execution import Execution
    from .pool import Runnable

#: What an execution is compiled for: whether to train, shapes of the inputs, settings.
Key = tuple[Any, ...]


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
        #: For training and for inference, as far as they were needed.
        self._programs: dict[bool, Program] = {}
        self._interpreters: dict[bool, Interpreter] = {}
        self._edits = 0  # of variables, when derived weights were last looked over
        self.pool = Pool()

    def program(self, training: bool) -> Program:
        """Return the program, made when it is first needed, with its derived weights up to date."""
        program = self._programs.get(training)
        if program is None:
            program = self._programs[training] = self._lower(training)
        elif not training and self._edits != Variable.edits.count:
            for update in program.derived:
                update()
            self._edits = Variable.edits.count
        return program

    def _lower(self, training: bool) -> Program:
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
        return program

    def _paths(self, training: bool) -> tuple[list[bool], list[bool]]:
        """Return through which steps gradients go back, and which slots need one."""
        program = self.program(training)
        taped, need = gradient_paths(program, self._with_loss, self._to_input)
        return taped if training else [False] * len(taped), need

    def _interpreter(self, training: bool) -> Interpreter:
        """Return what runs the program layer by layer, made when it is first needed."""
        program = self.program(training)
        interpreter = self._interpreters.get(training)
        if interpreter is None:
            interpreter = Interpreter(program, *self._paths(training))
            self._interpreters[training] = interpreter
        return interpreter

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

        program = self.program(training)
        if (
            0 in (size for shape in shapes for size in shape)
            or any(step.layer.activity_regularizer is not None for step in program.steps)
            or masked_slots(program)
        ):
            return None
        try:
            execution = self.compile(training, shapes)
        except CannotLowerError:
            return None
        if not training:
            from .parts import Parts, part_size

            n, whole = part_size(execution, program, shapes), shapes[0][0]
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

        program = self.program(training)
        if len(set(program.outputs)) < len(program.outputs):
            raise CannotLowerError
        taped, need = self._paths(training)
        return Execution(program.taped(taped), shapes, taped, need)

    def prepare(self, shapes: Sequence[tuple[int, ...]]) -> None:
        """Compile for inference on inputs of some shapes before the first ones come."""
        key = self.key(False, shapes)
        self.pool.take(key)
        execution = self._compile(False, shapes)
        if execution is not None:
            self.pool.give(key, execution)

    def frozen(self) -> Plan:
        """Return a plan for inference with copies of the weights, which nothing ever changes."""
        twin = copy.copy(self)
        twin._graphs, twin.variables = (), []  # they hold the weights
        twin._programs, twin._interpreters = {False: self.program(False).copied()}, {}
        twin.pool = Pool(is_bounded=True)
        return twin

    # Running

    def infer(self, inputs: Sequence[np.ndarray]) -> tuple[Arrays, float]:
        """Return the outputs for a batch, which are the caller's, and the activity penalty."""
        self.program(False)  # derived weights
        key = self.key(False, [x.shape for x in inputs])
        execution = self.lease(key)
        if execution is None:
            return self._interpreter(False).infer(inputs)
        outputs = [y.copy() for y in execution.forward(inputs)]
        self.pool.give(key, execution)
        return outputs, 0.0

    def train(self, inputs: Sequence[np.ndarray]) -> tuple[Arrays, float, TakeBack]:
        """Return the outputs for a batch, the activity penalty, and what takes gradients back.

        Layer by layer; the last works once: what a layer remembers for it is freed as it goes, so
        that memory falls while gradients are computed.
        """
        return self._interpreter(True).train(inputs)

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


class Plans:
    """The plans of a model, kept while its graphs and weights are the same. Copies are empty."""

    def __init__(self) -> None:
        self._state: Any = None  # holds the graphs, which are the same if they are the very same
        self._plans: dict[Any, Plan] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return Plans, ()

    def find(self, graphs: Any, key: Any, make: Callable[[], Plan]) -> Plan:
        """Return the plan that is kept by `key`, made if need be."""
        state = graphs, Layer.weights_added, batch_normalization_folding()
        if self._state != state:
            self._state, self._plans = state, {}
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = make()
        return plan

    def release(self) -> None:
        """Let go much memory that the plans keep for their next batch."""
        for plan in self._plans.values():
            plan.pool.release()

    def clear(self) -> None:
        """Forget all plans."""
        self._plans = {}
