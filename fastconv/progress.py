"""What training tells its user: progress, messages, warnings.

On a terminal that is Keras's progress bar, byte for byte; elsewhere one plain line per epoch.

    32/98 ━━━━━━━━━━━━━━━━━━━━ 1s 17ms/step - accuracy: 0.8125 - loss: 0.6133
"""

from __future__ import annotations

import math
import os
import sys
import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep

BOLD, GREEN, WHITE, RESET = "\x1b[1m", "\x1b[32m", "\x1b[37m", "\x1b[0m"


def write(message: str) -> None:
    """Write to standard output, if there is one, in characters that it can encode."""
    out = sys.stdout
    if out is None or getattr(out, "closed", False):
        return
    try:
        out.write(message)
    except UnicodeEncodeError:
        encoding = getattr(out, "encoding", None) or "ascii"
        plain = message.replace("━", "=").encode(encoding, errors="replace")
        out.write(plain.decode(encoding))
    out.flush()


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Give a warning that points at the innermost line outside the package.

    Python hides a DeprecationWarning that points anywhere else.
    """
    level = 2
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
        level += 1
    warnings.warn(message, category, stacklevel=level)


def is_dynamic() -> bool:
    """Return whether standard output can redraw a line: a terminal or a notebook."""
    isatty = getattr(sys.stdout, "isatty", None)
    return (
        "ipykernel" in sys.modules
        or "PYCHARM_HOSTED" in os.environ
        or bool(isatty and not sys.stdout.closed and isatty())
    )


class Progbar:
    """A progress bar with the mean of some metrics.

    Parameters
    ----------
    target : int or None
        Number of steps, None if unknown.
    width : int
        Width of the bar in characters.
    verbose : 0, 1 or 2
        1 redraws a bar (where that is possible), 2 prints one line at the end, 0 nothing.
    interval : float
        Seconds between two drawings, at least.
    stateful_metrics, stateless_metrics : iterable of str, optional
        Metrics shown as they are, or those to be averaged over steps; at most one of the two. All
        are averaged by default.
    unit_name : str
        What a step is called.

    Raises
    ------
    ValueError
        Both kinds of metrics are given.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Progbar: only one of stateful_metrics and stateless_metrics can be given."
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._stateful = set(stateful_metrics or ())
        self._averaged = None if stateless_metrics is None else set(stateless_metrics)
        self._dynamic = is_dynamic()
        self._seen = 0
        self._values: dict[str, tuple[float, int]] = {}  # sum over steps, number of steps
        self._start = time.time()
        self._last_drawn = 0.0
        self._first_step_end: float | None = None
        self._drawn_width = 0

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Show that `current` steps are done.

        Parameters
        ----------
        current : int
        values : pairs of name and value of the last step, optional
        finalize : bool, optional
            Whether this is the last call; by default when `current` reaches the target.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._add(name, value, current, finalize)
        self._seen = current
        now = time.time()
        step_seconds = self._step_seconds(current, now)
        if self.verbose == 1 and self._dynamic:
            if finalize or now - self._last_drawn >= self.interval:
                self._draw(current, now, step_seconds, finalize)
                self._last_drawn = now
        elif self.verbose and finalize and self.target:
            elapsed = f"{now - self._start:.0f}s"
            line = f"{self._count(current)} - {elapsed} -{self._per_step(step_seconds)}"
            write(f"{line}{self._metrics(signed=False)}\n")

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _add(self, name: str, value: Any, current: int, finalize: bool) -> None:
        averaged = name not in self._stateful if self._averaged is None else name in self._averaged
        if finalize or not averaged:
            self._values[name] = (value, 1)
            return
        steps = max(current - self._seen, 1)
        total, count = self._values.get(name, (0.0, 0))
        self._values[name] = (total + value * steps, count + steps)

    def _draw(self, current: int, now: float, step_seconds: float, finalize: bool) -> None:
        invisible = 2 * len(BOLD + RESET)  # two bold parts; width counts what is seen
        if self.target:
            done = int(self.width * (current / self.target))
            bar = f"{BOLD}{self._count(current)}{RESET} "
            for color, n in ((GREEN, done), (WHITE, self.width - done)):
                if n or color is WHITE:
                    bar += f"{color}{'━' * n}{RESET}"
                    invisible += len(color + RESET)
        else:
            bar = f"{current:7d}/Unknown"
            invisible -= len(BOLD + RESET)
        if self.target and not finalize:
            clock = _countdown(step_seconds * (self.target - current))
        else:
            clock = f"{now - self._start:.0f}s"
        info = f" {BOLD}{clock}{RESET}{self._per_step(step_seconds)}{self._metrics(signed=True)}"
        width = len(bar) + len(info) - invisible
        erase = " " * (self._drawn_width - width)
        write("\b" * self._drawn_width + "\r" + bar + info + erase + ("\n" if finalize else ""))
        self._drawn_width = width

    def _count(self, current: int) -> str:
        assert self.target
        digits = int(math.log10(self.target)) + 1
        return f"{current:{digits}d}/{self.target}"

    def _metrics(self, signed: bool) -> str:
        """Return " - name: value" for each metric; Keras's plain line forgets about the sign."""
        text = ""
        for name, (total, count) in self._values.items():
            value = float(np.mean(total)) / max(1, count)
            fixed = (abs(value) if signed else value) > 1e-3
            text += f" - {name}: {value:.4f}" if fixed else f" - {name}: {value:.4e}"
        return text

    def _per_step(self, seconds: float) -> str:
        if seconds >= 1 or seconds == 0:
            return f" {seconds:.0f}s/{self.unit_name}"
        if seconds >= 1e-3:
            return f" {seconds * 1e3:.0f}ms/{self.unit_name}"
        return f" {seconds * 1e6:.0f}us/{self.unit_name}"

    def _step_seconds(self, current: int, now: float) -> float:
        """Return the mean time of a step, without the first one as soon as there are more."""
        if not current:
            return 0.0
        if self._first_step_end is not None and current > 1:
            seconds = (now - self._first_step_end) / (current - 1)
        else:
            seconds = (now - self._start) / current
        if current == 1:
            self._first_step_end = now
        return seconds


def _countdown(seconds: float) -> str:
    if seconds > 3600:
        return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02d}:{int(seconds % 60):02d}"
    if seconds > 60:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    return f"{int(seconds)}s"
