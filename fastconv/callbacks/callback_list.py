"""CallbackList: the callbacks of one run, called in order."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .callback import HOOKS, Callback
from .history import History
from .progbar_logger import ProgbarLogger


class CallbackList:
    """Callbacks of one run, called in order: `callbacks.on_epoch_end(epoch, logs)`.

    Parameters
    ----------
    callbacks : Callback, or sequence of them, optional
    add_history, add_progbar : bool
        Append a History, a ProgbarLogger, unless there is one.
    model : Model, optional
    **params
        What the callbacks get as `params`.

    Raises
    ------
    TypeError
        Something else than a callback was given.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        self.callbacks = _flatten(callbacks)
        defaults: list[tuple[bool, type[Callback]]] = [
            (add_history, History),
            (add_progbar, ProgbarLogger),
        ]
        for wanted, cls in defaults:
            if wanted and not any(isinstance(callback, cls) for callback in self.callbacks):
                self.callbacks.append(cls())
        self.model = model
        self.params = params
        for callback in self.callbacks:
            if model is not None:
                callback.set_model(model)
            if params:
                callback.set_params(params)
        # Most callbacks care about a few hooks only: a batch must not pay for the others.
        self._listeners: dict[str, list[Callable[..., None]]] = {
            hook: [
                getattr(callback, hook) for callback in self.callbacks if _defines(callback, hook)
            ]
            for hook in HOOKS
        }

    def listeners(self, hook: str) -> list[Callable[..., None]]:
        """Return the hook of every callback that defines it."""
        return self._listeners[hook]

    def call(self, hook: str, *args: Any) -> None:
        """Call the hook of every callback that defines it."""
        for listener in self.listeners(hook):
            listener(*args)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name in HOOKS:
            return partial(self.call, name)
        raise AttributeError(f"CallbackList has no attribute {name!r}.")


def _flatten(callbacks: Any) -> list[Callback]:
    if callbacks is None:
        return []
    if not isinstance(callbacks, (list, tuple)):
        callbacks = [callbacks]
    flat: list[Callback] = []
    for callback in callbacks:
        if isinstance(callback, (list, tuple)):
            flat += _flatten(callback)
        elif isinstance(callback, Callback):
            flat.append(callback)
        else:
            is_class = isinstance(callback, type) and issubclass(callback, Callback)
            hint = f"; did you forget the parentheses: {callback.__name__}()?" if is_class else ""
            got = "a class" if is_class else type(callback).__name__
            raise TypeError(f"callbacks: each must be a Callback, got {got}{hint}")
    return flat


def _defines(callback: Callback, hook: str) -> bool:
    """Return whether a callback has its own version of a hook (or of the hook's old name)."""
    if hook in callback.idle_hooks:
        return False
    names = [hook]
    if hook.startswith("on_train_batch"):
        names.append(hook.replace("train_", ""))
    return any(
        getattr(getattr(callback, name), "__func__", None) is not getattr(Callback, name)
        for name in names
    )
