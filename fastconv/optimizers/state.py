"""What an optimizer remembers between steps: steps done, learning rate, arrays for each variable.

A file holds it in this order, as Keras does: steps, learning rate, moving averages of the weights,
accumulated gradients, the slots of the optimizer, its scalars.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import deprecation, serialization
from ..arguments import as_real
from ..ops import checks, memory
from . import schedules

if TYPE_CHECKING:
    from ..layers.variable import Variable

Slots = dict[str, np.ndarray]


class OptimizerState(serialization.Configurable):
    """Base of `Optimizer`: its learning rate and its arrays.

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
    """

    name: str
    gradient_accumulation_steps: int | None = None

    def __init__(self, learning_rate: Any) -> None:
        self._steps = 0  # calls of apply() so far
        self._learning_rate = self._check_learning_rate(learning_rate)
        self._trained: list[Variable] = []
        self._slots: dict[int, Slots] = {}  # by id; `_trained` keeps the variables alive
        self._scalars: Slots = {}

    # What a subclass defines

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the names of the arrays kept for each variable, in groups.

        The arrays of a group lie side by side for each variable in a saved file, one group after
        the other.
        """
        return ()

    def slot_start(self, name: str) -> float:
        """Return the first value of a slot's elements."""
        return 0.0

    def scalars(self) -> dict[str, float]:
        """Return the numbers kept for all variables together, with their first values."""
        return {}

    def _shared_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the slots of features that all optimizers share."""
        return ()

    # Learning rate

    @property
    def iterations(self) -> int:
        """Updates done so far."""
        return self._steps // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update; a schedule cannot be overwritten by a number."""
        rate = self._learning_rate
        if isinstance(rate, float):
            return rate
        is_schedule = isinstance(rate, schedules.LearningRateSchedule)
        value = rate(self._steps) if is_schedule else rate()
        return as_real(type(self).__name__, "the scheduled learning_rate", value, 0)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        checked = self._check_learning_rate(value)
        if isinstance(self._learning_rate, schedules.LearningRateSchedule) and isinstance(
            checked, float
        ):
            raise TypeError(
                f"{type(self).__name__}: learning_rate is a {type(self._learning_rate).__name__}, "
                f"so it cannot be set to a number; give the optimizer a number at first."
            )
        self._learning_rate = checked

    @property
    def lr(self) -> float:
        """Deprecated name of `learning_rate`."""
        deprecation.warn(type(self).__name__, "lr")
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        deprecation.warn(type(self).__name__, "lr")
        self.learning_rate = value

    def _check_learning_rate(self, value: Any) -> Any:
        """Return a schedule or function as it is, a number as a float."""
        if isinstance(value, Mapping):
            return schedules.deserialize(value)
        if callable(value) and not isinstance(value, type):
            return value
        return as_real(type(self).__name__, "learning_rate", value, 0)

    # Variables

    @property
    def built(self) -> bool:
        """Whether the optimizer knows its variables."""
        return bool(self._trained)

    def build(self, variables: Iterable[Variable]) -> None:
        """Take over the variables to train and make their slots.

        Called again with other variables it keeps the slots of those that stay, and warns about
        new ones. With none at all it forgets those it had; the number of updates stays.

        Raises
        ------
        ValueError
            None of its former variables stays: the optimizer belongs to another model.
        """
        variables = list(variables)
        new = [variable for variable in variables if id(variable) not in self._slots]
        names = [name for group in self._groups() for name in group]
        if self.built and new:
            if len(new) == len(variables):
                raise ValueError(
                    f"{self.name}: this optimizer already trains other variables; "
                    f"make a new one: {type(self).__name__}()."
                )
            if names:
                warnings.warn(
                    f"{self.name}: the variables to train have changed; the state of "
                    f"{', '.join(variable.path for variable in new)} starts anew.",
                    stacklevel=2,
                )
        slots = iter(memory.arrays([variable.shape for variable in new for _ in names]))
        for variable in new:
            self._slots[id(variable)] = {name: next(slots) for name in names}
            for name, slot in self._slots[id(variable)].items():
                if start := self.slot_start(name):
                    slot.fill(start)
        if not self._scalars:
            self._scalars = {
                name: np.array(value, np.float32) for name, value in self.scalars().items()
            }
        self._slots = {id(variable): self._slots[id(variable)] for variable in variables}
        self._trained = variables

    def slots_nbytes(self, variables: Iterable[Variable]) -> int:
        """Return the bytes of the slots that training some variables takes."""
        count = sum(map(len, self._groups()))
        return sum(count * variable.value.nbytes for variable in variables)

    def _groups(self) -> tuple[tuple[str, ...], ...]:
        return (*self._shared_groups(), *self.slot_groups())

    @property
    def variables(self) -> list[np.ndarray]:
        """The state, in the order of Keras's files.

        The number of steps (int32), the learning rate (float32; left out if it is a schedule or a
        function), then the slots. The first two are copies, the slots are the arrays in use.
        """
        state = [np.array(self._steps, np.int32)]
        if isinstance(self._learning_rate, float):
            state.append(np.array(self._learning_rate, np.float32))
        for group in self._groups():
            for variable in self._trained:
                state += [self._slots[id(variable)][name] for name in group]
        return state + list(self._scalars.values())

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Take over a state that has the form of `variables`.

        Raises
        ------
        RuntimeError
            The optimizer does not know its variables yet.
        ValueError
            The number of arrays or a shape differs; nothing is changed then.
        """
        if not self.built:
            raise RuntimeError(f"{self.name}: set_weights: call build(variables) first.")
        state = self.variables
        arrays = [np.asarray(weight) for weight in weights]
        if len(arrays) != len(state):
            raise ValueError(
                f"{self.name}: set_weights: {len(state)} arrays are needed, got {len(arrays)}."
            )
        for i, (old, new) in enumerate(zip(state, arrays, strict=True)):
            if old.shape != new.shape:
                raise ValueError(
                    f"{self.name}: set_weights: array {i} must have shape {old.shape}, "
                    f"got {new.shape}."
                )
        steps = checks.as_int(self.name, "iterations", arrays[0].item(), minimum=0)
        scalars = 1
        if isinstance(self._learning_rate, float):
            scalars = 2
            # Files hold float32. Keep the float64 that was given if it is the same number, so that
            # a model that was saved and loaded goes on with exactly the same steps.
            if arrays[1] != state[1]:
                self.learning_rate = arrays[1].item()
        self._steps = steps
        for old, new in zip(state[scalars:], arrays[scalars:], strict=True):
            old[...] = new

    # Copies

    def __getstate__(self) -> dict[str, Any]:
        # The ids of the variables change when they are copied.
        slots = [self._slots[id(variable)] for variable in self._trained]
        return {**vars(self), "_slots": slots, "_given": None, "_sums": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        slots = zip(self._trained, state["_slots"], strict=True)
        self._slots = {id(variable): kept for variable, kept in slots}
