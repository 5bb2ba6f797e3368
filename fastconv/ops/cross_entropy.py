"""Cross-entropies of logits, each with its gradient, which the same pass finds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import rows
from . import checks

Float32 = NDArray[np.float32]


def softmax_cross_entropy(logits: Any, labels: Any, weights: Any = None) -> tuple[Float32, Float32]:
    """Cross-entropy of the softmax of each row with its class, or with probabilities.

    Parameters
    ----------
    logits : float32 array (M, C)
    labels : integer array (M,) or float32 array (M, C)
        Classes from 0 to C - 1, or probabilities; a row need not sum to 1.
    weights : float32 array (M,), optional
        Factors of the gradient; the loss is not weighted.

    Returns
    -------
    loss : float32 array (M,)
        -sum(labels * log softmax(logits)) of each row; a label of 0 adds nothing.
    dlogits : float32 array (M, C)
        weights * (softmax(logits) * sum(labels) - labels)

    Raises
    ------
    TypeError
        Labels (M,) are not integers.
    ValueError
        The shapes do not fit together, or a class is out of range.
    """
    where = "softmax_cross_entropy"
    logits, loss, dlogits = _prepare(where, logits)
    labels = np.asarray(labels)
    classes, probabilities = None, None
    if labels.ndim == 1:
        classes = _as_classes(where, labels, logits.shape)
    else:
        probabilities = _as_labels(where, labels, logits.shape)
    weights = _as_weights(where, weights, len(logits))
    rows.softmax_cross_entropy(logits, classes, probabilities, weights, loss, dlogits)
    return loss, dlogits


def sigmoid_cross_entropy(logits: Any, labels: Any, weights: Any = None) -> tuple[Float32, Float32]:
    """Mean over each row of the cross-entropy of sigmoids with probabilities.

    Parameters
    ----------
    logits : float32 array (M, C)
    labels : float32 array (M, C), from 0 to 1
    weights : float32 array (M,), optional
        Factors of the gradient; the loss is not weighted.

    Returns
    -------
    loss : float32 array (M,)
    dlogits : float32 array (M, C)
        weights * (sigmoid(logits) - labels) / C

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "sigmoid_cross_entropy"
    logits, loss, dlogits = _prepare(where, logits)
    labels = _as_labels(where, labels, logits.shape)
    weights = _as_weights(where, weights, len(logits))
    rows.sigmoid_cross_entropy(logits, labels, weights, loss, dlogits)
    return loss, dlogits


def _prepare(where: str, logits: Any) -> tuple[Float32, Float32, Float32]:
    """Return checked logits and room for loss and gradient."""
    z: Float32 = checks.as_float32(where, "logits", logits, 2)
    if z.shape[1] == 0:
        raise ValueError(f"{where}: logits need at least one column, got shape {z.shape}.")
    return z, np.empty(len(z), np.float32), np.empty(z.shape, np.float32)


def _as_classes(where: str, labels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.int64]:
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{where}: labels of shape (M,) must be integer classes, got dtype {labels.dtype}."
        )
    if len(labels) != shape[0]:
        raise ValueError(f"{where}: got {len(labels)} labels for logits of shape {shape}.")
    classes = np.ascontiguousarray(labels, np.int64)
    wrong = rows.first_outside(classes, shape[1])
    if wrong >= 0:
        raise ValueError(
            f"{where}: labels must be in [0, {shape[1]}), got {labels[wrong]} at index {wrong}."
        )
    return classes


def _as_labels(where: str, labels: Any, shape: tuple[int, ...]) -> Float32:
    y: Float32 = checks.as_float32(where, "labels", labels)
    if y.shape != shape:
        raise ValueError(f"{where}: labels must have the shape of logits, {shape}, got {y.shape}.")
    return y


def _as_weights(where: str, weights: Any, count: int) -> Float32 | None:
    if weights is None:
        return None
    w: Float32 = checks.as_float32(where, "weights", weights)
    if w.shape != (count,):
        raise ValueError(f"{where}: weights must have shape ({count},), got {w.shape}.")
    return w
