"""Given: gradients and variables as an optimizer was given them, checked."""

from __future__ import annotations

import operator
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..ops import checks
from .state import Slots

if TYPE_CHECKING:
    from ..layers.variable import Variable


class Given:
    """What a step is done with.

    Parameters
    ----------
    grads : tuple of arrays or None
    variables : tuple of Variable
    table : dict of id to slots
        That of the optimizer.

    Attributes
    ----------
    grads, asked, table
        As they were given; `grads` is None if one had to be converted.
    gradients, variables, slots : list
        Those that have a gradient.
    bound : object
        What an optimizer makes of it once for all steps, if it does.
    """

    __slots__ = ("asked", "bound", "gradients", "grads", "slots", "table", "variables")

    def __init__(
        self,
        grads: tuple[Any, ...],
        variables: tuple[Variable, ...],
        table: dict[int, Slots],
    ) -> None:
        self.grads: tuple[Any, ...] | None = grads
        self.asked = variables
        self.table = table
        self.gradients: list[np.ndarray] = []
        self.variables: list[Variable] = []
        self.slots: list[Slots] = []
        self.bound: Any = None

    def take(
        self, grads: tuple[Any, ...], variables: tuple[Variable, ...], table: dict[int, Slots]
    ) -> bool:
        """Return whether it is what these would give, and be what they gave."""
        same = (
            table is self.table
            and self.grads is not None
            and _are_same(grads, self.grads)
            and _are_same(variables, self.asked)
        )
        if same:
            self.grads, self.asked = grads, variables
        return same

    def accumulated(self) -> Given:
        """Return the same with the sums of gradients in place of gradients."""
        sums = Given((), self.asked, self.table)
        sums.gradients = [slots["gradient_accumulator"] for slots in self.slots]
        sums.variables, sums.slots = self.variables, self.slots
        return sums


def check(
    name: str, grads: tuple[Any, ...], variables: tuple[Variable, ...], table: dict[int, Slots]
) -> Given:
    """Return the variables that have a gradient, with it as a float32 array of their shape.

    Parameters
    ----------
    name : str
        Of the optimizer.

    Raises
    ------
    ValueError
        Gradients and variables do not fit together, or there is no gradient at all.
    """
    if len(grads) != len(variables):
        raise ValueError(f"{name}: apply: {len(grads)} gradients for {len(variables)} variables.")
    given, missing = Given(grads, variables, table), []
    for gradient, variable in zip(grads, variables, strict=True):
        if id(variable) not in table:
            raise ValueError(
                f"{name}: apply: unknown variable {variable.path}; call build() with all "
                f"variables, or make a new optimizer for another model."
            )
        if gradient is None:
            missing.append(variable.path)
            continue
        before = gradient
        gradient = checks.as_float32(name, f"gradient of {variable.path}", gradient)
        if gradient is not before:
            given.grads = None  # to be converted anew in each step
        if gradient.shape != variable.shape:
            raise ValueError(
                f"{name}: apply: the gradient of {variable.path} must have shape "
                f"{variable.shape}, got {gradient.shape}."
            )
        given.gradients.append(gradient)
        given.variables.append(variable)
        given.slots.append(table[id(variable)])
    if not given.variables:
        raise ValueError(f"{name}: apply: there is no gradient for any variable.")
    if missing:
        warnings.warn(
            f"{name}: no gradient for {', '.join(missing)}; they do not reach the loss.",
            stacklevel=4,
        )
    return given


def _are_same(a: Sequence[Any], b: Sequence[Any]) -> bool:
    """Return whether two sequences hold the very same objects."""
    return len(a) == len(b) and all(map(operator.is_, a, b))
