"""The loops over batches: training, evaluation, prediction. Their input is trusted."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import progress
from ..callbacks import CallbackList
from ..ops import checks
from .data import Batch, Epochs
from .interrupts import DeferredInterrupt
from .objective import Objective
from .plan import Plan

if TYPE_CHECKING:
    from .training import Model


def plan_for(model: Model, objective: Objective) -> Plan:
    """Return the model's layers, ready to run for its loss.

    The loss takes over the last activation if it can: its value is then exact where probabilities
    round to 0, and its gradient never vanishes there.
    """
    last = model.flatten()[-1]
    activation = objective.loss.fused_activation
    fused = activation is not None and activation == last.activation_name
    # An activity penalty is one of probabilities.
    return model.plan(fused=fused and last.activity_regularizer is None)


def training_plan(model: Model, objective: Objective) -> Plan:
    """Return `plan_for`, with the optimizer built for what the plan trains."""
    plan = plan_for(model, objective)
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


def is_due(epoch: int, frequency: Any) -> bool:
    """Return whether to validate after an epoch, counted from 0."""
    if isinstance(frequency, Collection):
        return epoch + 1 in frequency
    return (epoch + 1) % checks.as_int("fit", "validation_freq", frequency) == 0


def train_step(model: Model, objective: Objective, plan: Plan, batch: Batch) -> None:
    """Update the weights with one batch."""
    x, y, weight = batch
    assert y is not None
    for variable in plan.variables:
        variable.grad = None
    y_pred, penalty, take_back = plan.train(x)
    value, dy = objective.loss_step(plan, y, y_pred, weight, gradient=True)
    assert dy is not None
    take_back(dy)
    penalty += plan.weight_penalty()
    plan.add_weight_penalty_gradients()
    optimizer: Any = model.optimizer
    optimizer.apply([variable.grad for variable in plan.variables], plan.variables)
    objective.update(plan, value + penalty, y, y_pred, weight)


def test_step(objective: Objective, plan: Plan, batch: Batch, weight_penalty: float) -> None:
    """Add one batch to the means."""
    x, y, weight = batch
    assert y is not None
    y_pred, penalty = plan.infer(x)
    value, _ = objective.loss_step(plan, y, y_pred, weight, gradient=False)
    objective.update(plan, value + penalty + weight_penalty, y, y_pred, weight)


def train_epoch(
    model: Model,
    objective: Objective,
    batches: Epochs,
    callbacks: CallbackList,
    interrupts: DeferredInterrupt,
) -> dict[str, Any]:
    """Train for one epoch, and return its logs."""
    # Anew each epoch: a callback may have frozen or thawed a layer.
    plan = training_plan(model, objective)
    objective.reset()
    heard = callbacks.listens("on_train_batch_end")
    for step, batch in enumerate(batches):
        callbacks.call("on_train_batch_begin", step, {})
        with interrupts:
            train_step(model, objective, plan, batch)
        if heard:
            callbacks.call("on_train_batch_end", step, objective.result())
        if model.stop_training:
            break
    return objective.result()


def evaluate(
    model: Model, objective: Objective, batches: Epochs, callbacks: CallbackList
) -> dict[str, Any]:
    """Run over all batches without training, and return the logs."""
    plan = plan_for(model, objective)
    penalty = plan.weight_penalty()
    objective.reset()
    heard = callbacks.listens("on_test_batch_end")
    callbacks.call("on_test_begin", {})
    for step, batch in enumerate(batches):
        callbacks.call("on_test_batch_begin", step, {})
        test_step(objective, plan, batch, penalty)
        if heard:
            callbacks.call("on_test_batch_end", step, objective.result())
    logs = objective.result()
    callbacks.call("on_test_end", logs)
    return logs


def predict(plan: Plan, batches: Epochs, n: int | None, callbacks: CallbackList) -> np.ndarray:
    """Return the outputs for all batches, which have `n` samples if that is known."""
    result: np.ndarray | None = None
    parts: list[np.ndarray] = []
    done = 0
    for step, (x, _, _) in enumerate(batches):
        callbacks.call("on_predict_batch_begin", step, {})
        y, _ = plan.infer(x)
        if n is None:
            parts.append(y.copy() if np.may_share_memory(x, y) else y)
        else:
            if result is None:
                result = np.empty((n, *y.shape[1:]), np.float32)
            result[done : done + len(y)] = y
        done += len(y)
        callbacks.call("on_predict_batch_end", step, {"outputs": y})
    if n is None:
        result = np.concatenate(parts)
    assert result is not None
    return result
