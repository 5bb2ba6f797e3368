"""PyDataset: batches made by the user's own code, one by one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from ..ops import checks


class PyDataset:
    """Base of data sets that make batch number `i` on request.

    A subclass defines `__getitem__(i)`, which returns a batch `(x,)`, `(x, y)` or
    `(x, y, sample_weight)`, and `__len__()`, the number of batches (or `num_batches`, which may be
    None for a data set without end).

    Parameters
    ----------
    workers : int
        Checked and kept for Keras's sake: batches are made one after the other, in order.
    use_multiprocessing : bool
        Kept for Keras's sake.
    max_queue_size : int
        Checked and kept for Keras's sake.

    Raises
    ------
    TypeError, ValueError
        A number is not an integer, or too small.
    """

    # Also what a subclass has whose constructor does not call this one's.
    workers = 1
    use_multiprocessing = False
    max_queue_size = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        where = type(self).__name__
        self.workers = checks.as_int(where, "workers", workers, 0)
        self.use_multiprocessing = bool(use_multiprocessing)
        self.max_queue_size = checks.as_int(where, "max_queue_size", max_queue_size)

    def __getitem__(self, index: int) -> Any:
        """Return the batch number `index`."""
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(index).")

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches in order, without workers."""
        count = self.num_batches
        for index in itertools.count() if count is None else range(count):
            yield self[index]

    @property
    def num_batches(self) -> int | None:
        """Number of batches, None if there is no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must define __len__() or num_batches.")

    def on_epoch_begin(self) -> None:
        """Do what is to be done before each epoch: nothing, unless a subclass says so."""

    def on_epoch_end(self) -> None:
        """Do what is to be done after each epoch: nothing, unless a subclass says so."""


#: Its name before Keras 3.
Sequence = PyDataset
