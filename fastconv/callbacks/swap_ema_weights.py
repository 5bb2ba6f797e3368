"""SwapEMAWeights: evaluates with the moving averages of the weights."""

from __future__ import annotations

from typing import Any

from .callback import Callback


class SwapEMAWeights(Callback):
    """Put the moving averages in place of the weights for evaluation, and back for training.

    The optimizer must have use_ema=True. Put the callback in front of those that save.

    Parameters
    ----------
    swap_on_epoch : bool
        Also from the end of an epoch to the begin of the next one, so that what is saved there
        are the averages.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put the weights back."""
        self._swap(to=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Put the averages in place."""
        self._swap(to=self.swap_on_epoch)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the averages in place."""
        self._swap(to=True)

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """Put the weights back."""
        self._swap(to=False)

    def on_predict_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put the averages in place."""
        self._swap(to=True)

    def on_predict_end(self, logs: dict[str, Any] | None = None) -> None:
        """Put the weights back."""
        self._swap(to=False)

    def _swap(self, to: bool) -> None:
        if self.model.optimizer.averages_in_place is not to:
            self.model.optimizer.swap_averages()
