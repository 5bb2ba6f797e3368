"""The tree of a model's layers as Keras's files name it.

A key is the snake_case class name, with _1, _2, ... from the second layer of the class on. The
layers of a model lie under "layers/<key>"; those that an own layer or model keeps as attributes lie
under the attribute's name, and those in lists under "<attribute>/<key>".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .. import naming
from ..layers import Layer
from ..random import SeedGenerator
from ..serialization import is_own


def entries(model: Layer) -> list[tuple[str, Layer]]:
    """Return the path and the layer of each group: the model's own first, at "", each once."""
    return list(_walk(model, "", set()))


def children(layer: Layer) -> Iterator[tuple[str, Layer]]:
    """Yield the layers within a layer with their paths below it."""
    from ..models.network import Network

    if isinstance(layer, Network) and not layer.is_traced:
        yield from _keyed("layers", layer.layers)
    own = is_own(type(layer))
    # Keras comes to private attributes last; those of fastconv's own classes have no counterpart.
    items: dict[str, Any] = dict(vars(layer))
    if isinstance(layer, Network) and layer.is_traced:
        items["layers"] = layer.layers
    for name, value in sorted(items.items(), key=lambda item: (item[0].startswith("_"), item[0])):
        if own and name.startswith("_"):
            continue
        if isinstance(value, Layer):
            yield name, value
        elif isinstance(value, Mapping):
            yield from _keyed(name, value.values())
        elif isinstance(value, (list, tuple)):
            yield from _keyed(name, value)


def seed_generators(model: Layer) -> dict[str, SeedGenerator]:
    """Return all that draws random numbers in the layers, by path and attribute."""
    return {
        f"{path}/{name}": value
        for path, layer in entries(model)
        for name, value in sorted(vars(layer).items())
        if isinstance(value, SeedGenerator)
    }


def _walk(layer: Layer, path: str, seen: set[int]) -> Iterator[tuple[str, Layer]]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    yield path, layer
    for name, child in children(layer):
        yield from _walk(child, f"{path}/{name}" if path else name, seen)


def _keyed(name: str, items: Iterable[Any]) -> Iterator[tuple[str, Layer]]:
    used: dict[str, int] = {}
    for item in items:
        if isinstance(item, Layer):
            key = naming.to_snake_case(type(item).__name__)
            count = used[key] = used.get(key, -1) + 1
            yield f"{name}/{key}_{count}" if count else f"{name}/{key}", item
