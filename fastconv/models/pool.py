"""Pool: the executions that nobody runs, kept for the next batch of their shape."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from .execution import Execution
    from .parts import Parts

    Runnable: TypeAlias = Execution | Parts

#: Shapes of batches that executions are kept for, and the bytes kept when nothing runs.
KEPT_SHAPES = 4
KEPT_BYTES = 64 << 20


class Pool:
    """Executions by what they were compiled for. Several threads may use it.

    An execution is taken out while it runs, so that each thread has one of its own.

    Parameters
    ----------
    is_bounded : bool
        Never keep more than `KEPT_BYTES`, but for the execution that was given back last; else
        `release` sees to it.

    Attributes
    ----------
    nbytes : int
        Bytes of the memory that is kept.
    """

    def __init__(self, is_bounded: bool = False) -> None:
        self._is_bounded = is_bounded
        self._lock = threading.Lock()
        #: None for what cannot be compiled. The least recently used comes first.
        self._idle: OrderedDict[Hashable, list[Runnable] | None] = OrderedDict()
        self.nbytes = 0

    def take(self, key: Hashable, at_once: bool = False) -> tuple[Runnable | None, bool]:
        """Return an execution to run, if there is one; else whether it pays to compile one.

        It does the second time, or `at_once`.
        """
        with self._lock:
            if key not in self._idle:
                self._idle[key] = []
                while len(self._idle) > KEPT_SHAPES:
                    self._drop(next(iter(self._idle.values())))
                    self._idle.popitem(last=False)
                return None, at_once
            self._idle.move_to_end(key)
            idle = self._idle[key]
            if not idle:
                return None, idle is not None
            execution = idle.pop()
            self.nbytes -= execution.kept_nbytes
            return execution, False

    def give(self, key: Hashable, execution: Runnable) -> None:
        """Keep an execution for the next `take`, unless its shape fell out of use meanwhile."""
        with self._lock:
            idle = self._idle.get(key)
            if idle is None:
                return
            if self._is_bounded and self.nbytes + execution.kept_nbytes > KEPT_BYTES:
                for others in self._idle.values():
                    self._drop(others)
            idle.append(execution)
            self.nbytes += execution.kept_nbytes

    def refuse(self, key: Hashable) -> None:
        """Note that nothing can be compiled for this."""
        with self._lock:
            self._idle[key] = None

    def release(self) -> None:
        """Let go all executions, if they take much memory."""
        with self._lock:
            if self.nbytes > KEPT_BYTES:
                for idle in self._idle.values():
                    self._drop(idle)

    def _drop(self, idle: list[Runnable] | None) -> None:
        """Let go the executions of one kind."""
        if idle:
            self.nbytes -= sum(execution.kept_nbytes for execution in idle)
            idle.clear()
