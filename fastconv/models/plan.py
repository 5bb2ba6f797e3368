"""Plan: the layers of a model in the order they run, with what is the same for every batch.

    infer:  x -> layer -> layer -> ... -> y
    train:  x -> layer -> layer -> ... -> y, and a stack of closures that takes dy back down

Training goes back only to the first layer that learns: below it no gradient is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..layers import Activation, Layer, MaxPooling2D, Variable
from ..layers.weighted import KernelLayer

Backward = Callable[..., "np.ndarray | None"]


class Plan:
    """A stack of layers, ready to run.

    Parameters
    ----------
    layers : sequence of Layer
        Without containers: a model within a model is given as its layers.
    fused : bool
        Leave out the last activation, for a loss that has it built in.
    to_input : bool
        Take gradients back to the input, not only to the first layer that learns.

    Attributes
    ----------
    variables : list of Variable
        What training changes, each once.
    """

    def __init__(
        self, layers: Sequence[Layer], fused: bool = False, to_input: bool = False
    ) -> None:
        self.layers = _relu_after_pooling(list(layers))
        self.fused = fused
        if fused:
            self.layers[-1] = self.layers[-1].without_activation()
        unique = {id(v): v for layer in self.layers for v in layer.trainable_weights}
        self.variables: list[Variable] = list(unique.values())
        learning = [i for i, layer in enumerate(self.layers) if layer.trainable_weights]
        self._to_input = to_input
        self._lowest = 0 if to_input else min(learning, default=len(self.layers))
        self._regularized = [
            layer
            for layer in self.layers
            if any(variable.regularizer is not None for variable in layer.trainable_weights)
        ]

    def infer(self, x: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the output for a batch, and the activity penalty."""
        penalty = 0.0
        for layer in self.layers:
            x, _ = layer.forward(x, False)
            if layer.activity_regularizer is not None and len(x):
                penalty += layer.activity_regularizer(x) / len(x)
        return x, penalty

    def train(
        self, x: np.ndarray
    ) -> tuple[np.ndarray, float, Callable[[np.ndarray], np.ndarray | None]]:
        """Return the output for a batch, the activity penalty, and what takes gradients back.

        The last is a function of the loss's gradient by the output, and returns that by the input
        if the plan goes there. It works once: what a layer remembers for it is freed as it goes,
        so that memory falls while gradients are computed.
        """
        penalty = 0.0
        tape: list[Backward] = []
        for i, layer in enumerate(self.layers):
            x, backward = layer.forward(x, True)
            if layer.activity_regularizer is not None and len(x):
                penalty += layer.activity_regularizer(x) / len(x)
                backward = _with_activity_penalty(backward, layer.activity_regularizer, x)
            if i >= self._lowest:
                assert backward is not None
                tape.append(backward)

        def take_back(dy: np.ndarray) -> np.ndarray | None:
            dx: np.ndarray | None = dy
            while tape:
                backward = tape.pop()
                dx = backward(dx, need_dx=self._to_input or bool(tape))
            return dx

        return x, penalty, take_back

    def weight_penalty(self) -> float:
        """Return the sum of the penalties on weights."""
        return sum((layer.regularization_loss() for layer in self._regularized), 0.0)

    def add_weight_penalty_gradients(self) -> None:
        """Add the gradients of `weight_penalty` to those of the variables."""
        for layer in self._regularized:
            layer.add_regularization_gradients()


def _relu_after_pooling(layers: list[Layer]) -> list[Layer]:
    """Move relu behind the max-pooling that follows it: the same bits from fewer elements.

    The largest of some relus is the relu of the largest; where that is positive, its place is the
    same too, and elsewhere no gradient passes.
    """
    moved: list[Layer] = []
    for layer in layers:
        before = moved[-1] if moved else None
        if (
            isinstance(layer, MaxPooling2D)
            and isinstance(before, KernelLayer)
            and before.activation_name == "relu"
            and before.activity_regularizer is None
            and layer.activity_regularizer is None
        ):
            moved[-1:] = [before.without_activation(), layer, Activation("relu", name="relu")]
        else:
            moved.append(layer)
    return moved


def _with_activity_penalty(
    backward: Backward | None, regularizer: Callable[..., float], y: np.ndarray
) -> Backward:
    """Return a layer's `backward` that also goes back from the penalty of its output `y`."""
    assert backward is not None
    inner = backward

    def with_penalty(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
        gradient = regularizer.gradient(y)  # type: ignore[attr-defined]
        return inner(dy + gradient / np.float32(len(y)), need_dx=need_dx)

    return with_penalty
