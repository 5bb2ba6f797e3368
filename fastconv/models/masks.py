"""Masks of outputs, which losses and metrics need: what is masked does not count.

A model with a layer that makes masks is run for its losses with an output more for each of its
outputs: the mask of that output, or None. (So two read an output, and its activation stays in the
model: a loss takes it over only where it is the only reader.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..layers import Layer, Variable
from ..layers.symbolic import Graph
from .plan import Plan
from .program import makes_mask

if TYPE_CHECKING:
    from ..losses import Loss


class MaskOf(Layer):
    """Returns the mask of its input, None if it has none."""

    uses_mask = True

    def forward(self, x: np.ndarray, training: bool = False, mask: Any = None) -> tuple[Any, None]:
        """Return the mask."""
        return mask, None


def makes_masks(layer: Layer) -> bool:
    """Return whether a layer, or one within it, makes a mask where its input has none."""
    inner = layer.graph.layers if layer.graph is not None else layer.sublayers()
    return makes_mask(layer) or any(map(makes_masks, inner))


def new_plan(
    model: Layer,
    activations: Sequence[str | None] | None,
    with_loss: Sequence[bool] | None,
    to_input: bool,
    variables: Sequence[Variable],
) -> Plan:
    """Return a plan of a model; one for losses gives masks too, if there are any."""
    graph, training_graph = model.graph, model.training_graph
    assert graph is not None
    if with_loss is not None and makes_masks(model):
        rest = [None] * len(with_loss)
        activations = [*(activations or rest), *rest]
        with_loss = [*with_loss, *map(bool, rest)]
        graph = _with_masks(model.where, graph)
        training_graph = training_graph and _with_masks(model.where, training_graph)
    return Plan(graph, training_graph, activations, with_loss, to_input, variables)


def _with_masks(where: str, graph: Graph) -> Graph:
    """Return a graph whose outputs are followed by their masks."""
    taps = [MaskOf(name=f"mask_of_output_{i}")(output) for i, output in enumerate(graph.outputs)]
    return Graph(where, graph.input, [*graph.outputs, *taps])


def weights(
    where: str, mask: np.ndarray, sample_weight: Any, loss: Loss | None, y_true: np.ndarray
) -> np.ndarray:
    """Return weights of values that are 0 where `mask` is false.

    A mean over all values becomes one over those that count. No `loss` stands for a sum.
    """
    from ..losses.loss import align_weights

    result = mask.astype(np.float32)
    if sample_weight is not None:
        result *= align_weights(where, sample_weight, mask.shape)
    if loss is not None and loss.reduction in ("sum_over_batch_size", "mean"):
        valid = loss.valid(y_true)
        every = np.ones_like(mask) if valid is None else valid
        kept = int(np.count_nonzero(mask & every))
        result *= np.float32(int(np.count_nonzero(every)) / max(kept, 1))
    return result
