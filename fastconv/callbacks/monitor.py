"""MonitorCallback: what callbacks share that watch whether one metric improves."""

from __future__ import annotations

from typing import Any

from .. import deprecation, progress
from ..ops import checks
from .callback import Callback


class MonitorCallback(Callback):
    """Base of callbacks that watch a metric.

    Parameters
    ----------
    monitor : str
        Name in the logs.
    mode : "auto", "min" or "max"
        What is better. "auto" asks the metric.
    min_delta : float
        Smaller changes are no improvement.
    """

    def __init__(self, monitor: str, mode: str = "auto", min_delta: float = 0) -> None:
        super().__init__()
        self.monitor = monitor
        self.mode = checks.one_of(type(self).__name__, "mode", mode, ("auto", "min", "max"))
        self.min_delta = abs(min_delta)
        self.best: float | None = None
        self._sign: int | None = None  # -1 if lower is better
        self._warned = False

    def find_direction(self) -> None:
        """Find out what is better, and warn if the metric will not be there.

        Raises
        ------
        ValueError
            mode="auto" and the metric does not say.
        """
        where = type(self).__name__
        self._warned = False
        names = list(getattr(self.model, "log_names", ()))
        self.monitor = deprecation.metric_name(where, self.monitor, names)
        self._sign = {"min": -1, "max": 1}.get(self.mode) or self._asked_direction()
        if self._sign is None:
            listed = f" Known metrics: {', '.join(names)}." if names else ""
            raise ValueError(
                f'{where}: cannot tell whether monitor="{self.monitor}" should go up or down; pass '
                f'mode="max" or mode="min".{checks.did_you_mean(self.monitor, names)}{listed}'
            )
        needs_validation = self.monitor.startswith("val_") and self.monitor[4:] in names
        if needs_validation and self.monitor not in names:
            self._warn(names)

    def value(self, logs: dict[str, Any] | None) -> Any:
        """Return the metric's value, None with a warning (once per fit) if it is not there."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            self._warn(list(logs or {}))
        return value

    def improved(self, value: float, reference: float | None) -> bool:
        """Return whether `value` is better than `reference` by more than `min_delta`."""
        if reference is None:
            return True
        assert self._sign is not None
        return self._sign * (value - reference) > self.min_delta

    def _asked_direction(self) -> int | None:
        name = self.monitor.removeprefix("val_")
        for metric in getattr(self.model, "metrics", ()):
            if metric.name == name and metric.direction is not None:
                return 1 if metric.direction == "up" else -1
        return -1 if name == "loss" else None

    def _warn(self, names: list[str]) -> None:
        if not self._warned:
            self._warned = True
            hint = (
                " Pass validation_data or validation_split to fit()."
                if self.monitor.startswith("val_") and not any(n.startswith("val_") for n in names)
                else ""
            )
            progress.warn(
                f'{type(self).__name__}: monitor="{self.monitor}" is not available; available '
                f"metrics: {', '.join(names)}.{hint}"
            )
