"""Windows that walk over images: the only index arithmetic of the reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Pair = int | tuple[int, int]
Padding = str | tuple[tuple[int, int], tuple[int, int]]
#: One output position and the inputs under its window: (oh, ow, row slice, column slice).
Window = tuple[int, int, slice, slice]


class Geometry:
    """How a window walks over a padded image: the only index arithmetic in this module."""

    def __init__(
        self,
        size: tuple[int, int],
        window: tuple[int, int],
        strides: Pair,
        padding: Padding,
        dilation: Pair = 1,
    ) -> None:
        self.size, self.window = size, window
        self.strides, self.dilation = pair(strides), pair(dilation)
        # A window of k taps, d apart, spans (k - 1) * d + 1 inputs.
        self.extent = tuple(
            (k - 1) * d + 1 for k, d in zip(self.window, self.dilation, strict=True)
        )
        self.pads = self._pads(padding)
        self.output_size = tuple(
            (n + before + after - extent) // s + 1
            for n, (before, after), extent, s in zip(
                size, self.pads, self.extent, self.strides, strict=True
            )
        )
        if min(self.output_size) < 1:
            raise ValueError(
                f"reference: empty output: image {size} with padding {self.pads} is smaller than "
                f"the dilated window {self.extent}."
            )

    def _pads(self, padding: Padding) -> tuple[tuple[int, int], ...]:
        """Return ((top, bottom), (left, right))."""
        if not isinstance(padding, str):
            return padding
        if padding == "valid":
            return (0, 0), (0, 0)
        if padding != "same":
            raise ValueError(
                f'reference: padding must be "valid", "same" or ((top, bottom), (left, right)), '
                f"got {padding!r}."
            )
        pads = []
        for n, extent, s in zip(self.size, self.extent, self.strides, strict=True):
            outputs = -(-n // s)  # ceil(n / s)
            total = max((outputs - 1) * s + extent - n, 0)
            pads.append((total // 2, total - total // 2))  # an odd zero goes to the bottom/right
        return tuple(pads)

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """Return x (N, H, W, C) with `value` around it."""
        return np.pad(x, ((0, 0), *self.pads, (0, 0)), constant_values=value)

    def crop(self, padded: Array) -> Array:
        """Undo `pad`: cut the border off again."""
        (top, _), (left, _) = self.pads
        return padded[:, top : top + self.size[0], left : left + self.size[1]].copy()

    def windows(self) -> Iterator[Window]:
        """Yield each output position with the slices of the padded image that it reads."""
        for oh in range(self.output_size[0]):
            for ow in range(self.output_size[1]):
                top, left = oh * self.strides[0], ow * self.strides[1]
                rows = slice(top, top + self.extent[0], self.dilation[0])
                columns = slice(left, left + self.extent[1], self.dilation[1])
                yield oh, ow, rows, columns


def float64(x: npt.ArrayLike) -> Array:
    """Return anything that NumPy can read as numbers as float64."""
    return np.asarray(x, dtype=np.float64)


def pair(value: Pair) -> tuple[int, int]:
    """Return a number for both axes, or one for each, as the latter."""
    return (value, value) if isinstance(value, int) else value
