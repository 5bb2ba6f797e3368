"""ModelCheckpoint: saves the model or its weights during training."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from .. import arguments, deprecation, progress
from ..ops import checks
from .monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Save the model after each epoch, or after every so many batches.

    Parameters
    ----------
    filepath : str or path
        Ends in .keras or .h5; in .weights.h5 for weights alone. May hold fields:
        "{epoch:02d}-{val_loss:.2f}.keras". Epochs count from 1 here, and so does {batch}. Folders
        are made.
    monitor : str
        Name in the logs of what decides which model is the best.
    verbose : 0 or 1
    save_best_only : bool
        Save only when the metric improves.
    save_weights_only : bool
        Save the weights (and the optimizer's state), not the whole model.
    mode : "auto", "min" or "max"
        What is better. "auto" asks the metric.
    save_freq : "epoch" or int
        Number of batches between two savings.
    initial_value_threshold : float, optional
        Save nothing that is not better than this.

    Raises
    ------
    ValueError
        `filepath` has another ending, or another argument has a wrong value.
    """

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
        **former: Any,
    ) -> None:
        super().__init__(monitor, mode)
        #: Number of epochs between two savings.
        self.period = checks.as_int(
            "ModelCheckpoint", "period", deprecation.take("ModelCheckpoint", former, "period", 1)
        )
        arguments.no_others("ModelCheckpoint", former, ModelCheckpoint.__init__)
        self.filepath = str(os.fspath(filepath))
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            listed = " or ".join(f'"{ending}"' for ending in endings)
            raise ValueError(
                f"ModelCheckpoint: filepath must end in {listed} with save_weights_only="
                f'{bool(save_weights_only)}, got "{self.filepath}".'
            )
        if save_freq != "epoch":
            save_freq = checks.as_int("ModelCheckpoint", 'save_freq, unless "epoch",', save_freq)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self.best = initial_value_threshold
        self._epoch = 0
        self._passed = 0  # batches, or epochs, since it was last time to save

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check that the metric and the fields of the path will be there."""
        if self.save_best_only:
            self.find_direction()
        self._check_fields()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the number of the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if enough batches have passed."""
        if self.save_freq == "epoch":
            return
        if self._is_due(self.save_freq):
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save."""
        if self.save_freq == "epoch" and self._is_due(self.period):
            self._save(epoch, logs or {})

    def _is_due(self, frequency: int) -> bool:
        """Return whether this is the last of `frequency` batches, or epochs."""
        self._passed = (self._passed + 1) % frequency
        return not self._passed

    def _save(self, epoch: int, logs: dict[str, Any]) -> None:
        try:
            path = self.filepath.format(**{**logs, "epoch": epoch + 1})
        except KeyError as error:
            raise ValueError(self._unknown_field(error.args[0], list(logs))) from None
        if not self._wanted(epoch, logs, path):
            return
        folder = os.path.dirname(path)
        if folder:
            os.makedirs(folder, exist_ok=True)
        save = self.model.save_weights if self.save_weights_only else self.model.save
        save(path, overwrite=True)
        self._say(epoch, f"finished saving model to {path}")

    def _wanted(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        if not self.save_best_only:
            self._say(epoch, f"saving model to {path}")
            return True
        current = self.value(logs)
        if current is None:
            return True
        if np.ndim(current):
            progress.warn(
                f'ModelCheckpoint: monitor="{self.monitor}" is not a single number, so every '
                f"epoch is saved."
            )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self.improved(current, self.best):
            self._say(epoch, f"{self.monitor} did not improve from {best}")
            return False
        self._say(
            epoch, f"{self.monitor} improved from {best} to {current:.5f}, saving model to {path}"
        )
        self.best = current
        return True

    def _say(self, epoch: int, message: str) -> None:
        if self.verbose > 0:
            progress.write(f"\nEpoch {epoch + 1}: {message}\n")

    def _check_fields(self) -> None:
        """Raise ValueError if a field of the path needs validation and there is none."""
        import string

        names = list(getattr(self.model, "log_names", ()))
        for _, field, _, _ in string.Formatter().parse(self.filepath):
            # A field of another name may still be filled by a callback that adds to the logs.
            if field and field.startswith("val_") and field[4:] in names and field not in names:
                raise ValueError(self._unknown_field(field, names))

    def _unknown_field(self, field: str, names: list[str]) -> str:
        return (
            f'ModelCheckpoint: filepath "{self.filepath}" has the field {{{field}}}, which the '
            f"logs do not have; they have epoch, {', '.join(names)}."
        )
