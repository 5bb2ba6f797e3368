"""Callbacks that change the optimizer's learning rate between epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import progress
from ..arguments import as_real
from .callback import Callback
from .monitor import MonitorCallback


class LearningRateScheduler(Callback):
    """Set the learning rate at the start of each epoch.

    Parameters
    ----------
    schedule : function of (epoch, learning_rate), or of epoch alone
        Returns the new learning rate. Epochs count from 0.
    verbose : 0 or 1
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Set the learning rate.

        Raises
        ------
        TypeError, ValueError
            `schedule` did not return a number >= 0.
        """
        optimizer = self.model.optimizer
        args = (epoch, float(optimizer.learning_rate))
        rate = self.schedule(*args if _takes(self.schedule, args) else args[:1])
        rate = as_real("LearningRateScheduler", "the value of schedule()", rate, 0)
        optimizer.learning_rate = rate
        if self.verbose > 0:
            progress.write(
                f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.\n"
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the learning rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by `factor` when a metric has stopped improving.

    Parameters
    ----------
    monitor : str
        Name in the logs.
    factor : float below 1
    patience : int
        How many epochs in a row may pass without improvement.
    verbose : 0 or 1
    mode : "auto", "min" or "max"
        What is better. "auto" asks the metric.
    min_delta : float
        Smaller changes are no improvement.
    cooldown : int
        How many epochs not to count after a reduction.
    min_lr : float
        Never go below.

    Raises
    ------
    ValueError
        `factor` is not below 1.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 0.0001,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if factor >= 1:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1, got {factor}.")
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forget earlier runs."""
        self.find_direction()
        self.best = None
        self.wait = self.cooldown_counter = 0

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Log the learning rate, compare with the best epoch, reduce the rate if it is time."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
        current = self.value(logs)
        if current is None:
            return
        if self.cooldown_counter:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improved(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.cooldown_counter:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch)

    def _reduce(self, epoch: int) -> None:
        optimizer = self.model.optimizer
        rate = float(optimizer.learning_rate)
        if rate <= self.min_lr:
            return
        rate = max(rate * self.factor, self.min_lr)
        optimizer.learning_rate = rate
        self.cooldown_counter = self.cooldown
        self.wait = 0
        if self.verbose > 0:
            progress.write(
                f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {rate}.\n"
            )


def _takes(function: Callable[..., Any], args: tuple[Any, ...]) -> bool:
    """Return whether a function can be called with the arguments."""
    import inspect

    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True
