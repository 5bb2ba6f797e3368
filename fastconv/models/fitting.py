"""The loop of `fit`. What training alone needs is loaded with it, by `compile`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from .. import deprecation
from ..callbacks import CallbackList
from ..ops import checks
from . import loops
from .interrupts import DeferredInterrupt
from .trainer import Trainer

if TYPE_CHECKING:
    from .feeds import Epochs
    from .objective import Objective
    from .training import Training


def fit(
    model: Training,
    objective: Objective,
    batches: Epochs,
    validation: Epochs | None,
    callbacks: CallbackList,
    epochs: range,
    validation_freq: Any,
) -> None:
    """Train for some epochs; their input is trusted."""
    interrupts = DeferredInterrupt()
    interrupts.install()
    try:
        callbacks.call("on_train_begin", {})
        logs = deprecation.Logs()
        begin, done = model.start_position or (epochs.start, 0)
        for epoch in range(begin, epochs.stop):
            if not batches.ready():
                break
            callbacks.call("on_epoch_begin", epoch, {})
            logs = deprecation.Logs(
                train_epoch(model, objective, batches, callbacks, interrupts, done)
            )
            done = 0
            if validation is not None and is_due(epoch, validation_freq):
                results = loops.evaluate(model, objective, validation, callbacks)
                logs |= {f"val_{name}": value for name, value in results.items()}
            callbacks.call("on_epoch_end", epoch, logs)
            if model.stop_training:
                break
        model.optimizer.finalize_variable_values()  # type: ignore[union-attr]
        callbacks.call("on_train_end", logs)
    finally:
        interrupts.remove()


def is_due(epoch: int, frequency: Any) -> bool:
    """Return whether to validate after an epoch, counted from 0."""
    if isinstance(frequency, Collection):
        return epoch + 1 in frequency
    return (epoch + 1) % checks.as_int("fit", "validation_freq", frequency) == 0


def train_epoch(
    model: Training,
    objective: Objective,
    batches: Epochs,
    callbacks: CallbackList,
    interrupts: DeferredInterrupt,
    done: int = 0,
) -> dict[str, Any]:
    """Train for one epoch, and return its logs; its first `done` batches are left out."""
    # Anew each epoch: a callback may have frozen or thawed a layer.
    with Trainer(model, objective) as trainer:
        if batches.shapes:
            trainer.prepare(batches.shapes)
        objective.reset()
        begin = callbacks.listeners("on_train_batch_begin")
        end = callbacks.listeners("on_train_batch_end")
        for step, batch in enumerate(batches):
            if step < done:
                continue
            for listener in begin:
                listener(step, {})
            interrupts.waits = True
            trainer.step(batch)
            interrupts.waits = False
            if interrupts.pending:
                interrupts.interrupt()
            if end:
                logs = objective.result()
                for listener in end:
                    listener(step, logs)
            if model.stop_training:
                break
    return objective.result()
