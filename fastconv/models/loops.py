"""The loops over batches: training, evaluation, prediction. Their input is trusted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops import checks

if TYPE_CHECKING:
    from ..callbacks import CallbackList
    from .data import Batch, Epochs
    from .interrupts import DeferredInterrupt
    from .objective import Objective
    from .plan import Plan
    from .training import Model


def is_due(epoch: int, frequency: Any) -> bool:
    """Return whether to validate after an epoch, counted from 0."""
    if isinstance(frequency, Collection):
        return epoch + 1 in frequency
    return (epoch + 1) % checks.as_int("fit", "validation_freq", frequency) == 0


def test_step(objective: Objective, plan: Plan, batch: Batch, weight_penalty: float) -> None:
    """Add one batch to the means."""
    x, y, weight = batch
    y_pred, penalty = plan.infer(x)
    value, _ = objective.step(plan, y, y_pred, weight, gradient=False)
    objective.tracker.add(value + penalty + weight_penalty, len(y_pred[0]))
    objective.update(plan, y, y_pred, weight)


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
    from .trainer import Trainer  # and what compiles

    with Trainer(model, objective) as trainer:
        objective.reset()
        begin = callbacks.listeners("on_train_batch_begin")
        end = callbacks.listeners("on_train_batch_end")
        for step, batch in enumerate(batches):
            if step < done:
                continue
            for listener in begin:
                listener(step, {})
            with interrupts:
                trainer.step(batch)
            if end:
                logs = objective.result()
                for listener in end:
                    listener(step, logs)
            if model.stop_training:
                break
    return objective.result()


def evaluate(
    model: Model, objective: Objective, batches: Epochs, callbacks: CallbackList
) -> dict[str, Any]:
    """Run over all batches without training, and return the logs."""
    plan = objective.plan(model)
    penalty = plan.weight_penalty()
    objective.reset()
    heard = callbacks.listeners("on_test_batch_end")
    callbacks.call("on_test_begin", {})
    for step, batch in enumerate(batches):
        callbacks.call("on_test_batch_begin", step, {})
        test_step(objective, plan, batch, penalty)
        if heard:
            callbacks.call("on_test_batch_end", step, objective.result())
    logs = objective.result()
    callbacks.call("on_test_end", logs)
    return logs


def predict(
    model: Model, batches: Epochs, n: int | None, callbacks: CallbackList
) -> list[np.ndarray]:
    """Return each output for all batches, which have `n` samples if that is known."""
    plan = model.inference_plan()
    heard = callbacks.listeners("on_predict_batch_end")

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
