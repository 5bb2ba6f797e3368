"""One-hot labels and array normalization."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checks


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Turn class numbers into one-hot rows, for `categorical_crossentropy`.

    Parameters
    ----------
    x : integers of any shape
        Class numbers 0 .. num_classes - 1. Floats are accepted when they are whole numbers. A last
        axis of length 1 is dropped, so (n, 1) labels work like (n,) labels.
    num_classes : int, optional
        Width of a row; the largest class number plus 1 if not given.

    Returns
    -------
    y : float64 array (*x.shape, num_classes)
        float64 as in Keras; `fit` casts it.

    Raises
    ------
    ValueError
        A class number is negative, fractional or too large, or `x` is empty and `num_classes` is
        not given.
    TypeError
        `x` does not hold numbers.
    """
    classes = _class_numbers(x)
    if classes.ndim > 1 and classes.shape[-1] == 1:
        classes = classes[..., 0]
    if num_classes is not None:
        num_classes = checks.as_int("to_categorical", "num_classes", num_classes)
    elif classes.size:
        num_classes = int(classes.max()) + 1
    else:
        raise ValueError("to_categorical: x is empty, so num_classes must be given.")
    _refuse(classes, classes < 0, "class numbers start at 0")
    _refuse(
        classes,
        classes >= num_classes,
        f"num_classes={num_classes} allows 0 .. {num_classes - 1}",
        " Labels that start at 1? Subtract 1." if classes.size and classes.min() == 1 else "",
    )
    y = np.zeros((*classes.shape, num_classes))
    np.put_along_axis(y, classes[..., None], 1.0, axis=-1)
    return y


def _class_numbers(x: Any) -> np.ndarray:
    """Return `x` as int64 class numbers, or say which entry is not one."""
    values = np.asarray(x)
    if values.dtype.kind == "f":
        # Compared in floating point: NaN and infinity fail here, before the cast.
        whole = np.floor(values) == values
        _refuse(values, ~(whole & np.isfinite(values)), "class numbers must be whole")
    elif values.dtype.kind not in "iub":
        hint = "; encode them first: np.unique(x, return_inverse=True)[1]"
        raise TypeError(
            f"to_categorical: x must hold class numbers, got dtype {values.dtype}"
            f"{hint if values.dtype.kind in 'US' else ''}."
        )
    return values.astype(np.int64)


def _refuse(values: np.ndarray, bad: np.ndarray, rule: str, hint: str = "") -> None:
    """Raise a ValueError that names the first entry of `values` where `bad` is true."""
    if not bad.any():
        return
    position = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
    index = position[0] if len(position) == 1 else position
    at = f" at index {index}" if position else ""
    raise ValueError(f"to_categorical: {rule}, got {values[position].item()}{at}.{hint}")


def normalize(x: Any, axis: int = -1, order: float = 2) -> np.ndarray:
    """Divide `x` by its norm along one axis.

    Parameters
    ----------
    x : numbers of any shape
    axis : int
        The norm is taken along this axis.
    order : number
        Order of the norm, as in `numpy.linalg.norm`: 2 is the Euclidean length.

    Returns
    -------
    y : float array like x
        float32 stays float32, integers become float64. Where the norm is 0, `x` is kept.

    Raises
    ------
    ValueError
        `axis` is out of range for `x`.
    TypeError
        `x` does not hold real numbers, or `axis` is not an integer.
    """
    values = np.atleast_1d(np.asarray(x))
    if values.dtype.kind not in "iubf":
        raise TypeError(f"normalize: x must hold real numbers, got dtype {values.dtype}.")
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    axis = checks.as_int("normalize", "axis", axis, minimum=-values.ndim)
    if axis >= values.ndim:
        raise ValueError(f"normalize: axis must be less than {values.ndim}, got {axis}.")
    norm = np.linalg.norm(values, order, axis, keepdims=True)
    norm[norm == 0] = 1
    return np.asarray(values / norm, values.dtype)
