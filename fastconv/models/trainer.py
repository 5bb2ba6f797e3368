"""Trainer: training steps. What all batches of a shape have in common is looked up once.

Trainer     a step of training for any batch: gradients, optimizer, loss and metrics
Step        gradients and metrics of batches of one shape, on arrays that have their place
LooseStep   the same layer by layer
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import progress
from ..ops import Rows
from ..ops.precision import changes
from .comparison import Comparison
from .execution import Execution
from .plan import Key, Plan
from .pool import KEPT_SHAPES

if TYPE_CHECKING:
    from .feeds import Batch
    from .objective import Objective
    from .training import Training


def training_plan(model: Training, objective: Objective) -> Plan:
    """Return the plan of an objective, with the optimizer built for what the model trains."""
    plan = objective.plan(model)
    optimizer: Any = model.optimizer
    trained = plan.variables
    before = model.trained_variables
    if trained and [id(v) for v in trained] != [id(v) for v in before]:
        kept = {id(variable) for variable in before}
        if before and optimizer.built and not any(id(variable) in kept for variable in trained):
            progress.warn(
                f"{model.where}: all variables to train are new since compile(); the state of "
                f"{optimizer.name} starts at zero."
            )
            optimizer.build(())
        optimizer.build(trained)
    model.trained_variables = trained
    return plan


Shapes = Sequence[tuple[int, ...]]
Gradients = tuple["np.ndarray | None", ...]


class Step:
    """A step for batches of one shape, on the arrays of an execution.

    Attributes
    ----------
    execution : Execution
    count : int
        Samples of the batch.
    """

    def __init__(self, key: Key, execution: Execution, objective: Objective, plan: Plan) -> None:
        self._shapes: Shapes = key[1]
        self.execution = execution
        self._plan = plan
        outputs, dys = execution.outputs, execution.output_gradients
        self.count = len(outputs[0])
        self._comparisons = [
            (i, Comparison(head, plan.fused[i], outputs[i], dys[i]))
            for i, head in enumerate(objective.heads)
            if head.needs_targets or dys[i] is not None
        ]
        written = {id(variable): gradient for variable, gradient in execution.weight_gradients}
        #: The same in each step, unless layers of one's own have a say.
        self._gradients: Gradients | None = None
        if not execution.as_they_are:
            self._gradients = tuple(written.get(id(variable)) for variable in plan.variables)

    def fits(self, x: Sequence[Any]) -> bool:
        """Return whether it is for batches like `x`."""
        fits = True  # a plain loop: what is hardly used is far from the caches
        for i, shape in enumerate(self._shapes):
            fits = fits and x[i].shape == shape
        return fits

    def run(
        self, x: Sequence[Any], y: Sequence[Any], weight: Sequence[Any]
    ) -> tuple[float, Gradients]:
        """Add a batch to the metrics; return the loss, and a gradient for each variable or None."""
        execution, gradients = self.execution, self._gradients
        if gradients is None:
            self._plan.forget_gradients()
        execution.take(x)
        for run in execution.forward_runs:
            run()
        value = 0.0
        for i, comparison in self._comparisons:
            value += comparison.run(y[i], weight[i])
        for run in execution.backward_runs:
            run()
        return value, self._own_gradients() if gradients is None else gradients

    def _own_gradients(self) -> Gradients:
        """Return the gradients where layers of one's own have added theirs."""
        for variable, gradient in self.execution.weight_gradients:
            if variable.grad is None:
                variable.grad = gradient
            else:
                variable.add_grad(gradient)
        return tuple(variable.grad for variable in self._plan.variables)


class LooseStep:
    """A step for any batch, layer by layer."""

    execution = None

    def __init__(self, objective: Objective, plan: Plan) -> None:
        self._objective = objective
        self._plan = plan
        self.count = 0

    def fits(self, x: Sequence[Any]) -> bool:
        """Return whether it is known to be for batches like `x`."""
        return False

    def run(
        self, x: Sequence[Any], y: Sequence[Any], weight: Sequence[Any]
    ) -> tuple[float, Gradients]:
        """Do what `Step.run` does; with penalties on outputs in the loss."""
        plan, objective = self._plan, self._objective
        plan.forget_gradients()
        arrays = [each.array() if isinstance(each, Rows) else each for each in x]
        y_pred, penalty, take_back = plan.train(arrays)
        self.count = len(y_pred[0])
        value, dys = objective.step(plan, y, y_pred, weight, gradient=True)
        objective.update(plan, y, y_pred, weight)
        del y_pred
        take_back(dys)
        return value + penalty, tuple(variable.grad for variable in plan.variables)


class Trainer:
    """What updates the weights of a model, batch by batch.

    It holds the executions that it runs until it is closed: `with Trainer(model, objective) as it`.

    Parameters
    ----------
    model : Training
    objective : Objective
    """

    def __init__(self, model: Training, objective: Objective) -> None:
        self._model = model
        self._objective = objective
        self._plan = training_plan(model, objective)
        self._variables = tuple(self._plan.variables)
        self._steps: dict[Key, Step | LooseStep] = {}
        self._last: Step | LooseStep | None = None
        self._seen = changes.count  # when the last step was looked up

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *error: object) -> None:
        """Give the executions back, for the next one."""
        for key, step in self._steps.items():
            if step.execution is not None:
                self._plan.pool.give(key, step.execution)
        self._steps, self._last = {}, None

    def prepare(self, shapes: Shapes) -> Step | LooseStep:
        """Return the step for batches of inputs of these shapes, which the next one will be."""
        self._seen = changes.count
        self._last = self._step_for(shapes)
        return self._last

    def step(self, batch: Batch) -> None:
        """Update the weights with one batch."""
        x, y, weight = batch
        step = self._last
        if step is None or self._seen != changes.count or not step.fits(x):
            step = self.prepare([array.shape for array in x])
        value, grads = step.run(x, y, weight)
        plan = self._plan
        if plan.regularized:
            value += plan.weight_penalty()
            grads = plan.with_penalties(grads)
        optimizer: Any = self._model.optimizer
        if optimizer.loss_scale_factor:
            # float32 gradients do not underflow: scaling them is as good as scaling the loss.
            grads = tuple(None if grad is None else optimizer.scale_loss(grad) for grad in grads)
        optimizer.apply(grads, self._variables)
        self._objective.tracker.add(value, step.count)

    def _step_for(self, shapes: Shapes) -> Step | LooseStep:
        key = self._plan.key(True, shapes)
        if key in self._steps:
            return self._steps[key]
        if len(self._steps) == KEPT_SHAPES:
            self.__exit__()
        execution = self._plan.lease(key)
        step: Step | LooseStep
        if isinstance(execution, Execution):
            step = Step(key, execution, self._objective, self._plan)
        else:
            step = LooseStep(self._objective, self._plan)
        self._steps[key] = step
        return step
