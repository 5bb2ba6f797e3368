"""Objective: the loss and the metrics that compile() was given, and their running means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import losses, metrics, ops
from ..losses import Loss
from ..metrics import Mean, Metric
from .plan import Plan

#: Words that stand for what fits the targets.
ACCURACY = ("accuracy", "acc")
CROSSENTROPY = ("crossentropy", "ce")

_LOSS_OF_KIND: dict[str, type[Loss]] = {
    "binary": losses.BinaryCrossentropy,
    "sparse": losses.SparseCategoricalCrossentropy,
    "categorical": losses.CategoricalCrossentropy,
}
_ACCURACY_OF_KIND: dict[str, type[Metric]] = {
    "binary": metrics.BinaryAccuracy,
    "sparse": metrics.SparseCategoricalAccuracy,
    "categorical": metrics.CategoricalAccuracy,
}
_CROSSENTROPY_OF_KIND: dict[str, type[Metric]] = {
    "binary": metrics.BinaryCrossentropy,
    "sparse": metrics.SparseCategoricalCrossentropy,
    "categorical": metrics.CategoricalCrossentropy,
}


class Objective:
    """A loss with its metrics.

    Parameters
    ----------
    loss : str, Loss, ... or None
        What `losses.get` takes, "crossentropy", or a sequence or dictionary with one of these.
    compile_metrics, weighted_metrics : str, Metric, ..., sequences or dictionaries of them, or None
        What `metrics.get` takes, "accuracy" or "crossentropy". Weights of samples and classes
        count for the second kind only.

    Raises
    ------
    TypeError, ValueError
        A name is unknown, or an object is neither a loss nor a metric.
    """

    def __init__(self, loss: Any, compile_metrics: Any, weighted_metrics: Any) -> None:
        given = list(_leaves(loss))
        if len(given) > 1:
            raise ValueError(f"compile: the model has 1 output, got {len(given)} losses.")
        self._loss_word = given[0] if given and _is_word(given[0], CROSSENTROPY) else None
        self._loss: Loss | None = None
        if given and self._loss_word is None:
            self._loss = _get_loss(given[0])
        self.tracker = Mean(name="loss")
        self.tracker.direction = "down"
        self._words: list[Any] = []  # what each metric was given as
        self.metrics: list[Metric | None] = []  # None: a word that waits for targets
        self._weighted: list[bool] = []
        for group, weighted in ((compile_metrics, False), (weighted_metrics, True)):
            for identifier in _leaves(group):
                waits = _is_word(identifier, (*ACCURACY, *CROSSENTROPY))
                self._words.append(identifier)
                self.metrics.append(None if waits else _get_metric(identifier))
                self._weighted.append(weighted)
        self.metric_names = self._unique_names()

    @property
    def names(self) -> list[str]:
        """Names in the logs: "loss", then the metrics as they were given."""
        return ["loss", *self.metric_names]

    @property
    def loss(self) -> Loss:
        """The loss.

        Raises
        ------
        ValueError
            There is none.
        """
        if self._loss is None:
            raise ValueError('no loss was given to compile(); pass one: compile(loss="...").')
        return self._loss

    def resolve(self, output_shape: tuple[int | None, ...], y_shape: tuple[int, ...]) -> None:
        """Choose what "accuracy" and "crossentropy" mean for these shapes.

        Raises
        ------
        ValueError
            There is no loss.
        """
        if output_shape[-1] == 1:
            kind = "binary"
        elif len(y_shape) < len(output_shape) or y_shape[-1] == 1:
            kind = "sparse"
        else:
            kind = "categorical"
        if self._loss_word is not None and not isinstance(self._loss, _LOSS_OF_KIND[kind]):
            self._loss = _LOSS_OF_KIND[kind]()
        for i, word in enumerate(self._words):
            if not _is_word(word, (*ACCURACY, *CROSSENTROPY)):
                continue
            table = _ACCURACY_OF_KIND if _is_word(word, ACCURACY) else _CROSSENTROPY_OF_KIND
            if not isinstance(self.metrics[i], table[kind]):
                self.metrics[i] = table[kind](name=self.metric_names[i])
        _ = self.loss

    def reset(self) -> None:
        """Forget all batches."""
        self.tracker.reset_state()
        for metric in self.metrics:
            if metric is not None:
                metric.reset_state()

    def loss_step(
        self,
        plan: Plan,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
        *,
        gradient: bool,
    ) -> tuple[float, np.ndarray | None]:
        """Return the loss of a batch, and its gradient by what the plan puts out."""
        loss: Any = self.loss
        if plan.fused:
            return loss.step_logits(y_true, y_pred, sample_weight)  # type: ignore[no-any-return]
        return loss.step(y_true, y_pred, sample_weight, gradient=gradient)  # type: ignore[no-any-return]

    def update(
        self,
        plan: Plan,
        value: float,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
    ) -> None:
        """Add a batch, whose loss is `value` and whose output of the plan is `y_pred`."""
        self.tracker.total += value * len(y_true)
        self.tracker.count += len(y_true)
        if not self.metrics:
            return
        if plan.fused:
            assert self.loss.fused_activation is not None
            y_pred = ops.activation(y_pred, self.loss.fused_activation)
        for metric, weighted in zip(self.metrics, self._weighted, strict=True):
            assert metric is not None
            if weighted:
                metric.update_state(y_true, y_pred, sample_weight)
            else:
                metric.update_state(y_true, y_pred)

    def result(self) -> dict[str, Any]:
        """Return the means so far by name, sorted."""
        logs: dict[str, Any] = {"loss": self.tracker.result()}
        for name, metric in zip(self.metric_names, self.metrics, strict=True):
            value: Any = 0.0 if metric is None else metric.result()
            if isinstance(value, Mapping):
                logs.update(value)
            else:
                logs[name] = value if isinstance(value, float) else _plain(value)
        return dict(sorted(logs.items()))

    def in_order(self, logs: Mapping[str, Any]) -> Any:
        """Return logs as evaluate() does: [loss, metrics as given ...], alone if it is just one."""
        names = [*(name for name in self.names if name in logs)]
        values = [logs[name] for name in [*names, *(key for key in logs if key not in names)]]
        return values[0] if len(values) == 1 else values

    def _unique_names(self) -> list[str]:
        """Return a name for each metric: repeated ones get _1, _2, or weighted_ in front."""
        names: list[str] = []
        for word, metric, weighted in zip(self._words, self.metrics, self._weighted, strict=True):
            name = word if isinstance(word, str) else getattr(metric, "name", str(word))
            if weighted and name in names:
                name = f"weighted_{name}"
            unique, count = name, 0
            while unique in names:
                count += 1
                unique = f"{name}_{count}"
            if metric is not None:
                metric.name = unique
            names.append(unique)
        return names


def _plain(value: Any) -> Any:
    """Return the result of a metric as a Python float if it is one number."""
    return float(value) if np.ndim(value) == 0 else value


def _leaves(group: Any) -> Iterator[Any]:
    """Yield what is in nested sequences and dictionaries, or a single object; None is nothing."""
    if isinstance(group, Mapping) and "class_name" not in group:
        group = list(group.values())
    if isinstance(group, (list, tuple)):
        for item in group:
            yield from _leaves(item)
    elif group is not None:
        yield group


def _is_word(identifier: Any, words: tuple[str, ...]) -> bool:
    return isinstance(identifier, str) and identifier.lower() in words


def _get_loss(identifier: Any) -> Loss:
    loss: Loss = losses.get(identifier)
    if loss.reduction in ("none", None):
        raise ValueError(
            f"compile: {loss.name} has reduction=None, which gives no single number to train on; "
            f'use "sum_over_batch_size".'
        )
    own = type(loss)
    if own.step is Loss.step and (own.call is Loss.call or own.gradient is Loss.gradient):
        raise TypeError(
            f"compile: the loss {own.__name__} must define call(y_true, y_pred) and "
            f"gradient(y_true, y_pred), the derivative of each value by y_pred."
        )
    return loss


def _get_metric(identifier: Any) -> Metric:
    metric: Metric = metrics.get(identifier)
    if isinstance(identifier, str):
        metric.name = identifier
    return metric
