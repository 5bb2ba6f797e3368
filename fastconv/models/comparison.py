"""Comparison: a head whose outputs, and their gradient, lie in the same arrays in every step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from .head import Head, is_ours

Update = Callable[[np.ndarray], None]


class Comparison:
    """The loss and the metrics of one output, bound to what a compiled step computes.

    Values, gradients and metrics are those of the head, to the bit.

    Parameters
    ----------
    head : Head
    fused : bool
        Whether the output is left without the activation that the loss takes over.
    y_pred : array
        Where the output is after the forward pass.
    dy : array or None
        Where its gradient is wanted.
    """

    def __init__(self, head: Head, fused: bool, y_pred: np.ndarray, dy: np.ndarray | None) -> None:
        self._head = head
        self._fused = fused
        self._y_pred = y_pred
        self._dy = dy
        loss: Any = head.loss
        #: Of targets: write the gradient, return the loss; None if it takes more than that.
        self._loss: Callable[[np.ndarray], float] | None = None
        if fused and dy is not None and head.weight == 1 and is_ours(loss):
            self._loss = loss.bind_logits(y_pred, dy)
        self._updates: list[Update] | None = None
        self._activate: Callable[[], None] | None = None
        if all(map(is_ours, head.metrics)):  # others may keep what they are given
            self._updates = self._bind_metrics()

    def _bind_metrics(self) -> list[Update]:
        """Return what adds targets to the metrics."""
        metrics: list[Any] = self._head.metrics
        if not (metrics and self._fused):
            return [metric.bind(self._y_pred) for metric in metrics]
        loss: Any = self._head.loss
        activated = np.empty_like(self._y_pred)
        self._activate = ops.ACTIVATIONS[loss.fused_activation].bind(self._y_pred, activated)
        return [metric.bind(activated) for metric in metrics]

    def run(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        """Return the loss of a batch times its factor, write its gradient, add to the metrics."""
        head = self._head
        if self._loss is not None and sample_weight is None:
            value = self._loss(y_true)
            head.tracker.add(value, len(y_true))
        else:
            value = self._step(y_true, sample_weight)
        if self._updates is not None and sample_weight is None:
            if self._activate is not None:
                self._activate()
            for update in self._updates:
                update(y_true)
        else:
            head.update(self._fused, y_true, self._y_pred, sample_weight)
        return value

    def _step(self, y_true: np.ndarray, sample_weight: np.ndarray | None) -> float:
        value, dy = 0.0, None
        if self._head.compares:
            value, dy = self._head.step(
                self._fused, y_true, self._y_pred, sample_weight, gradient=True
            )
        if self._dy is not None:
            self._dy[...] = 0 if dy is None else dy
        return value
