"""Zeros around sequences, images and volumes, and borders cut off from them."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..ops import checks
from ..ops.shapes import AXES, Pads
from .arguments import Shape
from .image import ImageLayer
from .layer import Backward, weightless_backward


class _BorderLayer(ImageLayer):
    """Adds or removes so many positions before and after each spatial axis."""

    #: What the constructor argument is called, which holds the pairs.
    argument: str

    def as_pads(self, value: Any) -> Pads:
        """Return (before, after) for each axis, of one number, one for each axis, or pairs.

        Raises
        ------
        ValueError, TypeError
            It is anything else.
        """
        assert self.spatial_rank is not None
        names = [name for _, name in AXES[self.spatial_rank]]
        if isinstance(value, str) or not hasattr(value, "__iter__"):
            parts = [value] * len(names)
        else:
            parts = list(value)
            if len(names) == 1 and len(parts) == 2:
                parts = [parts]
        if len(parts) != len(names):
            raise ValueError(
                f"{self.where}: {self.argument} must be an integer, or an integer or a pair "
                f"(before, after) for {' and '.join(names)}, got {len(parts)} entries."
            )
        return tuple(
            checks.as_pair(self.where, f"{self.argument} of the {name}", part, minimum=0)
            for name, part in zip(names, parts, strict=True)
        )

    def as_config(self, pads: Pads) -> Any:
        """Return the pairs as Keras keeps them: just the pair where there is one axis."""
        return pads[0] if len(pads) == 1 else pads


class _ZeroPadding(_BorderLayer):
    """Puts zeros around the spatial axes."""

    argument = "padding"
    config_keys = ("padding", "data_format")

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_data_format(data_format)
        self._pads = self.as_pads(padding)
        self.padding = self.as_config(self._pads)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return the input shape with larger spatial axes."""
        n, *spatial, c = input_shape
        sizes = (
            None if size is None else size + sum(pad)
            for size, pad in zip(spatial, self._pads, strict=True)
        )
        return (n, *sizes, c)

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return `x` with zeros around it."""
        return ops.zero_pad(x, self._pads), weightless_backward(
            training, lambda dy: ops.crop(dy, self._pads)
        )


class _Cropping(_BorderLayer):
    """Cuts off the borders of the spatial axes."""

    argument = "cropping"

    def keep(self, cropping: Any) -> None:
        """Check and keep the argument."""
        self._cuts = self.as_pads(cropping)
        self.cropping = self.as_config(self._cuts)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return the input shape with smaller spatial axes."""
        n, *spatial, c = input_shape
        for size, cut in zip(spatial, self._cuts, strict=True):
            if size is not None and size <= sum(cut):
                raise ValueError(
                    f"{self.where}: cropping must leave something of the input, got "
                    f"cropping={self.cropping} for input shape {input_shape}."
                )
        sizes = (
            None if size is None else size - sum(cut)
            for size, cut in zip(spatial, self._cuts, strict=True)
        )
        return (n, *sizes, c)

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the middle of `x`."""
        return ops.crop(x, self._cuts), weightless_backward(
            training, lambda dy: ops.zero_pad(dy, self._cuts)
        )


class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and after sequences (N, L, C).

    Parameters
    ----------
    padding : int or two ints
        The same on both sides, or (before, after).
    data_format : "channels_last" or "channels_first", optional
    """

    spatial_rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Puts zeros around images (N, H, W, C).

    Parameters
    ----------
    padding : int, two ints, or two pairs of ints
        The same on all sides, (height, width), or ((top, bottom), (left, right)).
    data_format : "channels_last" or "channels_first", optional
    """


class ZeroPadding3D(_ZeroPadding):
    """Puts zeros around volumes (N, D, H, W, C); see `ZeroPadding2D`."""

    spatial_rank = 3


class Cropping1D(_Cropping):
    """Cuts off both ends of sequences (N, L, C).

    Parameters
    ----------
    cropping : int or two ints
        The same on both sides, or (before, after).
    """

    spatial_rank = 1
    config_keys = ("cropping",)

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep(cropping)


class Cropping2D(_Cropping):
    """Cuts off the borders of images (N, H, W, C).

    Parameters
    ----------
    cropping : int, two ints, or two pairs of ints
        The same on all sides, (height, width), or ((top, bottom), (left, right)).
    data_format : "channels_last" or "channels_first", optional
    """

    config_keys = ("cropping", "data_format")

    def __init__(self, cropping: Any = 0, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_data_format(data_format)
        self.keep(cropping)


class Cropping3D(Cropping2D):
    """Cuts off the borders of volumes (N, D, H, W, C), 1 on each side by default."""

    spatial_rank = 3

    def __init__(self, cropping: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(cropping, data_format, **kwargs)
