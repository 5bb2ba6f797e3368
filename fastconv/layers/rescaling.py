"""Rescaling, for example of pixels 0..255 to 0..1."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..arguments import as_real
from .layer import Backward, Layer, weightless_backward


class Rescaling(Layer):
    """x * scale + offset.

    Parameters
    ----------
    scale, offset : float, or a sequence with one float for each channel
    """

    config_keys = ("scale", "offset")
    supports_masking = True

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scale = _as_number_or_list(self.where, "scale", scale)
        self.offset = _as_number_or_list(self.where, "offset", offset)

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return x * scale + offset."""
        scale, offset = self.scale, self.offset
        if isinstance(scale, float) and isinstance(offset, float):
            return ops.scale_shift(x, scale, offset), weightless_backward(
                training, lambda dy: ops.scale_shift(dy, scale)
            )
        factor = np.asarray(scale, np.float32)
        return x * factor + np.asarray(offset, np.float32), weightless_backward(
            training, lambda dy: dy * factor
        )


def _as_number_or_list(where: str, name: str, value: Any) -> float | list[float]:
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        return as_real(where, name, value)
    return [as_real(where, name, item) for item in value]
