"""What is given to fit, evaluate and predict, checked: arrays, streams of batches, weights.

Arrays keep their type: a batch is cast to float32 when it is gathered, never the whole data set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import progress
from ..ops import checks


def as_array(where: str, name: str, data: Any) -> np.ndarray:
    """Return `data` as an array of real numbers with at least one axis, without a copy if it can.

    Raises
    ------
    TypeError
        It holds something else, is a ragged list or a masked array.
    ValueError
        It is a single number.
    """
    if checks.is_masked(data):
        raise TypeError(f"{where}: {name} is a masked array; fill it first: {name}.filled(0).")
    try:
        array = np.asarray(data)
    except ValueError:  # NumPy's answer to a ragged list
        array = np.empty(0, object)
    if array.dtype == object:
        raise TypeError(
            f"{where}: {name} has dtype object; usually a ragged list: all samples must have the "
            f"same shape."
        )
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{where}: {name} must hold real numbers, got dtype {array.dtype}.")
    if array.ndim == 0:
        raise ValueError(f"{where}: {name} must have a batch axis, got a single number.")
    return array


def is_stream(x: Any) -> bool:
    """Return whether `x` gives batches one by one instead of being an array."""
    if x is None or isinstance(x, (np.ndarray, list, tuple, str, bytes, dict)):
        return False
    if hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") or (hasattr(x, "__getitem__") and hasattr(x, "__len__"))


def check_lengths(where: str, arrays: Mapping[str, np.ndarray | None]) -> None:
    """Raise ValueError unless all arrays have the same number of samples, at least one."""
    sizes = check_equal_lengths(where, arrays)
    if not next(iter(sizes.values()), 1):
        raise ValueError(f"{where}: {next(iter(sizes))} has 0 samples.")


def check_equal_lengths(where: str, arrays: Mapping[str, np.ndarray | None]) -> dict[str, int]:
    """Return the number of samples of all arrays by name; ValueError unless they are equal."""
    sizes = {name: len(array) for name, array in arrays.items() if array is not None}
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{name}: {size}" for name, size in sizes.items())
        raise ValueError(f"{where}: all arrays must have the same number of samples, got {listed}.")
    return sizes


def unpack(where: str, batch: Any) -> tuple[Any, Any, Any]:
    """Return x, y and sample weights of what a generator yields or validation_data is.

    Raises
    ------
    ValueError
        It is not x, (x,), (x, y) or (x, y, sample_weight).
    """
    if not isinstance(batch, (tuple, list)):
        return batch, None, None
    if not 1 <= len(batch) <= 3:
        raise ValueError(
            f"{where} must be (x, y) or (x, y, sample_weight), got a {type(batch).__name__} of "
            f"{len(batch)}."
        )
    return (*batch, None, None)[:3]


def split_point(where: str, n: int, validation_split: Any) -> int:
    """Return how many of `n` samples come before the validation part, the last fraction.

    Raises
    ------
    TypeError, ValueError
        The fraction is no number in [0, 1), or leaves nothing to train or to validate on.
    """
    fraction = check_split(where, validation_split)
    at = math.floor(n * (1 - fraction))
    if not 0 < at < n:
        raise ValueError(
            f"{where}: validation_split={fraction:g} of {n} samples leaves {at} for training and "
            f"{n - at} for validation; both need at least 1."
        )
    return at


def check_split(where: str, validation_split: Any) -> float:
    """Return `validation_split` as a float in [0, 1); None means 0."""
    try:
        fraction = float(0 if validation_split is None else validation_split)
    except (TypeError, ValueError):
        raise TypeError(
            f"{where}: validation_split must be a number in [0, 1), got "
            f"{type(validation_split).__name__}."
        ) from None
    if not 0 <= fraction < 1:
        raise ValueError(f"{where}: validation_split must be in [0, 1), got {fraction:g}.")
    return fraction


def class_weights(where: str, class_weight: Any, labels: np.ndarray | None, classes: int) -> Any:
    """Return the weight of each label's class; a class that is not listed weighs 1.

    Parameters
    ----------
    class_weight : dict of class to weight, or sequence of one weight per class
    labels : int array
    classes : int
        Number of classes.

    Raises
    ------
    TypeError
        `class_weight` is something else.
    ValueError
        There are no class labels, or a sequence has another length.
    """
    if labels is None:
        raise ValueError(f"{where}: class_weight needs targets with one class per sample.")
    if isinstance(class_weight, str):
        raise TypeError(
            f'{where}: class_weight must be a dict {{class: weight}}, got "{class_weight}".'
        )
    if not hasattr(class_weight, "items"):
        weights = as_array(where, "class_weight", class_weight)
        if weights.shape != (classes,):
            raise ValueError(
                f"{where}: class_weight needs one weight for each of {classes} classes, got shape "
                f"{weights.shape}."
            )
        class_weight = dict(enumerate(weights.tolist()))
    table = np.ones(classes, np.float32)
    strange = [key for key in class_weight if key not in range(classes)]
    if strange:
        progress.warn(
            f"{where}: class_weight has keys that are no class: {strange[:5]}; classes are "
            f"0..{classes - 1}."
        )
    for key, weight in class_weight.items():
        if key in range(classes):
            table[int(key)] = weight
    return table[np.clip(labels, 0, classes - 1)]
