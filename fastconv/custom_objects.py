"""Classes and functions of the user that files may name, beside the closed tables of fastconv.

register_keras_serializable    for the whole process, under "package>name"
CustomObjectScope              for a block of code, and the thread that runs it
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}


class _Scopes(threading.local):
    """What holds in this thread at this moment."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.safe_mode = False
        self.shared: dict[Any, Any] | None = None


_scopes = _Scopes()


class CustomObjectScope:
    """Let configs name these classes and functions within a `with` block.

    Parameters
    ----------
    custom_objects : dict of str to class or function
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})
        self._outer: list[dict[str, Any]] = []

    def __enter__(self) -> CustomObjectScope:
        self._outer.append(_scopes.objects)
        _scopes.objects = {**_scopes.objects, **self.custom_objects}
        return self

    def __exit__(self, *exception: Any) -> None:
        _scopes.objects = self._outer.pop()


custom_object_scope = CustomObjectScope


class LoadingScope:
    """One file or configuration that is read or written within a `with` block.

    Parameters
    ----------
    safe_mode : bool
        Refuse Lambda layers.
    """

    def __init__(self, safe_mode: bool = False) -> None:
        self._safe_mode = bool(safe_mode)
        self._outer: list[tuple[bool, dict[Any, Any] | None]] = []

    def __enter__(self) -> LoadingScope:
        self._outer.append((_scopes.safe_mode, _scopes.shared))
        _scopes.safe_mode, _scopes.shared = self._safe_mode, {}
        return self

    def __exit__(self, *exception: Any) -> None:
        _scopes.safe_mode, _scopes.shared = self._outer.pop()


def in_safe_mode() -> bool:
    """Return whether a file is being loaded that must not hold Lambda layers."""
    return _scopes.safe_mode


def shared_objects() -> dict[Any, Any] | None:
    """Return what the file at hand has had so far, for objects that are in it twice."""
    return _scopes.shared


def get_custom_objects() -> dict[str, Any]:
    """Return the dictionary of what is registered for the whole process, to read or to change."""
    return _registered


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[T], T]:
    """Return a decorator that lets files name a class or function: as "package>name".

    Parameters
    ----------
    package : str
    name : str, optional
        The object's own name by default.

    Raises
    ------
    ValueError
        A class has no get_config().
    """

    def register(item: T) -> T:
        key = f"{package}>{name or getattr(item, '__name__', type(item).__name__)}"
        if isinstance(item, type) and not hasattr(item, "get_config"):
            raise ValueError(
                f"register_keras_serializable: {key} must define get_config(), so that it can be "
                f"written to a file."
            )
        _registered[key] = item
        _names[item] = key
        return item

    return register


def get_registered_name(obj: Any) -> str:
    """Return the name a class or function is registered under, its own name if it is not."""
    name: str = _names.get(obj) or obj.__name__
    return name


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Return the class or function of a name, None if there is none.

    Scopes come first, then what is registered, then `custom_objects` and `module_objects`.
    """
    for table in (_scopes.objects, _registered, custom_objects or {}, module_objects or {}):
        if name in table:
            return table[name]
    return None


def known(custom_objects: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return all that configs may name at this moment, beside the classes of fastconv."""
    return {**_registered, **_scopes.objects, **(custom_objects or {})}
