"""Integer labels, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from .loss import as_targets, fits, show_shape


def as_labels(
    where: str, targets: Any, output_shape: tuple[int | None, ...], ignore_class: int | None = None
) -> np.ndarray:
    """Return integer labels shaped like the output without its class axis.

    Raises
    ------
    TypeError
        `targets` do not hold numbers.
    ValueError
        They have another shape, are not integral, or hold a label that is not a class.
    """
    y = as_targets(where, targets)
    classes = output_shape[-1]
    if y.ndim == len(output_shape) and y.shape[-1] == 1:
        y = y[..., 0]
    if not fits(y.shape, output_shape[:-1]):
        one_hot = fits(y.shape, output_shape)
        hint = '; it looks one-hot: use loss="categorical_crossentropy" or y.argmax(-1)'
        raise ValueError(
            f"{where}: y must hold integer labels of shape {show_shape(output_shape[:-1])}, got "
            f"{show_shape(y.shape)}{hint if one_hot else ''}."
        )
    if y.dtype.kind == "f":
        whole = np.floor(y) == y
        if not whole.all():
            raise ValueError(
                f"{where}: y must hold integer labels, got a fraction or NaN at index "
                f"{_first(~whole)}."
            )
        y = y.astype(np.int64)
    if classes is not None and y.size and not (y.min() >= 0 and y.max() < classes):
        wrong = (y < 0) | (y >= classes)
        if ignore_class is not None:
            wrong &= y != ignore_class
        if wrong.any():
            index = _first(wrong)
            bad = y[index]
            hint = " Labels starting at 1? Subtract 1." if y.min() == 1 and bad == classes else ""
            raise ValueError(
                f"{where}: y contains {bad} (at index {index if y.ndim > 1 else index[0]}) but "
                f"the model has {classes} outputs (valid labels 0..{classes - 1}).{hint}"
            )
    return y


def _first(mask: np.ndarray) -> tuple[int, ...]:
    """Return the index of the first true entry."""
    return tuple(int(i) for i in np.unravel_index(int(mask.argmax()), mask.shape))
