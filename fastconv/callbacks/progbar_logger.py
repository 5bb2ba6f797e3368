"""ProgbarLogger: prints the progress of fit, evaluate and predict."""

from __future__ import annotations

from typing import Any

from .. import progress
from .callback import Callback


class ProgbarLogger(Callback):
    """Print metrics: a bar that is redrawn on a terminal, one line per epoch elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: progress.Progbar | None = None
        self._target: int | None = None
        self._seen = 0
        self._fitting = False
        self._dynamic = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Keep the parameters of the run."""
        super().set_params(params)
        self._target = params["steps"]
        self._dynamic = progress.is_dynamic()
        if type(self) is ProgbarLogger and self._target is not None and not self._redraws():
            self.idle_hooks = "on_train_batch_end", "on_test_batch_end", "on_predict_batch_end"

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Keep quiet about validation from now on."""
        self._fitting = True

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print which epoch it is, if there are several, and start a bar."""
        self._start()
        epochs = self.params["epochs"]
        # A plain log of verbose=1 has one line per epoch, so no heading.
        if epochs > 1 and (self._verbose() == 2 or self._redraws()):
            progress.write(f"Epoch {epoch + 1}/{epochs}\n")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar."""
        self._update(batch, logs)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Finish the bar."""
        self._finish(logs)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a bar for `evaluate`."""
        if not self._fitting:
            self._start()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar of `evaluate`."""
        if not self._fitting:
            self._update(batch, logs)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Finish the bar of `evaluate`."""
        if not self._fitting:
            self._finish(logs)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start a bar for `predict`."""
        self._start()

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Move the bar of `predict`."""
        self._update(batch, None)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Finish the bar of `predict`."""
        self._finish(None)

    def _verbose(self) -> int:
        verbose = self.params["verbose"]
        return 1 if verbose == "auto" else int(verbose)

    def _redraws(self) -> bool:
        return self._verbose() == 1 and self._dynamic

    def _start(self) -> None:
        self._seen = 0
        self._bar = progress.Progbar(self._target, verbose=self._verbose(), stateless_metrics=())

    def _update(self, batch: int, logs: dict[str, Any] | None) -> None:
        assert self._bar is not None
        self._seen = batch + 1
        if self._redraws():
            self._bar.update(self._seen, (logs or {}).items(), finalize=False)

    def _finish(self, logs: dict[str, Any] | None) -> None:
        assert self._bar is not None
        if self._target is None:  # known now, and from now on
            self._target = self._bar.target = self._seen
        self._bar.update(self._target, (logs or {}).items(), finalize=True)
