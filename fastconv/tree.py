"""Nested lists, tuples and dictionaries: what models take, give and are compiled with.

Leaves come in Keras's order: dictionaries by sorted keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def is_nested(structure: Any) -> bool:
    """Return whether `structure` is a list, a tuple or a dictionary."""
    return isinstance(structure, (list, tuple, Mapping))


def flatten(structure: Any) -> list[Any]:
    """Return the leaves; None is a leaf."""
    return [leaf for _, leaf in flatten_with_path(structure)]


def flatten_with_path(
    structure: Any, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Yield each leaf with the keys and indices that lead to it."""
    if isinstance(structure, Mapping):
        for key in sorted(structure, key=str):
            yield from flatten_with_path(structure[key], (*path, key))
    elif isinstance(structure, (list, tuple)):
        for i, item in enumerate(structure):
            yield from flatten_with_path(item, (*path, i))
    else:
        yield path, structure


def unpacked(structure: Any) -> Any:
    """Return the item of a list or tuple that has only one; else the structure itself."""
    alone = isinstance(structure, (list, tuple)) and len(structure) == 1
    return structure[0] if alone else structure


def map_leaves(function: Callable[[Any], Any], structure: Any) -> Any:
    """Return the same structure with `function` of each leaf."""
    if isinstance(structure, Mapping):
        return {key: map_leaves(function, item) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return _like(structure, [map_leaves(function, item) for item in structure])
    return function(structure)


def pack(structure: Any, leaves: list[Any]) -> Any:
    """Return the same structure with other leaves, given in the order of `flatten`."""
    return _pack(structure, iter(leaves))


def _pack(structure: Any, leaves: Iterator[Any]) -> Any:
    if isinstance(structure, Mapping):
        packed = {key: _pack(structure[key], leaves) for key in sorted(structure, key=str)}
        return {key: packed[key] for key in structure}
    if isinstance(structure, (list, tuple)):
        return _like(structure, [_pack(item, leaves) for item in structure])
    return next(leaves)


def _like(structure: Any, items: list[Any]) -> Any:
    """Return items as a list, a tuple or a named tuple."""
    if isinstance(structure, list):
        return items
    cls = type(structure)
    return cls(*items) if hasattr(cls, "_fields") else tuple(items)
