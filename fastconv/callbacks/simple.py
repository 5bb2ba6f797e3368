"""Callbacks of a few lines: TerminateOnNaN, LambdaCallback."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import progress
from ..ops import checks
from .callback import HOOKS, Callback


class TerminateOnNaN(Callback):
    """Stop training when the loss is NaN or infinite.

    Parameters
    ----------
    raise_error : bool
        Raise RuntimeError instead.
    """

    def __init__(self, raise_error: bool = False) -> None:
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Look at the loss."""
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss):
            return
        if self.raise_error:
            raise RuntimeError(f"TerminateOnNaN: the loss is {loss} at batch {batch}.")
        progress.write(f"Batch {batch}: Invalid loss, terminating training\n")
        self.model.stop_training = True


class LambdaCallback(Callback):
    """A callback made of functions.

    Parameters
    ----------
    **hooks
        Functions by the name of the hook: on_epoch_end=lambda epoch, logs: print(epoch).

    Raises
    ------
    ValueError
        There is no such hook.
    """

    def __init__(self, **hooks: Callable[..., Any] | None) -> None:
        super().__init__()
        known = (*HOOKS, "on_batch_begin", "on_batch_end")
        for name, function in hooks.items():
            checks.one_of("LambdaCallback", "a hook", name, known)
            if function is not None:
                setattr(self, name, function)
