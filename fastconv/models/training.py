"""Training: fit, evaluate and predict, for many batches or a single one.

    fit:  for each epoch
              for each batch:  y = plan.train(x);  loss;  gradients;  optimizer
              evaluate on the validation data

Everything that is the same for all batches (checks, casts of labels, the plan) is done before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import arguments
from ..ops import checks
from . import inputs, loops
from .compiled import Compiled
from .feeds import Epochs
from .former import take_fit_options

if TYPE_CHECKING:
    from ..callbacks import CallbackList, History


class Training(Compiled):
    """A network that is trained, evaluated and used for prediction.

    Attributes
    ----------
    history : History or None
        That of the last fit().
    stop_training : bool
        A callback sets it to end training after the epoch.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.history: History | None = None
        self.stop_training = False
        #: Epoch, and batches of it already done, where a callback wants fit() to go on.
        self.start_position: tuple[int, int] | None = None
        self.log_names: list[str] = []  # what the logs of the running fit() hold

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
        **former: Any,
    ) -> History:
        """Train for some epochs.

        Parameters
        ----------
        x : array (N, ...), or iterable of batches (x, y) or (x, y, sample_weight)
            Of several inputs, a list or a dictionary of arrays by name.
        y : array, one target per sample
            For several outputs, a list or a dictionary of arrays by name.
        batch_size : int, optional
            32 by default.
        epochs, initial_epoch : int
            Epochs initial_epoch .. epochs - 1 are done.
        verbose : "auto", 0, 1 or 2
            Nothing, a progress bar, one line per epoch. "auto" is 1; without a terminal, 1 prints
            one line per epoch too.
        callbacks : list of Callback, optional
        validation_split : float in [0, 1)
            The last fraction of the data, before shuffling, is kept for validation.
        validation_data : (x, y), (x, y, sample_weight) or iterable of batches, optional
            Instead of `validation_split`.
        shuffle : bool or "batch"
            Shuffle samples, or whole batches, before each epoch.
        class_weight : dict of class to weight, or sequence, optional
            Factors of the loss; multiplied by `sample_weight` if both are given.
        sample_weight : array (N,) or shaped like the targets, optional
        steps_per_epoch, validation_steps : int, optional
            Number of batches; all by default.
        validation_batch_size : int, optional
            `batch_size` by default.
        validation_freq : int or collection of int
            Every how many epochs to validate, or in which ones, counted from 1.

        Returns
        -------
        History
            Its `history` has the values of each metric.

        Raises
        ------
        TypeError, ValueError
            compile() was not called, an argument is wrong, or shapes or labels do not fit.
        """
        from ..callbacks import History
        from . import fitting

        objective = self._compiled("fit")
        epochs = take_fit_options(epochs, former)
        arguments.no_others("fit", former, Training.fit)
        epochs = checks.as_int("fit", "epochs", epochs, 0)
        initial_epoch = checks.as_int("fit", "initial_epoch", initial_epoch, 0)
        steps_per_epoch = inputs.check_steps("fit", "steps_per_epoch", steps_per_epoch)
        validation_steps = inputs.check_steps("fit", "validation_steps", validation_steps)
        sources = inputs.Sources(self, objective, batch_size, validation_batch_size)
        training, validation = sources.for_fit(
            x, y, sample_weight, class_weight, shuffle, validation_split, validation_data
        )
        batches = Epochs("fit", training, steps_per_epoch, go_on=True)
        self.log_names = list(objective.names)
        validate: Epochs | None = None
        if validation is not None:
            validate = Epochs("fit: validation", validation, validation_steps)
            self.log_names += [f"val_{name}" for name in objective.names]
        self.stop_training = False
        self.start_position = None
        called = self._callbacks("fit", callbacks, verbose, epochs, batches.steps)
        self.history = next(c for c in called.callbacks if isinstance(c, History))

        try:
            fitting.fit(
                self,
                objective,
                batches,
                validate,
                called,
                range(initial_epoch, epochs),
                validation_freq,
            )
        finally:
            self._plans.release()
        return self.history

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Return the loss and the metrics on some data.

        Parameters
        ----------
        x, y, batch_size, verbose, sample_weight, callbacks
            As for `fit`.
        steps : int, optional
            Number of batches; all by default.
        return_dict : bool
            Return a dictionary instead.

        Returns
        -------
        float, list of float or dict
            [loss, metrics ...] in the order of `metrics_names`; the loss alone if it is all.

        Raises
        ------
        TypeError, ValueError
            compile() was not called, an argument is wrong, or shapes or labels do not fit.
        """
        objective = self._compiled("evaluate")
        steps = inputs.check_steps("evaluate", "steps", steps)
        sources = inputs.Sources(self, objective, batch_size)
        batches = Epochs("evaluate", sources.for_evaluate(x, y, sample_weight), steps)
        called = self._callbacks("evaluate", callbacks, verbose, 1, batches.steps)
        logs = loops.evaluate(self, objective, batches, called)
        self._plans.release()
        return logs if return_dict else objective.in_order(logs)

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """Return the outputs for some data, computed batch by batch.

        Parameters
        ----------
        x : array (N, ...), or iterable of batches
        batch_size, verbose, callbacks
            As for `fit`. The result does not depend on `batch_size`.
        steps : int, optional
            Number of batches; all by default.

        Returns
        -------
        float32 array (N, ...), or the structure of outputs that the model was made with

        Raises
        ------
        TypeError, ValueError
            An argument is wrong, or the shape does not fit.
        """
        steps = inputs.check_steps("predict", "steps", steps)
        feed, n = inputs.for_predict(self, x, batch_size, steps)
        if n == 0:
            return self(x)
        batches = Epochs("predict", feed, steps)
        called = self._callbacks("predict", callbacks, verbose, 1, batches.steps)
        called.call("on_predict_begin", {})
        result = loops.predict(self, batches, n, called)
        called.call("on_predict_end", {})
        self._plans.release()
        return self.structured(result)

    # Single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        return_dict: bool = False,
    ) -> Any:
        """Do one update with one batch; return its loss and metrics.

        Parameters and result are those of `fit` and `evaluate`.
        """
        objective = self._compiled("train_on_batch")
        batch = inputs.Sources(self, objective).batch(
            "train_on_batch", x, y, sample_weight, class_weight
        )
        from .trainer import Trainer

        with Trainer(self, objective) as trainer:
            objective.reset()
            trainer.step(batch)
        logs = objective.result()
        return logs if return_dict else objective.in_order(logs)

    def test_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Return the loss and metrics of one batch.

        Parameters and result are those of `evaluate`.
        """
        objective = self._compiled("test_on_batch")
        batch = inputs.Sources(self, objective).batch("test_on_batch", x, y, sample_weight)
        plan = objective.plan(self)
        objective.reset()
        loops.test_step(objective, plan, batch, plan.weight_penalty())
        logs = objective.result()
        return logs if return_dict else objective.in_order(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """Return the outputs for one batch."""
        return self(x)

    def _callbacks(
        self, where: str, callbacks: Any, verbose: Any, epochs: int, steps: int | None
    ) -> CallbackList:
        from ..callbacks import CallbackList

        if isinstance(callbacks, CallbackList):
            callbacks = callbacks.callbacks
        if verbose not in ("auto", 0, 1, 2):
            raise ValueError(f'{where}: verbose must be "auto", 0, 1 or 2, got {verbose!r}.')
        return CallbackList(
            callbacks,
            add_history=where == "fit",
            add_progbar=bool(verbose),
            model=self,
            verbose=verbose,
            epochs=epochs,
            steps=steps,
        )
