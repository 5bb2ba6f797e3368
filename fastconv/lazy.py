"""Packages whose names are loaded when they are first used (PEP 562).

What a package offers stands once, as ordinary imports in the `__init__.pyi` beside its
`__init__.py`: type checkers and editors read it, and so does Python. This is `attach_stub` of
Scientific Python's SPEC 1, in as much as is needed here.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def names(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a package.

    Parameters
    ----------
    package, file : str
        Its `__name__` and `__file__`.
    """
    homes: dict[str, tuple[str, str]] = {}  # of a name: its module, and what it is called there
    modules: set[str] = set()
    public: list[str] = []
    for statement in _statements(f"{file.rpartition('.')[0]}.pyi"):
        if statement.startswith("from "):
            _, module, _, listed = statement.split(None, 3)
            if module == ".":  # from . import submodule
                modules.update(_items(listed))
                continue
            if module[1] != ".":
                modules.add(module[1:].partition(".")[0])
            for item in _items(listed):
                original, _, name = item.partition(" as ")
                homes[name or original] = module, original
        elif statement.startswith("__all__ = "):
            public = [item[1:-1] for item in _items(statement.partition("= ")[2])]
        elif " = " in statement:  # a second name
            name, _, original = statement.partition(" = ")
            homes[name] = homes[original]

    def load(name: str) -> Any:
        if name in modules:
            return import_module(f".{name}", package)
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, original = homes[name]
        value = getattr(import_module(module, package), original)
        setattr(sys.modules[package], name, value)
        return value

    return load, lambda: sorted({*vars(sys.modules[package]), *public}), public


def _statements(stub: str) -> list[str]:
    """Return the statements of a stub, each as one line.

    Each begins at the start of a line, and there are no comments in it. `ast` would take much
    longer, and every start of a process would wait for it.
    """
    with open(stub, encoding="utf-8") as file:
        text = file.read()
    return text.replace("\n    ", " ").replace("\n)", ")").replace("\n]", "]").splitlines()


def _items(listed: str) -> list[str]:
    """Return the words between commas, in brackets or not."""
    return [item.strip() for item in listed.strip("()[] ").split(",") if item.strip()]
