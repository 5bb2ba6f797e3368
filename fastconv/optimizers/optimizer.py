"""What all optimizers share: clipping, weight decay, averages, the order of a step.

    gradients -> summed over some steps -> clipped -> weights decayed -> update of the subclass
    -> moving averages of the weights -> constraints -> one step more

Clipping and decay are passed down to the update, so that one pass over a weight does it all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import deprecation, serialization
from ..arguments import as_real
from ..naming import auto_name
from ..ops import checks
from . import schedules
from .clipping import gradient_scales
from .given import Given, check
from .hyperparameters import positive
from .state import OptimizerState, Slots

if TYPE_CHECKING:
    from ..layers.variable import Variable


class Optimizer(OptimizerState):
    """Base of all optimizers. A subclass defines `update_step` and, if it has slots, `slot_groups`.

    Parameters
    ----------
    learning_rate : number >= 0, LearningRateSchedule or function
        A schedule is called with the number of steps done so far, a function without arguments.
    weight_decay : number >= 0, optional
        Every step takes learning_rate * weight_decay of a weight away from it, before the update.
    clipnorm, global_clipnorm, clipvalue : number > 0, optional; at most one of them
        Largest Euclidean norm of each gradient, of all gradients together, or largest element.
    use_ema : bool
        Keep a moving average of each weight. `fit` puts them in place of the weights at its end.
    ema_momentum : number in [0, 1]
        Share of the average that stays.
    ema_overwrite_frequency : int, optional
        Put the averages in place of the weights after every so many updates.
    loss_scale_factor : number > 0, optional
        What the loss was multiplied by; gradients are divided by it.
    gradient_accumulation_steps : int of at least 2, optional
        Update in every so many steps only, with the mean of their gradients.
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
        learning_rate = deprecation.take(where, kwargs, "lr", learning_rate)
        if kwargs.pop("decay", None):
            deprecation.warn(where, "decay", category=UserWarning)
        if kwargs:
            hint = checks.did_you_mean(next(iter(kwargs)), self.config_keys)
            raise ValueError(f"{where}: argument(s) not recognized: {kwargs}.{hint}")
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
        self.use_ema = bool(use_ema)
        self.ema_momentum = as_real(where, "ema_momentum", ema_momentum, 0, 1)
        self.ema_overwrite_frequency = _whole(
            where, "ema_overwrite_frequency", ema_overwrite_frequency, 1
        )
        self.loss_scale_factor = (
            positive(where, "loss_scale_factor", loss_scale_factor) if loss_scale_factor else None
        )
        self.gradient_accumulation_steps = _whole(
            where, "gradient_accumulation_steps", gradient_accumulation_steps, 2
        )
        super().__init__(learning_rate)
        self._given: Given | None = None  # of the last step
        self._sums: Given | None = None  # the same with sums of gradients, if steps share them
        self.averages_in_place = False  # whether swap_averages() was called an odd number of times
        self._undecayed: list[Variable] = []
        self._undecayed_names: re.Pattern[str] | None = None

    # What a subclass defines

    def begin_update(self) -> None:
        """Get ready for `update_step` of all variables."""

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
        raise checks.must_define(self, "update_step()")

    # Settings

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

    def scale_loss(self, loss: Any) -> Any:
        """Return `loss`, or a gradient, times `loss_scale_factor`."""
        return loss * self.loss_scale_factor if self.loss_scale_factor else loss

    # A step

    def apply(self, grads: Iterable[Any], variables: Iterable[Variable] | None = None) -> None:
        """Do one step: update the variables, in place.

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
        given = self._given
        # A compiled model gives the same arrays in every step: they are looked over once.
        if (
            given is None
            or grads is not given.grads
            or variables is not given.asked
            or self._slots is not given.table
        ):
            grads = tuple(grads)
            if not grads:
                return
            given = self._look_over(grads, variables)
        share = 1 / (self.loss_scale_factor or 1)
        if self._sums is not None or self.use_ema:
            self._update_with_sums(given, share)
        else:
            self._update(given, share)
            _constrain(given.variables)
        self._steps += 1

    def _look_over(self, grads: tuple[Any, ...], variables: Iterable[Variable] | None) -> Given:
        """Return what a step is done with; see `apply`."""
        if variables is not None:
            variables = tuple(variables)
            if not self._trained:
                self.build(variables)
        elif self._trained:
            variables = tuple(self._trained)
        else:
            raise RuntimeError(f"{self.name}: apply: give variables, or call build() first.")
        given = self._given
        if given is None or not given.take(grads, variables, self._slots):
            given = self._given = check(self.name, grads, variables, self._slots)
            self._sums = given.accumulated() if self.gradient_accumulation_steps else None
        return given

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Any, Variable]]) -> int:
        """Do one step with pairs (gradient, variable); return the number of steps so far."""
        pairs = list(grads_and_vars)
        self.apply([pair[0] for pair in pairs], [pair[1] for pair in pairs])
        return self._steps

    def _update(self, given: Given, share: float) -> None:
        """Update variables with `share` of their gradients."""
        learning_rate, decay = self.learning_rate, self.weight_decay
        count = len(given.variables)
        decays, scales = [0.0] * count, [share] * count
        if decay:
            decay *= learning_rate
            decays = [decay if self._is_decayed(variable) else 0.0 for variable in given.variables]
        if self.clipnorm or self.global_clipnorm:
            scales = gradient_scales(given.gradients, self.clipnorm, self.global_clipnorm, share)
        self.update_all(given, learning_rate, decays, scales)

    def update_all(
        self, given: Given, learning_rate: float, decays: list[float], grad_scales: list[float]
    ) -> None:
        """Update weights and slots in place, one after the other."""
        self.begin_update()
        for variable, gradient, own, decay, scale in zip(
            given.variables, given.gradients, given.slots, decays, grad_scales, strict=True
        ):
            self.update_step(
                variable.edit(),
                gradient,
                own,
                learning_rate,
                decay=decay,
                grad_scale=scale,
                clip_value=self.clipvalue,
            )

    # Accumulated gradients and averages

    def _shared_groups(self) -> tuple[tuple[str, ...], ...]:
        groups = []
        if self.use_ema:
            groups.append(("average",))
        if self.gradient_accumulation_steps:
            groups.append(("gradient_accumulator",))
        return tuple(groups)

    def _update_with_sums(self, given: Given, share: float) -> None:
        """Update variables if it is time for it; keep sums of gradients, averages of weights."""
        sums, steps = self._sums, self.gradient_accumulation_steps or 1
        is_due = (self._steps + 1) % steps == 0
        if sums is not None:
            for total, gradient in zip(sums.gradients, given.gradients, strict=True):
                total += gradient if share == 1 else gradient * np.float32(share)
            given, share = sums, 1 / steps
        if is_due:
            self._update(given, share)
        if self.use_ema:
            self._average()
        if is_due:
            _constrain(given.variables)
            for slots in self._slots.values() if sums is not None else ():
                slots["gradient_accumulator"].fill(0)

    def _average(self) -> None:
        """Follow the weights with their averages; put those in place if it is time."""
        momentum = np.float32(self.ema_momentum if self.iterations else 0.0)
        frequency = self.ema_overwrite_frequency
        for variable in self._trained:
            average = self._slots[id(variable)]["average"]
            average *= momentum
            average += (1 - momentum) * variable.value
        if frequency and (self.iterations + 1) % frequency == 0:
            self.finalize_variable_values()

    def finalize_variable_values(self, var_list: Iterable[Variable] | None = None) -> None:
        """Put the moving averages in place of these weights, or all; without averages do nothing.

        `fit` calls this at its end.
        """
        if not self.use_ema:
            return
        for variable in self._trained if var_list is None else var_list:
            if id(variable) in self._slots:
                average = self._slots[id(variable)]["average"]
                if self.averages_in_place:
                    average[...] = variable.value
                else:
                    variable.assign(average)
        self.averages_in_place = False

    def swap_averages(self) -> None:
        """Exchange the weights with their moving averages.

        Raises
        ------
        ValueError
            The optimizer keeps no averages.
        """
        if not self.use_ema:
            raise ValueError(f"{self.name}: there are no moving averages; use use_ema=True.")
        for variable in self._trained:
            average = self._slots[id(variable)]["average"]
            weights = variable.value.copy()
            variable.assign(average)
            average[...] = weights
        self.averages_in_place = not self.averages_in_place

    # Configuration

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


def _constrain(variables: list[Variable]) -> None:
    for variable in variables:
        if variable.constraint is not None:
            variable.assign(variable.constraint(variable.value))


def _whole(where: str, name: str, value: Any, minimum: int) -> int | None:
    """Return `value` as an integer of at least `minimum`; None and 0 turn the feature off."""
    return checks.as_int(where, name, value, minimum) if value else None
