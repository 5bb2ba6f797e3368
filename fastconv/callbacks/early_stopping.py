"""EarlyStopping: ends training when a metric stops improving."""

from __future__ import annotations

from typing import Any

from .. import progress
from .monitor import MonitorCallback


class EarlyStopping(MonitorCallback):
    """Stop when a metric has not improved for `patience` epochs.

    Parameters
    ----------
    monitor : str
        Name in the logs.
    min_delta : float
        Smaller changes are no improvement.
    patience : int
        How many epochs in a row may pass without improvement.
    verbose : 0 or 1
    mode : "auto", "min" or "max"
        What is better. "auto" asks the metric.
    baseline : float, optional
        Only epochs better than this reset the patience.
    restore_best_weights : bool
        At the end of training, stopped early or not, go back to the best epoch's weights.
    start_from_epoch : int
        Epochs before this one do not count.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Forget earlier runs."""
        self.find_direction()
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compare with the best epoch."""
        if epoch < self.start_from_epoch:
            return
        current = self.value(logs)
        if current is None:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.improved(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.improved(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the best weights if asked to."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            progress.write(f"Epoch {self.stopped_epoch + 1}: early stopping\n")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                progress.write(
                    "Restoring model weights from the end of the best epoch: "
                    f"{self.best_epoch + 1}.\n"
                )
            self.model.set_weights(self.best_weights)
