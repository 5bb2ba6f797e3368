"""Groups of layers, and the arithmetic of widths, that several networks share."""

from __future__ import annotations

from typing import Any

from .. import backend, layers


def channel_axis(last: int = 3) -> int:
    """Return the axis of channels in a batch of images; some configs write the last one as -1."""
    return 1 if backend.image_data_format() == "channels_first" else last


def chain(x: Any, *steps: Any) -> Any:
    """Return `x` after one layer after the other."""
    for step in steps:
        x = step(x)
    return x


def channels(x: Any) -> int:
    """Return the number of channels of a symbolic tensor."""
    return int(x.shape[channel_axis()])


def halving_pad(x: Any, kernel_size: int, name: str) -> Any:
    """Pad `x` so that a "valid" window of stride 2 sees what one with padding "same" would.

    An image of unknown size is taken for one of an even size.
    """
    axis = 2 if channel_axis() == 1 else 1
    half = kernel_size // 2
    pads = tuple(
        (half if side is not None and side % 2 else half - 1, half)
        for side in x.shape[axis : axis + 2]
    )
    return layers.ZeroPadding2D(pads, name=name)(x)


def round_channels(wanted: float, at_least: float = 0.9) -> int:
    """Return the multiple of 8 nearest to `wanted`, if that is `at_least` so much of it.

    Sandler et al., "MobileNetV2", arXiv:1801.04381.
    """
    nearest = max(8, int(wanted + 4) // 8 * 8)
    return nearest if nearest >= at_least * wanted else nearest + 8
