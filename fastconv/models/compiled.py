"""Compiled: what a model is trained with, its optimizer, losses and metrics; or used with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..layers import Variable
from . import config
from .frozen import FrozenModel
from .network import Network

if TYPE_CHECKING:
    from ..metrics import Metric
    from ..optimizers import Optimizer
    from .objective import Objective


class Compiled(Network):
    """A network that knows how it is to be trained once `compile` was called.

    Attributes
    ----------
    optimizer : Optimizer or None
        None before compile().
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.optimizer: Optimizer | None = None
        self.trained_variables: list[Variable] = []  # what the optimizer was built for
        self._objective: Objective | None = None
        self._compile_arguments: dict[str, Any] = {}

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
    ) -> None:
        """Choose how to train.

        Parameters
        ----------
        optimizer : str or Optimizer
        loss : str, Loss or function
            For several outputs a list, or a dictionary by name of the output; one alone is for
            all of them. None trains nothing on an output. A function of (y_true, y_pred) returns
            the loss of each sample and its gradient by y_pred.
        loss_weights : list or dictionary of numbers, optional
            Factors of the losses in the sum that is trained on.
        metrics, weighted_metrics : str, Metric, function, or list of them
            "accuracy" takes the kind that fits the targets. For several outputs a list, or a
            dictionary by name, with those of each output. Weights of samples and classes count
            for `weighted_metrics` only.
        run_eagerly, steps_per_execution, jit_compile, auto_scale_loss
            Accepted for Keras's sake, without effect.

        Raises
        ------
        TypeError, ValueError
            A name is unknown, or an object does not fit.
        """
        # What only those who train need is loaded here: the first step does not wait for it.
        from .. import optimizers
        from . import fitting as fitting
        from .objective import Objective

        names = None if self.graph is None else self.output_names
        objective = Objective(loss, loss_weights, metrics, weighted_metrics, names)
        self.optimizer = optimizers.get(optimizer)
        self.trained_variables = []
        self._objective = objective
        self._plans.clear()
        self._compile_arguments = {
            "optimizer": self.optimizer,
            "loss": loss,
            "loss_weights": loss_weights,
            "metrics": metrics,
            "weighted_metrics": weighted_metrics,
            "run_eagerly": run_eagerly,
            "steps_per_execution": steps_per_execution,
            "jit_compile": jit_compile,
        }

    def compile_for_inference(self) -> FrozenModel:
        """Return what the model computes now, made ready to be called often, from any thread.

        The weights are copied, batch normalization is folded and kernels are packed: later changes
        of the model do not reach the result, and `compile()` is not needed. ::

            frozen = model.compile_for_inference()
            y = frozen(x)                          # the bits of model.predict(x)

        Returns
        -------
        FrozenModel

        Raises
        ------
        TypeError
            A layer of your own cannot be copied.
        ValueError
            The model is not built.
        """
        return FrozenModel(self)

    @property
    def compiled(self) -> bool:
        """Whether compile() was called."""
        return self._objective is not None

    @property
    def loss(self) -> Any:
        """The loss as it was given to compile()."""
        return self._compile_arguments.get("loss")

    @property
    def metrics(self) -> list[Metric]:
        """The mean of the loss, and the metrics as far as they are chosen yet."""
        if self._objective is None:
            return []
        chosen = [metric for metric in self._objective.metrics if metric is not None]
        return [*self._objective.trackers, *chosen]

    @property
    def metrics_names(self) -> list[str]:
        """The names of what evaluate() returns, in its order."""
        return [] if self._objective is None else self._objective.names

    def reset_metrics(self) -> None:
        """Forget the means that the metrics have collected."""
        self._compiled("reset_metrics").reset()

    def get_compile_config(self) -> dict[str, Any]:
        """Return the arguments of compile() in Keras's form, {} before compile()."""
        return {key: config.serialized(value) for key, value in self._compile_arguments.items()}

    def compile_from_config(self, config: Mapping[str, Any]) -> None:
        """Call compile() with what `get_compile_config`, here or in Keras, returned."""
        names = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics")
        if config:
            arguments: dict[str, Any] = {name: config.get(name) for name in names}
            self.compile(**arguments)

    def _compiled(self, where: str) -> Objective:
        if self._objective is None:
            raise ValueError(
                f"{type(self).__name__}.{where}: call compile(optimizer=..., loss=...) first."
            )
        return self._objective
