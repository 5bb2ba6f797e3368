"""Ctrl-C between batches: a step that has begun is finished, so that weights fit together."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class DeferredInterrupt:
    """Between `install` and `remove`, Ctrl-C waits while it is told to.

    Outside the main thread, or when someone else handles SIGINT, it does nothing.

    Attributes
    ----------
    waits : bool
        Set it before a step, and clear it afterwards. Plain attributes: each step pays for this.
    pending : bool
        Whether Ctrl-C was pressed meanwhile; then call `interrupt`.
    """

    def __init__(self) -> None:
        self._previous: Any = None
        self.waits = False
        self.pending = False

    def install(self) -> None:
        """Take over SIGINT."""
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._previous = signal.signal(signal.SIGINT, self._handle)

    def remove(self) -> None:
        """Give SIGINT back; if it is pending, a step has failed meanwhile."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
        if self.pending:
            self.interrupt()

    def interrupt(self) -> None:
        """Do what Ctrl-C does."""
        self.pending = False
        raise KeyboardInterrupt

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        # The second Ctrl-C does not wait: the step may be a long one.
        if not self.waits or self.pending:
            self.interrupt()
        self.pending = True
