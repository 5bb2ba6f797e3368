"""Head: the loss and the metrics of one output."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import losses, metrics, ops
from ..losses import Loss
from ..metrics import Mean, MeanMetricWrapper, Metric
from ..ops import as_classes
from . import masks

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


class Head:
    """What one output is compared with its targets by.

    Parameters
    ----------
    loss : str, Loss, ... or None
        What `losses.get` takes, or "crossentropy".
    compile_metrics, weighted_metrics : str, Metric, ..., sequences of them, or None
        What `metrics.get` takes, "accuracy" or "crossentropy". Weights of samples and classes
        count for the second kind only.
    name : str
        Of the output; stands before the names of metrics if there are several outputs, else "".
    weight : float
        Factor of the loss in the sum over all outputs.

    Attributes
    ----------
    tracker : Mean
        The mean of the loss, without its factor.
    metrics : list of Metric or None
        None for a word that waits for targets.
    names : list of str
        How the logs name the metrics.
    """

    def __init__(
        self,
        loss: Any,
        compile_metrics: Any,
        weighted_metrics: Any,
        name: str = "",
        weight: float = 1.0,
    ) -> None:
        self.name = name
        self.weight = weight
        self._loss_word = loss if _is_word(loss, CROSSENTROPY) else None
        self.loss: Loss | None = None
        if loss is not None and self._loss_word is None:
            self.loss = get_loss(loss)
        self.compares = loss is not None
        self.tracker = Mean(name=f"{name}_loss" if name else "loss")
        self._words: list[Any] = []  # what each metric was given as
        self.metrics: list[Metric | None] = []
        self._weighted: list[bool] = []
        for group, weighted in ((compile_metrics, False), (weighted_metrics, True)):
            for identifier in leaves(group):
                waits = _is_word(identifier, (*ACCURACY, *CROSSENTROPY))
                self._words.append(identifier)
                self.metrics.append(None if waits else _get_metric(identifier))
                self._weighted.append(weighted)
        self.names: list[str] = []

    @property
    def needs_targets(self) -> bool:
        """Whether there is anything to compare."""
        return self.compares or bool(self.metrics)

    def name_metrics(self, taken: list[str]) -> None:
        """Name each metric: repeated ones get _1, _2, or weighted_ in front. Adds to `taken`."""
        self.names = []
        prefix = f"{self.name}_" if self.name else ""
        used = set(taken)
        last: dict[str, int] = {}  # the number of each name's last repetition
        for word, metric, weighted in zip(self._words, self.metrics, self._weighted, strict=True):
            name = word if isinstance(word, str) else getattr(metric, "name", str(word))
            if weighted and prefix + name in used:
                name = f"weighted_{name}"
            unique, count = name, last.get(name, 0)
            while prefix + unique in used:
                count += 1
                unique = f"{name}_{count}"
            last[name] = count
            used.add(prefix + unique)
            if metric is not None:
                metric.name = unique
            taken.append(prefix + unique)
            self.names.append(prefix + unique)

    def resolve(self, output_shape: tuple[int | None, ...], y_shape: tuple[int, ...]) -> None:
        """Choose what "accuracy" and "crossentropy" mean for these shapes."""
        if output_shape[-1] == 1:
            kind = "binary"
        elif len(y_shape) < len(output_shape) or y_shape[-1] == 1:
            kind = "sparse"
        else:
            kind = "categorical"
        if self._loss_word is not None and not isinstance(self.loss, _LOSS_OF_KIND[kind]):
            self.loss = _LOSS_OF_KIND[kind]()
        for i, word in enumerate(self._words):
            if not _is_word(word, (*ACCURACY, *CROSSENTROPY)):
                continue
            table = _ACCURACY_OF_KIND if _is_word(word, ACCURACY) else _CROSSENTROPY_OF_KIND
            if not isinstance(self.metrics[i], table[kind]):
                name = self.names[i]
                self.metrics[i] = table[kind](name=name.removeprefix(f"{self.name}_"))

    def prepare(self, where: str, y: Any, output_shape: tuple[int | None, ...]) -> np.ndarray:
        """Return targets as the loss wants them, or as they are if there are only metrics.

        Raises
        ------
        TypeError, ValueError
            They do not fit the output.
        """
        targets = losses.loss.as_targets(where, y)
        self.resolve(output_shape, targets.shape)
        if self.loss is None:
            return targets
        targets = self.loss.prepare(where, targets, output_shape)
        known = isinstance(self.loss, losses.SparseCategoricalCrossentropy)
        if known and targets.ndim == 1 and all(map(is_ours, (self.loss, *self.metrics))):
            return as_classes(targets)  # not for each batch; functions of yours see their type
        return targets

    def step(
        self,
        fused: bool,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
        mask: np.ndarray | None = None,
        *,
        gradient: bool,
    ) -> tuple[float, np.ndarray | None]:
        """Return the loss of a batch times its factor, and its gradient by the plan's output."""
        loss: Any = self.loss
        if mask is not None:
            sample_weight = masks.weights(loss.name, mask, sample_weight, loss, y_true)
        if fused:
            value, dy = loss.step_logits(y_true, y_pred, sample_weight)
        else:
            value, dy = loss.step(y_true, y_pred, sample_weight, gradient=gradient)
        self.tracker.add(value, len(y_true))
        if self.weight != 1:
            value *= self.weight
            dy = dy * np.float32(self.weight) if gradient else None
        return value, dy

    def update(
        self,
        fused: bool,
        y_true: np.ndarray,
        y_pred: np.ndarray,
        sample_weight: np.ndarray | None,
        mask: np.ndarray | None = None,
    ) -> None:
        """Add a batch to the metrics; means leave out what is masked, as in Keras."""
        if not self.metrics:
            return
        if fused:
            assert self.loss is not None and self.loss.fused_activation is not None
            y_pred = ops.activation(y_pred, self.loss.fused_activation)
        for metric, weighted in zip(self.metrics, self._weighted, strict=True):
            assert metric is not None
            weight = sample_weight if weighted else None
            if mask is not None and isinstance(metric, MeanMetricWrapper):
                weight = masks.weights(metric.name, mask, weight, None, y_true)
            if weight is None:
                metric.update_state(y_true, y_pred)
            else:
                metric.update_state(y_true, y_pred, weight)

    def reset(self) -> None:
        """Forget all batches."""
        self.tracker.reset_state()
        for metric in self.metrics:
            if metric is not None:
                metric.reset_state()

    def result(self) -> dict[str, Any]:
        """Return the metrics so far by name."""
        logs: dict[str, Any] = {}
        for name, metric in zip(self.names, self.metrics, strict=True):
            value: Any = 0.0 if metric is None else metric.result()
            if isinstance(value, Mapping):
                logs.update(value)
            else:
                logs[name] = value if isinstance(value, float) else _plain(value)
        return logs


def is_ours(what: Any) -> bool:
    """Return whether a loss or a metric is one of the package: it keeps no array it is given."""
    return type(what).__module__.startswith("fastconv.")


def _plain(value: Any) -> Any:
    """Return the result of a metric as a Python float if it is one number."""
    return float(value) if np.ndim(value) == 0 else value


def leaves(group: Any) -> Iterator[Any]:
    """Yield what is in nested sequences and dictionaries, or a single object; None is nothing."""
    if isinstance(group, Mapping) and "class_name" not in group:
        group = list(group.values())
    if isinstance(group, (list, tuple)):
        for item in group:
            yield from leaves(item)
    elif group is not None:
        yield group


def _is_word(identifier: Any, words: tuple[str, ...]) -> bool:
    return isinstance(identifier, str) and identifier.lower() in words


def get_loss(identifier: Any) -> Loss:
    """Return the loss that compile() was given.

    Raises
    ------
    TypeError, ValueError
        It is none, or cannot be trained on.
    """
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
