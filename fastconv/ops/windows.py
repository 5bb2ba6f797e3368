"""Sizes of what slides a window over images: checked once, then remembered."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from . import checks, shapes

Pair = tuple[int, int]


class Windows(NamedTuple):
    """Window (KH, KW), its steps, padding before the first row and column, and outputs (OH, OW)."""

    size: Pair
    strides: Pair
    dilation: Pair
    before: Pair
    output: Pair


def windows(
    where: str,
    image: tuple[int, ...],
    size: Any,
    strides: Any,
    padding: Any,
    dilation: Any = (1, 1),
    *,
    name: str = "pool_size",
) -> Windows:
    """Return the windows over images of shape (N, H, W, C); strides=None are those of the window.

    Raises
    ------
    ValueError
        An argument is out of range, or there is no window. `name` is what messages call `size`.
    TypeError
        A size is not an integer.
    """
    try:
        return _remembered((image[1], image[2]), size, strides, padding, dilation)
    except (TypeError, ValueError):
        # Not hashable (a list, say), or wrong: now with the caller's words in the message.
        return _windows(where, name, (image[1], image[2]), size, strides, padding, dilation)


def _windows(
    where: str, name: str, image: Pair, size: Any, strides: Any, padding: Any, dilation: Any
) -> Windows:
    size = checks.as_pair(where, name, size)
    strides = size if strides is None else checks.as_pair(where, "strides", strides)
    dilation = checks.as_pair(where, "dilation", dilation)
    pads = shapes.resolve_padding(where, padding, image, size, strides, dilation)
    output = shapes.output_shape(where, image, size, strides, dilation, pads)
    return Windows(size, strides, dilation, (pads[0][0], pads[1][0]), (output[0], output[1]))


@lru_cache(maxsize=1024)
def _remembered(*arguments: Any) -> Windows:
    return _windows("windows", "size", *arguments)
