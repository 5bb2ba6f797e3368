"""Methods that models had in Keras 2.0 to 2.5, in terms of those of today."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import deprecation

#: Settings of threads that `fit` had, and a PyDataset has now.
_QUEUE = ("max_queue_size", "workers", "use_multiprocessing")


class Former:
    """Base of `Model`: its former methods. Each warns once."""

    def fit_generator(
        self: Any,
        generator: Any,
        steps_per_epoch: Any = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: Any = None,
        **options: Any,
    ) -> Any:
        """Former name of `fit`, for generators. A number of steps is rounded up."""
        deprecation.warn(type(self).__name__, "fit_generator")
        return self.fit(
            generator,
            steps_per_epoch=_whole(steps_per_epoch),
            epochs=epochs,
            verbose=verbose,
            callbacks=callbacks,
            validation_data=validation_data,
            validation_steps=_whole(validation_steps),
            **_own(options),
        )

    def evaluate_generator(
        self: Any, generator: Any, steps: Any = None, verbose: Any = 0, **options: Any
    ) -> Any:
        """Former name of `evaluate`, for generators."""
        deprecation.warn(type(self).__name__, "evaluate_generator")
        return self.evaluate(generator, steps=_whole(steps), verbose=verbose, **_own(options))

    def predict_generator(
        self: Any, generator: Any, steps: Any = None, verbose: Any = 0, **options: Any
    ) -> Any:
        """Former name of `predict`, for generators."""
        deprecation.warn(type(self).__name__, "predict_generator")
        return self.predict(generator, steps=_whole(steps), verbose=verbose, **_own(options))

    def predict_proba(self: Any, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """Former name of `predict`."""
        deprecation.warn(type(self).__name__, "predict_proba")
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self: Any, x: Any, batch_size: int | None = None, verbose: Any = 0) -> Any:
        """Return the class of each sample: the largest output, or whether a single one is > 0.5."""
        deprecation.warn(type(self).__name__, "predict_classes")
        outputs = self.predict(x, batch_size=batch_size, verbose=verbose)
        if outputs.shape[-1] > 1:
            return outputs.argmax(axis=-1)
        return (outputs > 0.5).astype(np.int32)


def take_fit_options(epochs: Any, options: dict[str, Any]) -> Any:
    """Take the former arguments of `fit` out of `options`; return the number of epochs."""
    for name in _QUEUE:
        deprecation.take("fit", options, name)
    return deprecation.take("fit", options, "nb_epoch", epochs)


def _own(options: dict[str, Any]) -> dict[str, Any]:
    """Return options without those of threads."""
    return {name: value for name, value in options.items() if name not in _QUEUE}


def _whole(steps: Any) -> Any:
    """Return a number of batches, which was often written as samples / batch_size, as an int."""
    return math.ceil(steps) if isinstance(steps, float) else steps
