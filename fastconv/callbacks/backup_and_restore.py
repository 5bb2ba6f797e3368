"""BackupAndRestore: an interrupted `fit` goes on where it was, bit for bit."""

from __future__ import annotations

import os
from typing import Any

from .. import random
from ..ops import checks
from .callback import Callback

WEIGHTS = "latest.weights.h5"
METADATA = "training_metadata.json"


class BackupAndRestore(Callback):
    """Save the state of training now and then; if `fit` is started again, go on from there.

    Weights, the optimizer, random numbers and the order of the samples are restored, so that the
    result is the same as without the interruption. The model and the arguments of `fit` must be
    the same, the data must come in an order that depends on seeds alone. When `fit` ends normally
    the backup is deleted.

    Parameters
    ----------
    backup_dir : str or path
        A folder for this run alone.
    save_freq : "epoch" or int
        Number of batches between two backups.
    double_checkpoint : bool
        Keep the backup before the last one too.
    delete_checkpoint : bool
        Delete the backup at the end of training.

    Raises
    ------
    TypeError, ValueError
        `backup_dir` is empty, or `save_freq` neither "epoch" nor a number.
    """

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        self.backup_dir = str(os.fspath(backup_dir))
        if not self.backup_dir:
            raise ValueError("BackupAndRestore: backup_dir must be the path of a folder, got ''.")
        if save_freq != "epoch":
            save_freq = checks.as_int("BackupAndRestore", 'save_freq, unless "epoch",', save_freq)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._epoch = 0
        self._batches = 0  # since the last backup
        self._random_state: dict[str, Any] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Go back to the last backup, if there is one."""
        self._batches = 0
        path = self._path(WEIGHTS)
        previous = f"{path}.bkp"
        if not os.path.exists(path) and os.path.exists(previous):
            _copy(previous, path)
        if os.path.exists(path):
            position = self.model.load_training_state(path)
            self.model.start_position = (position["epoch"], position["batch"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Remember what the order of the samples follows from."""
        self._epoch = epoch
        if self.save_freq != "epoch":
            self._random_state = random.global_state()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save if enough batches have passed."""
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches >= self.save_freq:
            self._batches = 0
            if batch + 1 == self.params.get("steps"):  # the epoch is done
                self._save(self._epoch + 1, 0, None)
            else:
                self._save(self._epoch, batch + 1, self._random_state)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save."""
        if self.save_freq == "epoch":
            self._save(epoch + 1, 0, None)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Delete the backup, and the folder if nothing else is in it."""
        if not self.delete_checkpoint or not os.path.isdir(self.backup_dir):
            return
        for name in (WEIGHTS, METADATA):
            for path in (self._path(name), f"{self._path(name)}.bkp"):
                if os.path.exists(path):
                    os.remove(path)
        if not os.listdir(self.backup_dir):
            os.rmdir(self.backup_dir)

    def _save(self, epoch: int, batch: int, random_state: dict[str, Any] | None) -> None:
        import json

        os.makedirs(self.backup_dir, exist_ok=True)
        if self.double_checkpoint:
            for name in (WEIGHTS, METADATA):
                if os.path.exists(self._path(name)):
                    _copy(self._path(name), f"{self._path(name)}.bkp")
        position = {"epoch": epoch, "batch": batch}
        self.model.save_training_state(self._path(WEIGHTS), position, random_state)
        # What Keras looks at; the position in the other file is what counts here.
        with open(self._path(METADATA), "w") as file:
            json.dump(position, file)

    def _path(self, name: str) -> str:
        return os.path.join(self.backup_dir, name)


def _copy(source: str, target: str) -> None:
    import shutil

    shutil.copy(source, target)
