"""Packages whose names are loaded when they are first used (PEP 562).

What a package offers stands once, as ordinary imports in the `__init__.pyi` beside its
`__init__.py`: type checkers and editors read it, and so does Python. This is `attach_stub` of
Scientific Python's SPEC 1, in as much as is needed here.
"""

from __future__ import annotations

import ast
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
    with open(f"{file.rpartition('.')[0]}.pyi", encoding="utf-8") as stub:
        statements = ast.parse(stub.read()).body
    homes: dict[str, tuple[str, str]] = {}  # of a name: its module, and what it is called there
    modules: set[str] = set()
    public: list[str] = []
    for statement in statements:
        if isinstance(statement, ast.ImportFrom):
            module = statement.module
            if module is None:  # from . import submodule
                modules.update(alias.name for alias in statement.names)
                continue
            if statement.level == 1:
                modules.add(module.partition(".")[0])
            for alias in statement.names:
                homes[alias.asname or alias.name] = "." * statement.level + module, alias.name
        elif isinstance(statement, ast.Assign):
            (target,) = statement.targets
            assert isinstance(target, ast.Name)
            if target.id == "__all__":
                public = ast.literal_eval(statement.value)
            else:  # a second name
                assert isinstance(statement.value, ast.Name)
                homes[target.id] = homes[statement.value.id]

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
