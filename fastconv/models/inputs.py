"""From the arguments of fit, evaluate and predict to feeds: checked against the model, once."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import progress
from ..losses.loss import align_weights, as_targets
from ..ops import checks
from . import advice, data
from .data import ArrayFeed, Batch, StreamFeed
from .objective import Objective

if TYPE_CHECKING:
    from .training import Model

DEFAULT_BATCH_SIZE = 32

# Several threads may use a model that is not built yet; one of them builds it.
_building = threading.Lock()


class Sources:
    """What turns the data given to a model into feeds.

    Parameters
    ----------
    model : Model
    objective : Objective
    batch_size, validation_batch_size : int, optional
        By default 32, and `batch_size`.
    """

    def __init__(
        self,
        model: Model,
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
                at = data.split_point("fit", len(arrays[0]), split)
                held_out = _slice(arrays, slice(at, None))
                arrays = _slice(arrays, slice(0, at))
                validation_size = check_batch_size("fit", self.validation_batch_size)
                validation = ArrayFeed(held_out, validation_size)
                self._compare_classes(arrays[1], held_out[1])
            arrays = self._weigh("fit", arrays, class_weight)
            layers = self.model.flatten()
            advice.on_inputs("fit", arrays[0], layers)
            advice.on_last_batch("fit", len(arrays[0]), size, layers, self.model.input_shape)
            training = ArrayFeed(arrays, size, shuffle)
        if validation_data is not None:
            validation = self._for_validation(validation_data)
        advice.on_objective("fit", self.objective, self.model.flatten())
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
        return next(ArrayFeed(arrays, len(arrays[0])).epoch())

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
        self._prepare(where, *feed.peek())
        return feed

    def _prepare(self, where: str, x: Any, y: Any, sample_weight: Any) -> Batch:
        """Return arrays that fit the model and the loss; builds the model if need be."""
        x = data.as_array(where, "x", x)
        if y is None:
            raise ValueError(
                f"{where} needs y: the model was compiled with a loss, which compares with targets."
            )
        y = as_targets(where, y)
        if sample_weight is not None:
            sample_weight = data.as_array(where, "sample_weight", sample_weight)
        x = match_input(self.model, where, x)
        data.check_lengths(where, x=x, y=y, sample_weight=sample_weight)
        output_shape = self.model.output_shape
        self.objective.resolve(output_shape, y.shape)
        y = self.objective.loss.prepare(where, y, output_shape)
        if sample_weight is not None:
            # One weight per value of the loss; a view if there is one per sample.
            values_shape = y.shape[: len(output_shape) - 1]
            sample_weight = align_weights(where, sample_weight, values_shape)
        return x, y, sample_weight

    def _weigh(self, where: str, arrays: Batch, class_weight: Any) -> Batch:
        """Return arrays with the weights of classes multiplied into those of samples."""
        if class_weight is None:
            return arrays
        x, y, weight = arrays
        assert y is not None
        classes = max(2, self.model.output_shape[-1] or 0)
        labels = self.objective.loss.labels(y)
        factors = data.class_weights(where, class_weight, labels, classes)
        return x, y, factors if weight is None else weight * factors

    def _compare_classes(self, training: np.ndarray | None, held_out: np.ndarray | None) -> None:
        assert training is not None and held_out is not None
        seen = self.objective.loss.labels(training)
        unseen = self.objective.loss.labels(held_out)
        if seen is not None and unseen is not None and seen.ndim == 1:
            advice.on_split("fit", seen, unseen)


def for_predict(
    model: Model, x: Any, batch_size: Any, steps: int | None
) -> tuple[ArrayFeed | StreamFeed, int | None]:
    """Return the feed to predict from, and its number of samples if that is known."""
    if data.is_stream(x):

        def prepare(x: Any, y: Any, sample_weight: Any) -> Batch:
            array = match_input(model, "predict", data.as_array("predict", "x", x))
            return checks.as_float32("predict", "x", array), None, None

        _ignore("predict", batch_size)
        feed = StreamFeed("predict", x, prepare)
        feed.peek()
        return feed, None
    x = match_input(model, "predict", data.as_array("predict", "x", x))
    size = check_batch_size("predict", batch_size)
    n = len(x) if steps is None else min(len(x), steps * size)
    return ArrayFeed((x[:n], None, None), size), n


def match_input(model: Model, where: str, x: np.ndarray) -> np.ndarray:
    """Return `x` with the rank of the model's input; builds the model if need be."""
    if not model.built:
        with _building:
            if not model.built:
                model.build((None, *x.shape[1:]))
    return model.match_input(where, x)


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
    x, y, weight = arrays
    return x[rows], None if y is None else y[rows], None if weight is None else weight[rows]
