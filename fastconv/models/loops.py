"""The loops over batches: training, evaluation, prediction. Their input is trusted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import progress
from ..ops import checks
from .plan import Plan

if TYPE_CHECKING:
    from ..callbacks import CallbackList
    from .data import Batch, Epochs
    from .interrupts import DeferredInterrupt
    from .objective import Objective
    from .training import Model


def plan_for(model: Model, objective: Objective) -> Plan:
    """Return the model's layers, ready to run for its losses."""
    heads = objective.heads
    return model.plan(
        activations=[None if head.loss is None else head.loss.fused_activation for head in heads],
        with_loss=[head.compares for head in heads],
    )


def training_plan(model: Model, objective: Objective) -> Plan:
    """Return `plan_for`, with the optimizer built for what the model trains."""
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
    for variable in plan.variables:
        variable.grad = None
    y_pred, penalty, take_back = plan.train_step(x)
    value, gradients = objective.step(plan, y, y_pred, weight, gradient=True)
    take_back(gradients)
    if plan.regularized:
        penalty += plan.weight_penalty()
        plan.add_weight_penalty_gradients()
    optimizer: Any = model.optimizer
    grads = [variable.grad for variable in plan.variables]
    if optimizer.loss_scale_factor:
        # float32 gradients do not underflow: scaling them is as good as scaling the loss.
        grads = [None if grad is None else optimizer.scale_loss(grad) for grad in grads]
    optimizer.apply(grads, plan.variables)
    objective.update(plan, value + penalty, y, y_pred, weight)


def test_step(objective: Objective, plan: Plan, batch: Batch, weight_penalty: float) -> None:
    """Add one batch to the means."""
    x, y, weight = batch
    y_pred, penalty = plan.infer(x)
    value, _ = objective.step(plan, y, y_pred, weight, gradient=False)
    objective.update(plan, value + penalty + weight_penalty, y, y_pred, weight)


def train_epoch(
    model: Model,
    objective: Objective,
    batches: Epochs,
    callbacks: CallbackList,
    interrupts: DeferredInterrupt,
    done: int = 0,
) -> dict[str, Any]:
    """Train for one epoch, and return its logs; its first `done` batches are left out."""
    # Anew each epoch: a callback may have frozen or thawed a layer.
    plan = training_plan(model, objective)
    objective.reset()
    heard = callbacks.listens("on_train_batch_end")
    for step, batch in enumerate(batches):
        if step < done:
            continue
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
    objective.release()
    logs = objective.result()
    callbacks.call("on_test_end", logs)
    return logs


def predict(
    model: Model, batches: Epochs, n: int | None, callbacks: CallbackList
) -> list[np.ndarray]:
    """Return each output for all batches, which have `n` samples if that is known."""
    plan = model.inference_plan()
    heard = callbacks.listens("on_predict_batch_end")

    def outputs() -> Iterator[list[np.ndarray]]:
        for step, (x, _, _) in enumerate(batches):
            callbacks.call("on_predict_batch_begin", step, {})
            ys, _ = plan.infer(x)
            yield ys
            if heard:
                callbacks.call("on_predict_batch_end", step, {"outputs": model.structured(ys)})

    return joined(outputs(), n)


def joined(batches: Iterable[list[np.ndarray]], n: int | None) -> list[np.ndarray]:
    """Return each output for all samples, given those of each batch, and their number if known."""
    if n is None:
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    results: list[np.ndarray] = []
    done = 0
    for ys in batches:
        if not results:
            results = [np.empty((n, *y.shape[1:]), np.float32) for y in ys]
        for result, y in zip(results, ys, strict=True):
            result[done : done + len(y)] = y
        done += len(ys[0])
    return results
