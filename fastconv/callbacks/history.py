"""History: what `fit` returns."""

from __future__ import annotations

from typing import Any

from .. import deprecation
from .callback import Callback


class History(Callback):
    """Record of an epoch's logs.

    Attributes
    ----------
    history : dict of str to list
        The values of each metric, one per epoch.
    epoch : list of int
        The epochs' numbers, counted from 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = deprecation.Logs()
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a new record of epochs."""
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self
