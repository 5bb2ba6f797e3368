"""Trainer: training steps. What all batches of a shape have in common is looked up once.

Trainer     a step of training for any batch: gradients, optimizer, loss and metrics
Step        gradients and metrics of batches of one shape, on arrays that have their place
LooseStep   the same layer by layer
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from .. import ops, progress
from .comparison import Comparison
from .plan import Key, Plan
from .pool import KEPT_SHAPES

if TYPE_CHECKING:
    from .data import Batch
    from .execution import Execution
    from .objective import Objective
    from .training import Model


def training_plan(model: Model, objective: Objective) -> Plan:
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


class Step:
    """A step for batches of one shape, on the arrays of an execution."""

    def __init__(self, execution: Execution, objective: Objective, plan: Plan) -> None:
        self.execution = execution
        self._compared: list[tuple[int, Comparison]] = []
        self._measured: list[tuple[int, Comparison]] = []
        outputs, gradients = execution.outputs, execution.output_gradients
        self.count = len(outputs[0])
        for i, head in enumerate(objective.heads):
            comparison = Comparison(head, plan.fused[i], outputs[i], gradients[i])
            if head.compares or gradients[i] is not None:
                self._compared.append((i, comparison))
            if head.metrics:
                self._measured.append((i, comparison))

    def run(self, x: Sequence[Any], y: Sequence[Any], weight: Sequence[Any]) -> float:
        """Return the loss, and add its gradients to the variables."""
        self.execution.forward(x)
        value = 0.0
        for i, comparison in self._compared:
            value += comparison.step(y[i], weight[i])
        self.execution.backward()
        return value

    def update(self, y: Sequence[Any], weight: Sequence[Any]) -> None:
        """Add the batch to the metrics."""
        for i, comparison in self._measured:
            comparison.update(y[i], weight[i])


class LooseStep:
    """A step for any batch, layer by layer."""

    execution = None

    def __init__(self, objective: Objective, plan: Plan) -> None:
        self._objective = objective
        self._plan = plan
        self._y_pred: list[Any] = []
        self.count = 0

    def run(self, x: Sequence[Any], y: Sequence[Any], weight: Sequence[Any]) -> float:
        """Return the loss with penalties on activities, and add gradients to the variables."""
        arrays = [each.array() if isinstance(each, ops.Rows) else each for each in x]
        self._y_pred, penalty, take_back = self._plan.train(arrays)
        self.count = len(self._y_pred[0])
        value, dys = self._objective.step(self._plan, y, self._y_pred, weight, gradient=True)
        take_back(dys)
        return value + penalty

    def update(self, y: Sequence[Any], weight: Sequence[Any]) -> None:
        """Add the batch to the metrics."""
        self._objective.update(self._plan, y, self._y_pred, weight)
        self._y_pred = []


class Trainer:
    """What updates the weights of a model, batch by batch.

    It holds the executions that it runs until it is closed: `with Trainer(model, objective) as it`.

    Parameters
    ----------
    model : Model
    objective : Objective
    """

    def __init__(self, model: Model, objective: Objective) -> None:
        self._model = model
        self._objective = objective
        self._plan = training_plan(model, objective)
        self._steps: dict[Key, Step | LooseStep] = {}

    def __enter__(self) -> Trainer:
        return self

    def __exit__(self, *error: object) -> None:
        """Give the executions back, for the next one."""
        for key, step in self._steps.items():
            if step.execution is not None:
                self._plan.pool.give(key, step.execution)
        self._steps = {}

    def step(self, batch: Batch) -> None:
        """Update the weights with one batch."""
        x, y, weight = batch
        key = self._plan.key(True, [array.shape for array in x])
        step = self._steps.get(key) or self._new_step(key)
        plan = self._plan
        optimizer: Any = self._model.optimizer
        for variable in plan.variables:
            variable.grad = None
        value = step.run(x, y, weight)
        if plan.regularized:
            value += plan.weight_penalty()
            plan.add_weight_penalty_gradients()
        grads = [variable.grad for variable in plan.variables]
        if optimizer.loss_scale_factor:
            # float32 gradients do not underflow: scaling them is as good as scaling the loss.
            grads = [None if grad is None else optimizer.scale_loss(grad) for grad in grads]
        optimizer.apply(grads, plan.variables)
        self._objective.tracker.add(value, step.count)
        step.update(y, weight)

    def _new_step(self, key: Key) -> Step | LooseStep:
        if len(self._steps) == KEPT_SHAPES:
            self.__exit__()
        execution = self._plan.lease(key)
        step: Step | LooseStep
        if execution is None:
            step = LooseStep(self._objective, self._plan)
        else:  # parts are for inference
            step = Step(cast("Execution", execution), self._objective, self._plan)
        self._steps[key] = step
        return step
