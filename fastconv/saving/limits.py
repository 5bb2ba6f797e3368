"""What a file may ask for. Everything is compared with these before it is allocated.

A file that claims to hold more than it can is hostile or damaged; one that is really large may be
read, whatever its size.
"""

from __future__ import annotations

from typing import Any

#: Text of a model's configuration; that of the largest models of Keras has 1 MB.
JSON_BYTES = 16 << 20
JSON_DEPTH = 200
#: Layers, and objects of any other kind, in one configuration.
JSON_OBJECTS = 200_000
LAYERS = 5_000
#: Bytes that any file may unfold to, however small it is.
FREE_BYTES = 64 << 20
#: How much more than its own size a file may unfold to beyond that: 16-bit numbers that become
#: float32, with some compression.
EXPANSION = 4


def allowance(stored_bytes: int) -> int:
    """Return how many bytes of arrays a file of this size may lead to."""
    return max(FREE_BYTES, EXPANSION * stored_bytes)


def parse_json(where: str, text: str | bytes) -> Any:
    """Return what a JSON text stands for.

    Raises
    ------
    ValueError
        It is no JSON, or too large, or nested too deeply.
    """
    import json

    if len(text) > JSON_BYTES:
        raise ValueError(f"{where}: {len(text)} bytes of JSON; at most {JSON_BYTES} are accepted.")
    try:
        value = json.loads(text)
    except RecursionError:
        raise ValueError(f"{where}: the JSON is nested too deeply.") from None
    except ValueError as error:  # also what is no UTF-8
        raise ValueError(f"{where}: this is no JSON: {error}") from None
    check_tree(where, value)
    return value


def check_tree(where: str, value: Any) -> None:
    """Raise ValueError if nested lists and dictionaries are too deep or too many."""
    level, depth, count, layers = [value] if isinstance(value, (dict, list)) else [], 0, 0, 0
    while level:
        depth += 1
        if depth > JSON_DEPTH:
            raise ValueError(f"{where}: the JSON is nested more than {JSON_DEPTH} levels deep.")
        inner: list[Any] = []
        for item in level:
            members = item.values() if isinstance(item, dict) else item
            if isinstance(item, dict) and isinstance(item.get("layers"), list):
                layers += len(item["layers"])
            inner += [member for member in members if isinstance(member, (dict, list))]
        count += len(inner)
        if count > JSON_OBJECTS:
            raise ValueError(f"{where}: the JSON has more than {JSON_OBJECTS} lists and objects.")
        if layers > LAYERS:
            raise ValueError(f"{where}: the model has more than {LAYERS} layers.")
        level = inner
