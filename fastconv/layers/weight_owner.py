"""WeightOwner: what a layer's weights are made, listed, frozen, read and written with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .. import constraints, initializers, regularizers, serialization
from ..ops import checks
from . import budget
from .variable import Variable

if TYPE_CHECKING:
    from .layer import Layer


class WeightOwner(serialization.Configurable):
    """Base of `Layer`: the part that is about weights."""

    name: str
    built: bool
    #: Weights that any layer ever got: what is prepared for some is made anew when this has moved.
    weights_added: ClassVar[int] = 0

    _trainable: bool
    _trainable_variables: list[Variable]
    _other_variables: list[Variable]

    @property
    def where(self) -> str:
        """How messages name the layer: `Conv2D "conv1"`."""
        return f'{type(self).__name__} "{self.name}"'

    def add_weight(
        self,
        name: str,
        shape: Sequence[int] = (),
        initializer: Any = "glorot_uniform",
        regularizer: Any = None,
        trainable: bool = True,
        constraint: Any = None,
    ) -> Variable:
        """Create a weight, and return it.

        Raises
        ------
        ValueError
            It is larger than this machine's memory, or an initializer gives another shape.
        """
        allowed = budget.current()
        if allowed is not None:
            allowed.take(self.where, name, shape)
            initializer = "zeros"
        budget.check_memory(self.where, name, shape)
        init = initializers.get(initializer)
        value = checks.as_float32(self.where, name, init(tuple(shape), dtype="float32"))
        if value.shape != tuple(shape):
            raise ValueError(
                f"{self.where}: the initializer of {name} must give shape {tuple(shape)}, "
                f"got {value.shape}."
            )
        variable = Variable(
            value,
            name,
            path=f"{self.name}/{name}",
            trainable=trainable,
            regularizer=regularizers.get(regularizer),
            constraint=constraints.get(constraint),
        )
        WeightOwner.weights_added += 1
        (self._trainable_variables if trainable else self._other_variables).append(variable)
        return variable

    @property
    def own_weights(self) -> list[Variable]:
        """What files keep under this layer's name, and not under that of a layer within it."""
        return [*self._trainable_variables, *self._other_variables]

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets it for the layers within too."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.sublayers():
            layer.trainable = self._trainable

    def sublayers(self) -> list[Layer]:
        """Return the layers that this one is made of, in the order they were assigned."""
        raise checks.must_define(self, "sublayers()")

    @property
    def weights(self) -> list[Variable]:
        """All weights: those made trainable, then the others, each in order of creation.

        The weights of layers within come after the layer's own.
        """
        return self._with_inner(self.own_weights, lambda layer: layer.weights)

    @property
    def variables(self) -> list[Variable]:
        """The same as `weights`."""
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that training changes; none if the layer is frozen."""
        own = [v for v in self._trainable_variables if self.learns(v)]
        return self._with_inner(own, lambda layer: layer.trainable_weights)

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`."""
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Weights that training leaves alone."""
        frozen = [v for v in self.own_weights if not self.learns(v)]
        return self._with_inner(frozen, lambda layer: layer.non_trainable_weights)

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The same as `non_trainable_weights`."""
        return self.non_trainable_weights

    def _with_inner(
        self, own: list[Variable], of: Callable[[Layer], list[Variable]]
    ) -> list[Variable]:
        """Return own weights and those of the layers within, each once."""
        inner = self.sublayers()
        if not inner:
            return own
        every = [*own, *(variable for layer in inner for variable in of(layer))]
        return list({id(variable): variable for variable in every}.values())

    def get_weights(self) -> list[np.ndarray]:
        """Return copies of the weights, in the order of `weights`."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Copy arrays into the weights, in the order of `weights`; all or none.

        Raises
        ------
        ValueError
            Their number or a shape does not fit.
        """
        own = self.weights
        new = [checks.as_float32(self.where, "a weight", value) for value in weights]
        if len(new) != len(own):
            hint = "" if self.built else " Build the layer first."
            raise ValueError(
                f"{self.where}: set_weights needs {len(own)} arrays, got {len(new)}.{hint}"
            )
        for variable, value in zip(own, new, strict=True):
            if value.shape != variable.shape:
                raise ValueError(
                    f"{self.where}: {variable.path} must have shape {variable.shape}, "
                    f"got {value.shape}."
                )
        for variable, value in zip(own, new, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """Return how many numbers the weights hold.

        Raises
        ------
        ValueError
            The layer is not built.
        """
        if not self.built:
            raise ValueError(f"{self.where}: build the layer before count_params().")
        return sum(variable.value.size for variable in self.weights)

    def learns(self, variable: Variable | None) -> bool:
        """Return whether `backward` has to compute the gradient of this weight."""
        return variable is not None and self.trainable and variable.trainable

    def regularization_loss(self) -> float:
        """Return the sum of the penalties on trainable weights."""
        return sum((v.regularizer(v.value) for v in self._regularized()), 0.0)

    def add_regularization_gradients(self) -> None:
        """Add the gradients of `regularization_loss` to the weights' gradients."""
        for variable in self._regularized():
            variable.add_grad(variable.regularizer.gradient(variable.value))

    def _regularized(self) -> list[Variable]:
        return [v for v in self.trainable_weights if v.regularizer is not None]
