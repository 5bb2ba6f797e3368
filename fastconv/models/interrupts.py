"""Ctrl-C between batches: a step that has begun is finished, so that weights fit together."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any


class DeferredInterrupt:
    """Between `install` and `remove`, Ctrl-C waits for the end of the body of `with self:`.

    Outside the main thread, or when someone else handles SIGINT, it does nothing.
    """

    def __init__(self) -> None:
        self._previous: Any = None
        self._busy = False
        self._pending = False

    def install(self) -> None:
        """Take over SIGINT."""
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            self._previous = signal.signal(signal.SIGINT, self._handle)

    def remove(self) -> None:
        """Give SIGINT back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def __enter__(self) -> None:
        self._busy = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._busy = False
        if self._pending:
            self._pending = False
            raise KeyboardInterrupt

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        # The second Ctrl-C does not wait: the step may be a long one.
        if self._busy and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt
