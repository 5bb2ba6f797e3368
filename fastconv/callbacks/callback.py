"""Callback: the hooks of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Every hook. Those of a batch and an epoch get its number, counted from 0, then `logs`.
HOOKS = (
    "on_train_begin",
    "on_train_end",
    "on_epoch_begin",
    "on_epoch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_end",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_predict_begin",
    "on_predict_end",
    "on_predict_batch_begin",
    "on_predict_batch_end",
)


class Callback:
    """Base of all callbacks: define those hooks that are needed.

    Attributes
    ----------
    model : Model
        The model in training.
    params : dict
        "verbose", "epochs" and "steps" (batches per epoch, None if unknown).
    """

    #: Hooks that it defines, but does nothing in with the parameters of this run.
    idle_hooks: Sequence[str] = ()

    def __init__(self) -> None:
        self.model: Any = None
        self.params: dict[str, Any] = {}

    def set_params(self, params: dict[str, Any]) -> None:
        """Keep the parameters of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Keep the model."""
        self.model = model

    def on_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Old name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Old name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Run before an epoch of `fit`."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Run after an epoch; `logs` hold its metrics, also those of validation, "val_...".

        Entries added to `logs` are recorded and shown.
        """

    def on_train_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Run before a batch of `fit`."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Run after a batch of `fit`; `logs` hold the means since the epoch began."""
        self.on_batch_end(batch, logs)

    def on_test_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Run before a batch of `evaluate`, also within `fit`."""

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Run after a batch of `evaluate`, also within `fit`."""

    def on_predict_batch_begin(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Run before a batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Run after a batch of `predict`; `logs` hold "outputs"."""

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Run at the start of `fit`."""

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Run at the end of `fit`; `logs` are those of the last epoch."""

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Run at the start of `evaluate`, also within `fit`."""

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Run at the end of `evaluate`, also within `fit`."""

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Run at the start of `predict`."""

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Run at the end of `predict`."""
