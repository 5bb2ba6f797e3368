"""Windows of images with the proportions of another size, rounded as Keras rounds them."""

from __future__ import annotations

from collections.abc import Sequence

#: top, left, height, width
Box = tuple[int, int, int, int]


def largest_window(image: Sequence[int], size: tuple[int, int]) -> Box:
    """Return the largest centred part of an image (height, width) with the proportions of size."""
    height, width = image
    h = max(min(height, int(width * size[0] / size[1])), 1)
    w = max(min(width, int(height * size[1] / size[0])), 1)
    return int((height - h) / 2), int((width - w) / 2), h, w


def margins(image: Sequence[int], size: tuple[int, int]) -> tuple[int, int]:
    """Return how many pixels to add at each end of the height and of the width for that."""
    height, width = image
    h = max(height, int(width * size[0] / size[1]))
    w = max(width, int(height * size[1] / size[0]))
    above = int((h - height) / 2)
    return above, 0 if above else int((w - width) / 2)
