"""Objective: what compile() was given, handed out to the outputs of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arguments import as_real
from ..metrics import Mean, Metric
from .head import CROSSENTROPY, Head, get_loss, leaves
from .plan import Plan
from .structures import hand_out

if TYPE_CHECKING:
    from .network import Network


class Objective:
    """The losses and metrics of all outputs.

    Parameters
    ----------
    loss
        One for all outputs, or a list or dictionary (by name of the output) with one for each.
    loss_weights : number, list or dictionary of numbers, optional
        Factors of the losses in their sum.
    metrics, weighted_metrics
        Of one output: one or several. Of several outputs: a list or dictionary with those of each.
    outputs : sequence of str, optional
        Names of the outputs, if they are known yet; else `bind` tells.

    Attributes
    ----------
    heads : list of Head
        One for each output, in the order of `model.outputs`.
    tracker : Mean
        The mean of the sum of the losses and penalties.

    Raises
    ------
    TypeError, ValueError
        A name is unknown, or something is neither a loss nor a metric, or does not go with the
        outputs.
    """

    def __init__(
        self,
        loss: Any,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        outputs: Sequence[str] | None = None,
    ) -> None:
        self._given = (loss, loss_weights, metrics, weighted_metrics)
        self.tracker = Mean(name="loss")
        self.tracker.direction = "down"
        self.heads: list[Head] = []
        if outputs is not None:
            self.bind(outputs)
            return
        for identifier in leaves(loss):  # to find mistakes early
            if not (isinstance(identifier, str) and identifier.lower() in CROSSENTROPY):
                get_loss(identifier)

    def bind(self, outputs: Sequence[str]) -> None:
        """Make a head for each output; nothing if that is done."""
        if self.heads:
            return
        loss, loss_weights, metrics, weighted = self._given
        several = len(outputs) > 1
        losses = hand_out("loss", loss, outputs, repeat=True)
        weights = hand_out("loss_weights", loss_weights, outputs)
        groups = [metrics, weighted]
        if several:
            per_output = [
                hand_out(name, group, outputs, lists=True)
                for name, group in zip(("metrics", "weighted_metrics"), groups, strict=True)
            ]
        else:
            per_output = [[group] for group in groups]
        heads = [
            Head(
                losses[i],
                per_output[0][i],
                per_output[1][i],
                name if several else "",
                1.0 if weights[i] is None else as_real("compile", "loss_weights", weights[i]),
            )
            for i, name in enumerate(outputs)
        ]
        taken: list[str] = []
        for head in heads:
            head.name_metrics(taken)
        self.heads = heads

    @property
    def metrics(self) -> list[Metric | None]:
        """The metrics of all heads; None for a word that waits for targets."""
        return [metric for head in self.heads for metric in head.metrics]

    @property
    def trackers(self) -> list[Mean]:
        """The mean of the sum, and those of each loss if there are several."""
        each = [head.tracker for head in self.heads if head.compares] if self.heads else []
        return [self.tracker, *(each if len(each) > 1 else [])]

    @property
    def names(self) -> list[str]:
        """Names in the logs: "loss", those of several losses, then metrics as they were given."""
        return [
            *(tracker.name for tracker in self.trackers),
            *(name for head in self.heads for name in head.names),
        ]

    def plan(self, model: Network) -> Plan:
        """Return the layers of a model, ready to run for these losses."""
        losses = [head.loss for head in self.heads]
        return model.plan(
            activations=[None if loss is None else loss.fused_activation for loss in losses],
            with_loss=[head.compares for head in self.heads],
        )

    def check_loss(self) -> None:
        """Raise ValueError if there is no loss."""
        if not any(head.compares for head in self.heads):
            raise ValueError('no loss was given to compile(); pass one: compile(loss="...").')

    def reset(self) -> None:
        """Forget all batches."""
        self.tracker.reset_state()
        for head in self.heads:
            head.reset()

    def step(
        self,
        plan: Plan,
        y_true: Sequence[Any],
        y_pred: Sequence[np.ndarray],
        sample_weight: Sequence[Any],
        *,
        gradient: bool,
    ) -> tuple[float, list[np.ndarray | None]]:
        """Return the loss of a batch, and its gradients by what the plan puts out."""
        total = 0.0
        gradients: list[np.ndarray | None] = [None] * len(y_pred)
        for i, head in enumerate(self.heads):
            if head.compares:
                mask = self._mask(y_pred, i)
                value, gradients[i] = head.step(
                    plan.fused[i], y_true[i], y_pred[i], sample_weight[i], mask, gradient=gradient
                )
                total += value
        return total, gradients

    def _mask(self, y_pred: Sequence[Any], i: int) -> Any:
        """Return the mask of an output: masks follow the outputs, if there are any."""
        count = len(self.heads)
        return y_pred[count + i] if len(y_pred) > count else None

    def update(
        self,
        plan: Plan,
        y_true: Sequence[Any],
        y_pred: Sequence[np.ndarray],
        sample_weight: Sequence[Any],
    ) -> None:
        """Add a batch to the metrics."""
        for i, head in enumerate(self.heads):
            if head.metrics:
                mask = self._mask(y_pred, i)
                head.update(plan.fused[i], y_true[i], y_pred[i], sample_weight[i], mask)

    def result(self) -> dict[str, Any]:
        """Return the means so far by name, sorted."""
        logs: dict[str, Any] = {tracker.name: tracker.result() for tracker in self.trackers}
        for head in self.heads:
            logs.update(head.result())
        return dict(sorted(logs.items()))

    def in_order(self, logs: Mapping[str, Any]) -> Any:
        """Return logs as evaluate() does: [loss, metrics as given ...], alone if it is just one."""
        names = [*(name for name in self.names if name in logs)]
        values = [logs[name] for name in [*names, *(key for key in logs if key not in names)]]
        return values[0] if len(values) == 1 else values
