"""`keras.optimizers.legacy`: the optimizers of old, which are the ones of today here."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Return the optimizer of that name, with a DeprecationWarning."""
    from .. import deprecation, optimizers

    if name not in optimizers.__all__ or not isinstance(getattr(optimizers, name), type):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    deprecation.warn("fastconv.optimizers", f"legacy.{name}", f"use optimizers.{name}")
    return getattr(optimizers, name)
