"""What all optimizers share: the learning rate, clipping, weight decay, slots, the order of a step.

    gradients -> clipped -> weights decayed -> update of the subclass -> iterations + 1

Clipping and decay are passed down to the update, so that one pass over a weight does it all.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import serialization
from ..arguments import as_real
from ..naming import auto_name
from ..ops import checks
from . import schedules
from .clipping import gradient_scales
from .hyperparameters import positive
from .old_arguments import take_old_arguments, warn_of_lr

if TYPE_CHECKING:
    from ..layers.variable import Variable

Slots = dict[str, np.ndarray]


class Optimizer(serialization.Configurable):
    """Base of all optimizers. A subclass defines `update_step` and, if it has slots, `slot_groups`.

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
        A schedule is called with the number of updates done so far, a function without arguments.
    weight_decay : number >= 0, optional
        Every step takes learning_rate * weight_decay of a weight away from it, before the update.
    clipnorm, global_clipnorm, clipvalue : number > 0, optional; at most one of them
        Largest Euclidean norm of each gradient, of all gradients together, or largest element.
    use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps
        Accepted so that Keras's configurations load; only the defaults are supported.
    name : str, optional
    lr : number
        Deprecated name of `learning_rate`.

    Raises
    ------
    TypeError, ValueError
        An argument is unknown, has the wrong type or is out of range.
    """

    config_keys: ClassVar[tuple[str, ...]] = (
        "name",
        "learning_rate",
        "weight_decay",
        "clipnorm",
        "global_clipnorm",
        "clipvalue",
        "use_ema",
        "ema_momentum",
        "ema_overwrite_frequency",
        "loss_scale_factor",
        "gradient_accumulation_steps",
    )

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: Any = None,
        clipnorm: Any = None,
        clipvalue: Any = None,
        global_clipnorm: Any = None,
        use_ema: Any = False,
        ema_momentum: Any = 0.99,
        ema_overwrite_frequency: Any = None,
        loss_scale_factor: Any = None,
        gradient_accumulation_steps: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        where = type(self).__name__
        learning_rate = take_old_arguments(type(self), learning_rate, kwargs)
        for feature, value in (
            ("use_ema", use_ema),
            ("ema_overwrite_frequency", ema_overwrite_frequency),
            ("loss_scale_factor", loss_scale_factor),
            ("gradient_accumulation_steps", gradient_accumulation_steps),
        ):
            if value:
                raise ValueError(f"{where}: {feature} is not supported, got {value!r}.")
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {key: value for key, value in clips.items() if value is not None}
        if len(given) > 1:
            raise ValueError(f"{where}: only one of {', '.join(clips)} can be set, got {given}.")

        self.name = auto_name(where) if name is None else name
        self.weight_decay = (
            None if weight_decay is None else as_real(where, "weight_decay", weight_decay, 0)
        )
        given = {key: positive(where, key, value) for key, value in given.items()}
        self.clipnorm = given.get("clipnorm")
        self.clipvalue = given.get("clipvalue")
        self.global_clipnorm = given.get("global_clipnorm")
        self.use_ema = False
        self.ema_momentum = as_real(where, "ema_momentum", ema_momentum, 0, 1)
        self.ema_overwrite_frequency = None
        self.loss_scale_factor = None
        self.gradient_accumulation_steps = None

        self.iterations = 0  # updates done so far
        self._learning_rate = self._check_learning_rate(learning_rate)
        self._trained: list[Variable] = []
        self._slots: dict[int, Slots] = {}  # by id; `_trained` keeps the variables alive
        self._undecayed: list[Variable] = []
        self._undecayed_names: re.Pattern[str] | None = None

    # What a subclass defines

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Return the names of the arrays kept for each variable, in groups.

        The arrays of a group lie side by side for each variable in a saved file, one group after
        the other.
        """
        return ()

    def update_step(
        self,
        weight: np.ndarray,
        gradient: np.ndarray,
        slots: Slots,
        learning_rate: float,
        **shared: Any,
    ) -> None:
        """Update `weight` and its `slots` in place.

        `shared` holds what all of `ops.*_step` take: decay, grad_scale and clip_value.
        """
        raise NotImplementedError(f"{type(self).__name__} must define update_step().")

    # Learning rate

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update; a schedule cannot be overwritten by a number."""
        rate = self._learning_rate
        if isinstance(rate, float):
            return rate
        is_schedule = isinstance(rate, schedules.LearningRateSchedule)
        value = rate(self.iterations) if is_schedule else rate()
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
        warn_of_lr(type(self), stacklevel=3)
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        warn_of_lr(type(self), stacklevel=3)
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
        """Take over the variables to train and make their slots, all zero.

        Called again with other variables it keeps the slots of those that stay, and warns about
        new ones. With none at all it forgets those it had; the number of updates stays.

        Raises
        ------
        ValueError
            None of its former variables stays: the optimizer belongs to another model.
        """
        variables = list(variables)
        new = [variable for variable in variables if id(variable) not in self._slots]
        if self.built and new:
            if len(new) == len(variables):
                raise ValueError(
                    f"{self.name}: this optimizer already trains other variables; "
                    f"make a new one: {type(self).__name__}()."
                )
            if self.slot_groups():
                warnings.warn(
                    f"{self.name}: the variables to train have changed; the state of "
                    f"{', '.join(variable.path for variable in new)} starts at zero.",
                    stacklevel=2,
                )
        names = [name for group in self.slot_groups() for name in group]
        for variable in new:
            self._slots[id(variable)] = {
                name: np.zeros(variable.shape, np.float32) for name in names
            }
        self._slots = {id(variable): self._slots[id(variable)] for variable in variables}
        self._trained = variables

    @property
    def variables(self) -> list[np.ndarray]:
        """The state, in the order of Keras's files.

        The number of updates (int32), the learning rate (float32; left out if it is a schedule or a
        function), then the slots. The first two are copies, the slots are the arrays in use.
        """
        state = [np.array(self.iterations, np.int32)]
        if isinstance(self._learning_rate, float):
            state.append(np.array(self._learning_rate, np.float32))
        for group in self.slot_groups():
            for variable in self._trained:
                state += [self._slots[id(variable)][name] for name in group]
        return state

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
        iterations = checks.as_int(self.name, "iterations", arrays[0].item(), minimum=0)
        scalars = 1
        if isinstance(self._learning_rate, float):
            scalars = 2
            # Files hold float32. Keep the float64 that was given if it is the same number, so that
            # a model that was saved and loaded goes on with exactly the same steps.
            if arrays[1] != state[1]:
                self.learning_rate = arrays[1].item()
        self.iterations = iterations
        for old, new in zip(state[scalars:], arrays[scalars:], strict=True):
            old[...] = new

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Variable] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Decay neither these variables nor those whose name matches one of `var_names`.

        Parameters
        ----------
        var_list : Variables, optional
        var_names : regular expressions, optional
            Searched for in `variable.name`; ["bias"] leaves out all biases.
        """
        patterns = list(var_names or ())
        self._undecayed = list(var_list or ())
        self._undecayed_names = re.compile("|".join(patterns)) if patterns else None

    def _is_decayed(self, variable: Variable) -> bool:
        if any(variable is other for other in self._undecayed):
            return False
        return self._undecayed_names is None or not self._undecayed_names.search(variable.name)

    # A step

    def apply(self, grads: Iterable[Any], variables: Iterable[Variable] | None = None) -> None:
        """Do one update of the variables, in place.

        Parameters
        ----------
        grads : sequence of float32 arrays or None
            A variable without gradient is left alone, with a warning.
        variables : Variables, optional
            One per gradient; all variables that the optimizer was built with by default.

        Raises
        ------
        RuntimeError
            No variables are given and the optimizer was not built.
        ValueError
            Gradients and variables do not fit together, or there is no gradient at all. Nothing
            is changed then.
        """
        grads = list(grads)
        if not grads:
            return
        if variables is not None:
            variables = list(variables)
            if not self.built:
                self.build(variables)
        elif self.built:
            variables = self._trained
        else:
            raise RuntimeError(f"{self.name}: apply: give variables, or call build() first.")
        pairs = self._check_pairs(grads, variables)

        learning_rate = self.learning_rate
        decay = learning_rate * (self.weight_decay or 0.0)
        scales = gradient_scales(
            [gradient for gradient, _ in pairs], self.clipnorm, self.global_clipnorm
        )
        for (gradient, variable), scale in zip(pairs, scales, strict=True):
            self.update_step(
                variable.value,
                gradient,
                self._slots[id(variable)],
                learning_rate,
                decay=decay if decay and self._is_decayed(variable) else 0.0,
                grad_scale=scale,
                clip_value=self.clipvalue,
            )
            variable.touch()
        self.iterations += 1

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> int:
        """Do one update from pairs (gradient, variable); return the number of updates so far."""
        pairs = list(grads_and_vars)
        self.apply([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        return self.iterations

    def _check_pairs(
        self, grads: list[Any], variables: list[Variable]
    ) -> list[tuple[np.ndarray, Variable]]:
        """Return the pairs that have a gradient, as float32 arrays of the right shape."""
        if len(grads) != len(variables):
            raise ValueError(
                f"{self.name}: apply: {len(grads)} gradients for {len(variables)} variables."
            )
        pairs, missing = [], []
        for gradient, variable in zip(grads, variables, strict=True):
            if id(variable) not in self._slots:
                raise ValueError(
                    f"{self.name}: apply: unknown variable {variable.path}; call build() with all "
                    f"variables, or make a new optimizer for another model."
                )
            if gradient is None:
                missing.append(variable.path)
                continue
            gradient = checks.as_float32(self.name, f"gradient of {variable.path}", gradient)
            if gradient.shape != variable.shape:
                raise ValueError(
                    f"{self.name}: apply: the gradient of {variable.path} must have shape "
                    f"{variable.shape}, got {gradient.shape}."
                )
            pairs.append((gradient, variable))
        if not pairs:
            raise ValueError(f"{self.name}: apply: there is no gradient for any variable.")
        if missing:
            warnings.warn(
                f"{self.name}: no gradient for {', '.join(missing)}; they do not reach the loss.",
                stacklevel=3,
            )
        return pairs

    # Configuration and copies

    def __getstate__(self) -> dict[str, Any]:
        # The ids of the variables change when they are copied.
        return {**vars(self), "_slots": [self._slots[id(v)] for v in self._trained]}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        slots = zip(self._trained, state["_slots"], strict=True)
        self._slots = {id(variable): kept for variable, kept in slots}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor arguments as a dictionary that JSON can hold."""
        rate = self._learning_rate
        if not isinstance(rate, (float, schedules.LearningRateSchedule)):
            raise TypeError(
                f"{self.name}: get_config: learning_rate is a function, which cannot be saved; "
                f"make it a LearningRateSchedule."
            )
        config = {name: getattr(self, name) for name in self.config_keys if name != "learning_rate"}
        return config | {"learning_rate": serialization.serialize(rate)}
