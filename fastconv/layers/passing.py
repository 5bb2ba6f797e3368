"""Layers that hand on their input, or most of it: Identity, ActivityRegularization, Masking."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import regularizers
from ..arguments import as_real
from .layer import Backward, Layer, weightless_backward


class Identity(Layer):
    """Returns its input."""

    supports_masking = True

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x`."""
        return x, weightless_backward(training, lambda dy: dy)


class ActivityRegularization(Identity):
    """Returns its input, and adds a penalty on it to the loss, divided by the batch size.

    Parameters
    ----------
    l1, l2 : float >= 0
        The penalty is `l1 * sum(|x|) + l2 * sum(x**2)`.
    """

    config_keys = ("l1", "l2")

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        regularizer = regularizers.L1L2(l1=l1, l2=l2)
        super().__init__(activity_regularizer=regularizer, **kwargs)
        self.l1, self.l2 = regularizer.l1, regularizer.l2

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        config = super().get_config()
        del config["activity_regularizer"]  # made of l1 and l2
        return config


class Masking(Layer):
    """Sets the steps of sequences whose features all are `mask_value` to zero, and masks them.

    Parameters
    ----------
    mask_value : float
    """

    config_keys = ("mask_value",)

    def __init__(self, mask_value: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = as_real(self.where, "mask_value", mask_value)

    def compute_mask(self, x: np.ndarray, mask: Any = None) -> np.ndarray:
        """Return a boolean array, the shape of `x` without its last axis: False is masked."""
        kept: np.ndarray = np.any(x != np.float32(self.mask_value), axis=-1)
        return kept

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return `x` with zeros in place of masked steps."""
        kept = self.compute_mask(x)[..., None]

        def keep(array: np.ndarray) -> np.ndarray:
            return np.where(kept, array, np.float32(0))

        return keep(x), weightless_backward(training, keep)
