"""The loops over batches of evaluate and predict. Their input is trusted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from ..callbacks import CallbackList
    from .feeds import Batch, Epochs
    from .objective import Objective
    from .plan import Plan
    from .training import Training


def test_step(objective: Objective, plan: Plan, batch: Batch, weight_penalty: float) -> None:
    """Add one batch to the means."""
    x, y, weight = batch
    y_pred, penalty = plan.infer(x)
    value, _ = objective.step(plan, y, y_pred, weight, gradient=False)
    objective.tracker.add(value + penalty + weight_penalty, len(y_pred[0]))
    objective.update(plan, y, y_pred, weight)


def evaluate(
    model: Training, objective: Objective, batches: Epochs, callbacks: CallbackList
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
    model: Training, batches: Epochs, n: int | None, callbacks: CallbackList
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
