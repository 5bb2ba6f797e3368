"""Feeds: what is given to fit, evaluate and predict, cut into batches.

arrays  -> checked, split, weighted once -> ArrayFeed  -> batches gathered as float32
streams (generators, ...) -> StreamFeed -> each batch checked as it comes
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .. import ops, progress
from ..ops import checks
from .data import unpack

Optional = list["np.ndarray | None"]
#: Of a batch or of all data: an array for each input (a batch that fit shuffled has `ops.Rows`,
#: which are gathered straight into the memory of a compiled step); for each output targets (as its
#: loss wants them) and sample weights (float32), None where there are none.
Batch = tuple[list[Any], Optional, Optional]

#: Targets of so many bytes are put into the order of an epoch when it begins.
SMALL_BYTES = 4 << 20

#: Shuffled batches that are cut at once, if that makes no copies.
AHEAD = 32

#: After so many batches without an end, a generator is perhaps endless.
MANY_BATCHES = 10_000


class ArrayFeed:
    """Arrays, cut into batches.

    Parameters
    ----------
    arrays : Batch
        All arrays (N, ...).
    batch_size : int
    shuffle : bool or "batch"
        A new order in each epoch, from NumPy's global generator: of all samples, or of whole
        batches.
    """

    def __init__(self, arrays: Any, batch_size: int, shuffle: Any = False) -> None:
        self.arrays = arrays
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.steps: int | None = -(-len(arrays[0][0]) // batch_size)

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the inputs in a batch."""
        n = min(self.batch_size, len(self.arrays[0][0]))
        return [(n, *x.shape[1:]) for x in self.arrays[0]]

    def ready(self) -> bool:
        """Return whether there are batches left: always, an array can be read again."""
        return True

    def epoch(self) -> Iterator[Batch]:
        """Yield all batches once."""
        n, size = len(self.arrays[0][0]), self.batch_size
        starts = range(0, n, size)
        if self.shuffle is True:
            order = np.random.permutation(n).astype(np.int64, copy=False)
            yield from self._in_order(order)
            return
        if self.shuffle == "batch":
            # The last batch may be smaller and stays the last one.
            full = n // size
            shuffled = np.random.permutation(full) * size
            starts = [*shuffled, *starts[full:]]  # type: ignore[assignment]
        for start in starts:
            rows = slice(start, min(start + size, n))
            xs, ys, weights = self.arrays
            yield (
                [checks.as_float32("batch", "x", x[rows]) for x in xs],
                [None if y is None else _targets(y, rows) for y in ys],
                [None if weight is None else weight[rows] for weight in weights],
            )

    def _in_order(self, order: np.ndarray) -> Iterator[Batch]:
        """Yield batches of the samples in some order."""
        n, size = len(order), self.batch_size
        sources = [ops.RowSource(x) for x in self.arrays[0]]
        ys, weights = (
            [None if y is None else _InOrder(y, order) for y in arrays]
            for arrays in self.arrays[1:]
        )

        def cut(start: int) -> Batch:
            rows = slice(start, start + size)
            picked = order[rows]
            return (
                [ops.Rows(source, picked) for source in sources],
                [None if y is None else y[rows] for y in ys],
                [None if weight is None else weight[rows] for weight in weights],
            )

        # Together they find in the caches what each alone would have to fetch after a step.
        ahead = AHEAD if all(y is None or y.is_sorted for y in (*ys, *weights)) else 1
        for begin in range(0, n, ahead * size):
            yield from [cut(start) for start in range(begin, min(begin + ahead * size, n), size)]


class _InOrder:
    """Targets or sample weights in the order of an epoch: small ones are put in it at once.

    Attributes
    ----------
    is_sorted : bool
        Whether that was done: then a part costs no memory.
    """

    def __init__(self, y: np.ndarray, order: np.ndarray) -> None:
        self._y, self._order = y, order
        self._sorted = _targets(y, order) if y.nbytes <= SMALL_BYTES else None
        self.is_sorted = self._sorted is not None

    def __getitem__(self, rows: slice) -> np.ndarray:
        if self._sorted is not None:
            return self._sorted[rows]
        return _targets(self._y, self._order[rows])


def _targets(y: np.ndarray, rows: Any) -> np.ndarray:
    """Return rows (a slice, or their indices) of targets: labels keep their type."""
    if y.ndim == 1 or y.dtype.kind != "f":
        targets: np.ndarray = y[rows]
        return targets
    if isinstance(rows, slice):
        return checks.as_float32("batch", "y", y[rows])
    return ops.take_rows(y, rows)


class StreamFeed:
    """Batches from a generator or another iterable, or from an object with len() and [i].

    Parameters
    ----------
    source : iterable of x, (x, y) or (x, y, sample_weight)
    prepare : function of (x, y, sample_weight)
        Checks a batch and returns it as arrays.

    Attributes
    ----------
    steps : int or None
        Batches per epoch, None if unknown.
    shapes : list of tuple of int
        Shapes of the inputs in the first batch, until it is used up; empty if unknown.
    """

    def __init__(self, where: str, source: Any, prepare: Callable[..., Batch]) -> None:
        self._where = where
        self._source = source
        self._prepare = prepare
        self._first: list[Any] = []  # a batch that was taken to look at
        # ImageDataGenerator's iterators never end, but have a length and give batches by number.
        self._by_number = hasattr(source, "__getitem__") and _iterates_once(source)
        self.one_pass = _iterates_once(source) and not self._by_number
        self._iterator: Iterator[Any] | None = iter(source) if self.one_pass else None
        self.steps: int | None = _length(source)
        self.shapes: list[tuple[int, ...]] = []

    def peek(self) -> tuple[Any, Any, Any]:
        """Return the first batch as it came, without using it up.

        Raises
        ------
        ValueError
            There is none.
        """
        if self._iterator is None:
            self._iterator = self._start()
        if not self._take():
            raise ValueError(f"{self._where}: x gave no batch at all.")
        return unpack(f"{self._where}: x", self._first[0])

    def ready(self) -> bool:
        """Return whether there are batches left."""
        return self._take() if self.one_pass else True

    def _take(self) -> bool:
        """Get a batch ready to be looked at; return whether there is one."""
        if not self._first:
            assert self._iterator is not None
            for batch in self._iterator:
                self._first.append(batch)
                break
        return bool(self._first)

    def epoch(self) -> Iterator[Batch]:
        """Yield batches until the source ends."""
        self.shapes = []
        begin = getattr(self._source, "on_epoch_begin", None)
        if begin is not None:
            begin()
        iterator = self._iterator or self._start()
        if not self.one_pass:
            self._iterator = None
        count = 0
        while True:
            try:
                batch = self._first.pop() if self._first else next(iterator)
            except StopIteration:
                break
            except Exception as error:
                if hasattr(error, "add_note"):  # from Python 3.11 on
                    error.add_note(f"{self._where}: x failed to give batch {count}.")
                raise
            count += 1
            if count == MANY_BATCHES and self.one_pass:
                progress.warn(
                    f"{self._where}: x has given {count} batches and no end; a generator that "
                    f"never ends needs steps_per_epoch."
                )
            yield self._prepare(*unpack(f"{self._where}: x", batch))
        end = getattr(self._source, "on_epoch_end", None)
        if end is not None:
            end()

    def _start(self) -> Iterator[Any]:
        if hasattr(self._source, "__iter__") and not self._by_number:
            return iter(self._source)
        return (self._source[i] for i in range(len(self._source)))


def _iterates_once(source: Any) -> bool:
    """Return whether `source` is an iterator, which cannot begin again."""
    return hasattr(source, "__iter__") and iter(source) is source


def _length(source: Any) -> int | None:
    try:
        return len(source)
    except TypeError:  # without len(), or with one that does not know
        return None


class Epochs:
    """A feed, epoch by epoch: iterating gives the batches of the next epoch.

    Parameters
    ----------
    where : str
        For messages.
    feed : ArrayFeed or StreamFeed
    steps : int, optional
        Batches per epoch; by default all that the feed has.
    go_on : bool
        With fewer steps than the feed has, an epoch begins where the last one ended, instead of
        at the start. A generator always goes on.

    Attributes
    ----------
    steps : int or None
        Batches per epoch, None if unknown.
    """

    def __init__(
        self,
        where: str,
        feed: ArrayFeed | StreamFeed,
        steps: int | None = None,
        go_on: bool = False,
    ) -> None:
        self._where = where
        self._feed = feed
        self._limit = steps
        self._go_on = go_on
        self._running: Iterator[Batch] | None = None
        self._warned = False
        self.steps = feed.steps if steps is None else steps

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the inputs in the batch that comes next; empty if unknown."""
        return self._feed.shapes

    def ready(self) -> bool:
        """Return whether there is data for an epoch; warns if there is not."""
        ready = self._feed.ready()
        if not ready:
            self._warn("x is read to its end; no more epochs are possible.")
        return ready

    def __iter__(self) -> Iterator[Batch]:
        if not self._go_on:
            self._running = None
        return self._feed.epoch() if self._limit is None else self._limited(self._limit)

    def _limited(self, limit: int) -> Iterator[Batch]:
        for done in range(limit):
            batch = None if self._running is None else next(self._running, None)
            if batch is None and not done:
                self._running = self._feed.epoch()
                batch = next(self._running, None)
            if batch is None:
                self._running = None
                self._warn(f"the data ended after {done} of {limit} batches of this epoch.")
                return
            yield batch

    def _warn(self, message: str) -> None:
        if not self._warned:
            self._warned = True
            progress.warn(f"{self._where}: {message}")
