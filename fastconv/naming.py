"""Automatic names, Keras's way: snake_case of the class, then `_1`, `_2`, ... per process."""

from __future__ import annotations

import re
import threading

_lock = threading.Lock()
_used: dict[str, int] = {}


def to_snake_case(name: str) -> str:
    """Return `name` as Keras spells it: Conv2D -> conv2d, ReLU -> re_lu, L1L2 -> l1l2."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(class_name: str) -> str:
    """Return the next free name for an object of the class `class_name`."""
    name = to_snake_case(class_name)
    with _lock:
        count = _used.get(name, 0)
        _used[name] = count + 1
    return f"{name}_{count}" if count else name


def reset_names() -> None:
    """Start every counter anew; `backend.clear_session` calls this."""
    with _lock:
        _used.clear()
