"""Warnings about data and models that are probably not what was meant. Each is given once per fit.

Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import progress
from ..layers import Activation, BatchNormalization, Layer, Rescaling
from ..layers.operators import Operator
from .program import lower

if TYPE_CHECKING:
    from .head import Head
    from .network import Network
    from .objective import Objective

#: Bytes of x looked at in one go, so that no temporary array gets large.
CHUNK_BYTES = 1 << 24


def on_inputs(where: str, x: np.ndarray, layers: Sequence[Layer]) -> None:
    """Warn about NaN and infinity in `x`, and about images in 0..255 that nothing scales."""
    if not x.size:
        return
    if x.dtype.kind != "f" and x.ndim < 3:
        return  # no NaN, and no images
    low, high, bad = np.inf, -np.inf, None
    rows = max(1, CHUNK_BYTES // max(1, x[:1].nbytes))
    for start in range(0, len(x), rows):
        chunk = x[start : start + rows]
        smallest, largest = chunk.min(), chunk.max()  # NaN if there is one
        if not (np.isfinite(smallest) and np.isfinite(largest)):
            bad = start + int(np.argmin(np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)))
            break
        low, high = min(low, float(smallest)), max(high, float(largest))
    if bad is not None:
        progress.warn(
            f"{where}: x contains NaN or infinity, first in sample {bad}; the loss will too."
        )
    elif x.ndim >= 3 and low >= 0 and 128 <= high <= 255 and not _scales(layers):
        progress.warn(
            f"{where}: x ranges {low:g}..{high:g}; networks learn badly from such numbers. Divide "
            f"x by 255, or begin the model with Rescaling(1/255)."
        )


def on_split(where: str, training: np.ndarray, validation: np.ndarray) -> None:
    """Warn if validation has labels that training does not see: they were sorted."""
    unseen = np.setdiff1d(validation, training)
    if unseen.size:
        progress.warn(
            f"{where}: {unseen.size} of the classes in the validation part do not occur in the "
            f"training part, e.g. {unseen[0]}. validation_split takes the last samples before "
            f"shuffling: shuffle x and y first."
        )


def on_objective(where: str, objective: Objective, model: Network) -> None:
    """Warn about a loss that does not go with the last activation, and about `Accuracy`."""
    assert model.graph is not None
    program = lower(model.graph, training=False)
    producers = program.producers()
    for head, slot in zip(objective.heads, program.outputs, strict=True):
        if head.loss is not None and slot in producers:
            _on_head(where, head, program.steps[producers[slot]].layer)


def _on_head(where: str, head: Head, last: Layer) -> None:
    """Warn about the loss and the metrics of an output that is the result of the layer `last`."""
    from ..metrics import Accuracy

    loss: Any = head.loss
    from_logits = getattr(loss, "from_logits", None)
    name = last.activation_name
    if from_logits and name in ("softmax", "sigmoid"):
        progress.warn(
            f"{where}: {loss.name} has from_logits=True, but {last.where} ends in {name}; leave "
            f"out one of the two."
        )
    weighted = bool(last.weights) or isinstance(last, Activation)
    if from_logits is False and name == "linear" and weighted:
        needed = loss.fused_activation
        progress.warn(
            f"{where}: {loss.name} needs probabilities, but {last.where} has no activation; give "
            f'it activation="{needed}", or the loss from_logits=True.'
        )
    for metric in head.metrics:
        if isinstance(metric, Accuracy) and from_logits is not None:
            progress.warn(
                f"{where}: the metric Accuracy() compares values, not classes; did you mean "
                f'metrics=["accuracy"]?'
            )


def on_last_batch(where: str, n: int, batch_size: int, layers: Sequence[Layer]) -> None:
    """Warn if a BatchNormalization after Dense meets a batch of one sample."""
    if n % batch_size != 1:
        return
    for layer in layers:
        if isinstance(layer, BatchNormalization) and layer.trainable and layer.input.ndim == 2:
            progress.warn(
                f"{where}: the last batch has one sample ({n} samples, batch_size={batch_size}), "
                f"for which {layer.where} gives zeros; choose another batch_size."
            )
            return


def _scales(layers: Sequence[Layer]) -> bool:
    """Return whether something normalises the input before the first other weights."""
    for layer in layers:
        if isinstance(layer, (Rescaling, BatchNormalization, Operator)):
            return True
        if type(layer).__name__ == "Normalization":
            return True
        if layer.weights:
            return False
    return False
