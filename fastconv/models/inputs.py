"""From the arguments of fit, evaluate and predict to feeds: checked against the model, once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import progress, tree
from ..ops import checks
from . import advice, data, structures
from .feeds import ArrayFeed, Batch, StreamFeed
from .structures import hand_out

if TYPE_CHECKING:
    from .frozen import FrozenModel
    from .objective import Objective
    from .training import Training

DEFAULT_BATCH_SIZE = 32


class Sources:
    """What turns the data given to a model into feeds.

    Parameters
    ----------
    model : Training
    objective : Objective
    batch_size, validation_batch_size : int, optional
        By default 32, and `batch_size`.
    """

    def __init__(
        self,
        model: Training,
        objective: Objective,
        batch_size: Any = None,
        validation_batch_size: Any = None,
    ) -> None:
        self.model = model
        self.objective = objective
        self.batch_size = batch_size
        self.validation_batch_size = (
            batch_size if validation_batch_size is None else validation_batch_size
        )

    def for_fit(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        shuffle: Any,
        validation_split: Any,
        validation_data: Any,
    ) -> tuple[ArrayFeed | StreamFeed, ArrayFeed | StreamFeed | None]:
        """Return the feed to train with, and that to validate with if there is one."""
        split = data.check_split("fit", validation_split)
        validation: ArrayFeed | StreamFeed | None = None
        if data.is_stream(x):
            if split and validation_data is None:
                raise ValueError(
                    "fit: validation_split needs arrays, but x gives batches; pass validation_data."
                )
            training: ArrayFeed | StreamFeed = self._stream(
                "fit", x, y, sample_weight, class_weight
            )
        else:
            size = check_batch_size("fit", self.batch_size)
            shuffle = _check_shuffle(shuffle)
            arrays = self._prepare("fit", x, y, sample_weight)
            if split and validation_data is None:
                at = data.split_point("fit", len(arrays[0][0]), split)
                held_out = _slice(arrays, slice(at, None))
                arrays = _slice(arrays, slice(0, at))
                validation_size = check_batch_size("fit", self.validation_batch_size)
                validation = ArrayFeed(held_out, validation_size)
                self._compare_classes(arrays[1], held_out[1])
            arrays = self._weigh("fit", arrays, class_weight)
            layers = self.model.flatten()
            for x in arrays[0]:
                advice.on_inputs("fit", x, layers)
            advice.on_last_batch("fit", len(arrays[0][0]), size, layers)
            training = ArrayFeed(arrays, size, shuffle)
        if validation_data is not None:
            validation = self._for_validation(validation_data)
        advice.on_objective("fit", self.objective, self.model)
        if not self.model.trainable_weights:
            progress.warn(f"fit: {self.model.where} has no weights to train.")
        return training, validation

    def for_evaluate(self, x: Any, y: Any, sample_weight: Any) -> ArrayFeed | StreamFeed:
        """Return the feed to evaluate on."""
        if data.is_stream(x):
            return self._stream("evaluate", x, y, sample_weight)
        size = check_batch_size("evaluate", self.batch_size)
        return ArrayFeed(self._prepare("evaluate", x, y, sample_weight), size)

    def batch(
        self, where: str, x: Any, y: Any, sample_weight: Any, class_weight: Any = None
    ) -> Batch:
        """Return one batch, checked, as float32."""
        arrays = self._weigh(where, self._prepare(where, x, y, sample_weight), class_weight)
        return next(ArrayFeed(arrays, len(arrays[0][0])).epoch())

    def _for_validation(self, validation_data: Any) -> ArrayFeed | StreamFeed:
        where = "fit: validation_data"
        if data.is_stream(validation_data):
            return self._stream(where, validation_data, None, None)
        if not isinstance(validation_data, (tuple, list)):
            raise ValueError(
                f"{where} must be (x, y) or (x, y, sample_weight), got "
                f"{type(validation_data).__name__}."
            )
        arrays = self._prepare(where, *data.unpack(where, validation_data))
        return ArrayFeed(arrays, check_batch_size("fit", self.validation_batch_size))

    def _stream(
        self, where: str, x: Any, y: Any, sample_weight: Any, class_weight: Any = None
    ) -> StreamFeed:
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"{where}: {name} must not be given: x gives batches, which hold it: (x, y) or "
                    f"(x, y, sample_weight)."
                )
        _ignore(where, self.batch_size)
        feed = StreamFeed(where, x, partial(self.batch, where, class_weight=class_weight))
        first, _, _ = self._prepare(where, *feed.peek())
        feed.shapes = [x.shape for x in first]
        return feed

    def _prepare(self, where: str, x: Any, y: Any, sample_weight: Any) -> Batch:
        """Return arrays that fit the model and the losses; builds the model if need be."""
        model, objective = self.model, self.objective
        xs = model.match_inputs(where, x)
        names = model.output_names
        objective.bind(names)
        objective.check_loss()
        if y is None:
            raise ValueError(
                f"{where} needs y: the model was compiled with a loss, which compares with targets."
            )
        ys = self._targets(where, y, len(xs[0]))
        weights = self._sample_weights(where, sample_weight)
        shapes = [tensor.shape for tensor in model.outputs]
        prepared = [
            None if target is None else head.prepare(f"{where}{_of(head.name)}", target, shape)
            for head, target, shape in zip(objective.heads, ys, shapes, strict=True)
        ]
        data.check_lengths(
            where,
            {
                **_named("x", [tensor.name for tensor in model.inputs], xs),
                **_named("y", names, prepared),
                **_named("sample_weight", names, weights),
            },
        )
        from ..losses.loss import align_weights

        for i, (weight, target) in enumerate(zip(weights, prepared, strict=True)):
            if weight is not None and target is not None:
                # One weight per value of the loss; a view if there is one per sample.
                values_shape = target.shape[: len(shapes[i]) - 1]
                weights[i] = align_weights(where, weight, values_shape)
        return xs, prepared, weights

    def _targets(self, where: str, y: Any, n: int) -> list[Any]:
        """Return the targets of each output, None for outputs that need none."""
        model, heads = self.model, self.objective.heads
        structure = model.output
        wanted = [head for head in heads if head.needs_targets]
        if not tree.is_nested(structure):
            given = isinstance(y, (list, tuple)) and len(y) == 1 and n > 1
            if given and len(np.shape(getattr(y[0], "shape", 0))) and len(y[0]) == n:
                return [y[0]]  # the array in a list of its own
            names = model.output_names
            return [y[names[0]]] if isinstance(y, Mapping) and names[0] in y else [y]
        if isinstance(y, Mapping):
            # Targets of outputs without loss and metrics may be missing.
            y = {**{h.name: None for h in heads if not h.needs_targets}, **y}
        elif isinstance(y, (list, tuple)) and len(y) == len(wanted) < len(heads):
            rest = iter(y)
            y = [next(rest) if head.needs_targets else None for head in heads]
        ys = structures.split(where, "y", y, structure, model.output_names)
        for head, target in zip(heads, ys, strict=True):
            if target is None and head.needs_targets:
                raise ValueError(f"{where}: y has no targets for the output {head.name!r}.")
        return [
            target if head.needs_targets else None for head, target in zip(heads, ys, strict=True)
        ]

    def _sample_weights(self, where: str, sample_weight: Any) -> list[np.ndarray | None]:
        """Return the sample weights of each output; an array is for all of them."""
        names = self.model.output_names
        nested = isinstance(sample_weight, Mapping) or (
            isinstance(sample_weight, (list, tuple))
            and len(sample_weight) == len(names)
            and all(w is None or np.ndim(w) for w in sample_weight)
        )
        given = (
            hand_out("sample_weight", sample_weight, names, where=where)
            if nested
            else [sample_weight] * len(names)
        )
        return [
            None if weight is None else data.as_array(where, "sample_weight", weight)
            for weight in given
        ]

    def _weigh(self, where: str, arrays: Batch, class_weight: Any) -> Batch:
        """Return arrays with the weights of classes multiplied into those of samples."""
        if class_weight is None:
            return arrays
        xs, ys, weights = arrays
        if len(ys) > 1:
            raise ValueError(
                f"{where}: class_weight works with one output, the model has {len(ys)}; use "
                f"sample_weight, a dictionary by name of the output."
            )
        (y,), (weight,) = ys, weights
        loss = self.objective.heads[0].loss
        assert y is not None and loss is not None
        classes = max(2, self.model.outputs[0].shape[-1] or 0)
        factors = data.class_weights(where, class_weight, loss.labels(y), classes)
        return xs, ys, [factors if weight is None else weight * factors]

    def _compare_classes(
        self, training: list[np.ndarray | None], held_out: list[np.ndarray | None]
    ) -> None:
        for head, before, after in zip(self.objective.heads, training, held_out, strict=True):
            if head.loss is None or before is None or after is None:
                continue
            seen, unseen = head.loss.labels(before), head.loss.labels(after)
            if seen is not None and unseen is not None and seen.ndim == 1:
                advice.on_split("fit", seen, unseen)


def _of(name: str) -> str:
    """Return how messages name an output, nothing if there is only one."""
    return f': output "{name}"' if name else ""


def _named(what: str, names: Sequence[str], arrays: Sequence[Any]) -> dict[str, Any]:
    """Return arrays by the names that messages have for them."""
    if len(arrays) == 1:
        return {what: arrays[0]}
    return {f"{what}[{name!r}]": array for name, array in zip(names, arrays, strict=True)}


def for_predict(
    model: Training | FrozenModel, x: Any, batch_size: Any, steps: int | None = None
) -> tuple[ArrayFeed | StreamFeed, int | None]:
    """Return the feed to predict from, and its number of samples if that is known."""
    none: list[np.ndarray | None] = []
    if data.is_stream(x):

        def prepare(x: Any, y: Any, sample_weight: Any) -> Batch:
            arrays = model.match_inputs("predict", x)
            return [checks.as_float32("predict", "x", array) for array in arrays], none, none

        _ignore("predict", batch_size)
        feed = StreamFeed("predict", x, prepare)
        feed.peek()
        return feed, None
    xs = model.match_inputs("predict", x)
    data.check_equal_lengths("predict", _named("x", [t.name for t in model.inputs], xs))
    size = check_batch_size("predict", batch_size)
    n = len(xs[0]) if steps is None else min(len(xs[0]), steps * size)
    return ArrayFeed(([array[:n] for array in xs], none, none), size), n


def check_batch_size(where: str, batch_size: Any) -> int:
    """Return `batch_size`, 32 for None."""
    if batch_size is None:
        return DEFAULT_BATCH_SIZE
    return checks.as_int(where, "batch_size", batch_size)


def check_steps(where: str, name: str, steps: Any) -> int | None:
    """Return `steps` as an integer of at least 1, or None."""
    return None if steps is None else checks.as_int(where, name, steps)


def _ignore(where: str, batch_size: Any) -> None:
    """Warn if a batch size is given for data that comes in batches."""
    if batch_size is not None:
        progress.warn(f"{where}: batch_size is ignored: x gives batches.")


def _check_shuffle(shuffle: Any) -> Any:
    if shuffle == "batch" or isinstance(shuffle, (bool, np.bool_, int)) or shuffle is None:
        return shuffle if isinstance(shuffle, str) else bool(shuffle)
    raise ValueError(f'fit: shuffle must be True, False or "batch", got {shuffle!r}.')


def _slice(arrays: Batch, rows: slice) -> Batch:
    xs, ys, weights = arrays
    return (
        [x[rows] for x in xs],
        [None if y is None else y[rows] for y in ys],
        [None if weight is None else weight[rows] for weight in weights],
    )
