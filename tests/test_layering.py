"""Imports point down: models -> layers -> ops -> kernels. The house is drawn here, once."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import fastconv

PACKAGE = Path(fastconv.__file__).parent

#: Every module or folder of fastconv, with its floor. A module imports from its own floor and from
#: those below. A new one is given its floor here.
FLOORS = {
    "kernels": 2,
    "ops": 3,
    "arguments": 4,
    "naming": 4,
    "random": 4,
    "custom_objects": 4,
    "deprecation": 4,
    "serialization": 4,
    "tree": 4,
    "backend": 4,
    "config": 4,
    "activations": 4,
    "initializers": 4,
    "regularizers": 4,
    "constraints": 4,
    "dtype_policies": 4,
    "mixed_precision": 4,
    "layers": 4,
    "losses": 4,
    "metrics": 4,
    "optimizers": 4,
    "preprocessing": 4,
    "progress": 4,
    "callbacks": 4,
    "datasets": 4,
    "utils": 4,
    "models": 5,
    "saving": 5,
    "applications": 6,
    "profile": 6,
    "__init__": 7,
}
#: Files and folders that import nothing of fastconv; `reference` is imported by nothing either.
ALONE = {"reference", "files", "lazy", "_version"}
#: Only these may touch kernels; everything else goes through ops.
KERNEL_USERS = {"kernels", "ops", "config", "__init__"}

MODULES = sorted(
    path.relative_to(PACKAGE)
    for path in (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("__init__.pyi"))  # names loaded late
)


def room(path):
    """Return the part of fastconv a file belongs to: its folder, or its own name at the top."""
    return path.parts[0] if len(path.parts) > 1 else path.stem


def absolute(path, node):
    """Return the full names an import statement refers to, with relative ones resolved."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if node.level:
        folder = ("fastconv", *path.parent.parts)
        base = ".".join(folder[: len(folder) - node.level + 1])
        module = f"{base}.{node.module}" if node.module else base
    else:
        module = node.module
    # "from .. import ops" names a module of the package, "from ..ops import conv2d" does not.
    return [f"{module}.{alias.name}" for alias in node.names] if module == "fastconv" else [module]


def fastconv_imports(path):
    """Yield (line, room) for everything of fastconv that a Python file imports, anywhere in it."""
    tree = ast.parse((PACKAGE / path).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            for name in absolute(path, node):
                head, *rest = name.split(".")
                if head == "fastconv":
                    yield node.lineno, rest[0] if rest else "__init__"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_down(path):
    importer = room(path)
    known = {**FLOORS, **dict.fromkeys(ALONE, 0)}
    assert importer in known, f"give {importer} a floor in tests/test_layering.py"
    for line, imported in fastconv_imports(path):
        where = f"fastconv/{path}:{line} imports fastconv.{imported}"
        if imported not in known:
            # A name of fastconv/__init__.py, which stands on top.
            imported = "__init__"
        assert known[imported] <= known[importer], f"{where}, which is a floor above"
        if imported == "kernels":
            assert importer in KERNEL_USERS, f"{where}; go through fastconv.ops"


@pytest.mark.parametrize("name", ["reference"])
def test_reference_stands_alone(name):
    for path in MODULES:
        imported = {imported for _, imported in fastconv_imports(path)}
        if room(path) == name:
            assert imported <= {name}, path
        elif path.name != "__init__.pyi":  # the list of all that a user may import
            assert name not in imported, path


def test_kernels_import_only_kernels():
    """Cython cannot be parsed by ast, but its imports are lines that begin with from or import."""
    pattern = re.compile(r"^\s*(?:from|c?import)\s+(fastconv\.(?!kernels)|\.\.)", re.MULTILINE)
    for suffix in ("*.pyx", "*.pxd"):
        for path in PACKAGE.rglob(suffix):
            assert path.parent.name == "kernels", f"{path} stands outside the kernels"
            assert not pattern.search(path.read_text(encoding="utf-8")), path


def test_kernels_folder_holds_no_other_floor():
    """C sources sit below the drivers and know neither Python nor threads."""
    for path in (PACKAGE / "kernels" / "csrc").rglob("*.[ch]"):
        source = path.read_text(encoding="utf-8")
        assert "Python.h" not in source, path
        assert "omp.h" not in source, path
