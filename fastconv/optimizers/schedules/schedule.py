"""What all learning-rate schedules share."""

from __future__ import annotations

from typing import Any

from ...arguments import as_real
from ...ops import checks
from ...serialization import Configurable
from ..hyperparameters import positive


class LearningRateSchedule(Configurable):
    """A learning rate that depends on the step.

    Subclasses implement `__call__(step)`, where `step` is the number of updates done so far (0 for
    the first one). Constructor arguments that are listed in `config_keys` and kept under the same
    name are saved with the model.
    """

    keras_module = "keras.optimizers.schedules"

    def __call__(self, step: Any) -> float:
        """Return the learning rate of the update that follows `step` updates."""
        raise checks.must_define(self, "__call__(step)")

    def _real(self, name: str, value: Any, minimum: float = 0.0) -> float:
        """Check a number given to the constructor or to `__call__`."""
        return as_real(type(self).__name__, name, value, minimum)

    def _steps(self, name: str, value: Any) -> float:
        """Check a positive number of steps, which need not be whole; an int if it is."""
        steps = positive(type(self).__name__, name, value)
        return int(steps) if steps.is_integer() else steps
