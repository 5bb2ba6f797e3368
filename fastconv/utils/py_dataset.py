"""PyDataset: batches made by the user's own code, one by one."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator
from typing import Any

from .. import progress
from ..ops import checks


class PyDataset:
    """Base of data sets that make batch number `i` on request.

    A subclass defines `__getitem__(i)`, which returns a batch `(x,)`, `(x, y)` or
    `(x, y, sample_weight)`, and `__len__()`, the number of batches (or `num_batches`, which may be
    None for a data set without end).

    Parameters
    ----------
    workers : int
        Above 1, so many threads make batches ahead of their use. They come in order all the same,
        and an error comes when it is the turn of its batch. `__getitem__` runs several times at
        once then: it may change nothing, and needs random numbers of its own for each batch.
    use_multiprocessing : bool
        There are no processes: True gives a warning, and threads.
    max_queue_size : int
        How many batches are made ahead at the most.

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
        if use_multiprocessing:
            progress.warn(
                f"{where}: use_multiprocessing is not supported: threads make the batches instead, "
                f"as many as there are workers. Code that holds Python's lock gains nothing."
            )
        self.max_queue_size = checks.as_int(where, "max_queue_size", max_queue_size)

    def __getitem__(self, index: int) -> Any:
        """Return the batch number `index`."""
        raise checks.must_define(self, "__getitem__(index)")

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches in order."""
        count = self.num_batches
        indices = iter(itertools.count() if count is None else range(count))
        if self.workers > 1 or (self.workers and self.use_multiprocessing):
            # The first is made here: `fit` looks at it before it begins the epoch.
            yield from map(self.__getitem__, itertools.islice(indices, 1))
            yield from self._made_ahead(indices)
        else:
            yield from map(self.__getitem__, indices)

    def _made_ahead(self, indices: Iterator[int]) -> Iterator[Any]:
        """Yield batches that threads make; they end with the iterator."""
        from concurrent.futures import Future, ThreadPoolExecutor  # slow to load

        waiting: deque[Future[Any]] = deque()
        with ThreadPoolExecutor(self.workers, type(self).__name__) as threads:
            try:
                for index in indices:
                    waiting.append(threads.submit(self.__getitem__, index))
                    if len(waiting) >= self.max_queue_size:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:  # an error, or nobody wants the rest
                for batch in waiting:
                    batch.cancel()

    @property
    def num_batches(self) -> int | None:
        """Number of batches, None if there is no end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise checks.must_define(self, "__len__() or num_batches")

    def on_epoch_begin(self) -> None:
        """Do what is to be done before each epoch: nothing, unless a subclass says so."""

    def on_epoch_end(self) -> None:
        """Do what is to be done after each epoch: nothing, unless a subclass says so."""


#: Its name before Keras 3.
Sequence = PyDataset
