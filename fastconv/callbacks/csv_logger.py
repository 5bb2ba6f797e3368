"""CSVLogger: writes the logs of each epoch to a file."""

from __future__ import annotations

import os
from typing import IO, Any

import numpy as np

from .callback import Callback


class CSVLogger(Callback):
    """Write one row per epoch: its number, counted from 0, and its logs by name.

    Parameters
    ----------
    filename : str or path
    separator : str
        One character.
    append : bool
        Add to the file, and repeat no heading, if there is one.
    """

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.keys: list[str] | None = None
        self._file: IO[str] | None = None
        self._writer: Any = None
        self._heading = True

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Open the file."""
        self._close()
        if self.append and os.path.exists(self.filename):
            self._heading = os.path.getsize(self.filename) == 0
        # The csv module writes line ends itself.
        self._file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115
        self.keys = None
        self._writer = None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write a row; what is missing in it is NA."""
        logs = logs or {}
        if self._writer is None:
            self._start(sorted(logs))
        assert self.keys is not None and self._file is not None
        self._writer.writerow([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])
        self._file.flush()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the file."""
        self._close()

    def _start(self, keys: list[str]) -> None:
        import csv

        # Validation may come in later epochs only, and a column cannot be added then.
        if not any(key.startswith("val_") for key in keys):
            keys = [*keys, *(f"val_{key}" for key in keys)]
        self.keys = keys
        self._writer = csv.writer(self._file, delimiter=self.sep)  # type: ignore[arg-type]
        if self._heading:
            self._writer.writerow(["epoch", *keys])

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _cell(value: Any) -> Any:
    """Return what goes into one cell: a list of numbers is written as "[1, 2]"."""
    if isinstance(value, str) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'
