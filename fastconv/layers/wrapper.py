"""Layers around another layer: Wrapper, TimeDistributed, SpectralNormalization."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from .. import initializers, ops
from ..ops import checks
from .arguments import Shape
from .layer import Backward, Layer
from .variable import Variable


class Wrapper(Layer):
    """Base of layers around another one, whose weights are theirs too.

    Parameters
    ----------
    layer : Layer
    """

    config_keys: ClassVar[tuple[str, ...]] = ("layer",)

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            name = layer.__name__ if isinstance(layer, type) else type(layer).__name__
            hint = f" Did you forget the parentheses: {name}(...)?" * isinstance(layer, type)
            raise ValueError(f"{type(self).__name__}: layer must be a layer, got {name}.{hint}")
        super().__init__(**kwargs)
        self.layer = layer
        if not self.trainable:
            layer.trainable = False
        if self.activity_regularizer is None:
            self.activity_regularizer = layer.activity_regularizer

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Return a new wrapper around a new layer."""
        from . import registry  # which knows this class

        return super().from_config({**config, "layer": registry.get(config["layer"])})

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        config = super().get_config()
        if self.activity_regularizer is self.layer.activity_regularizer:
            config.pop("activity_regularizer", None)  # it is in the layer's
        return config

    # Shapes and weights are those of the layer.

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the layer's output shape."""
        return self.layer.compute_output_shape(input_shape)

    def create_weights(self, input_shape: Shape) -> None:
        """Build the layer."""
        self.layer.build(input_shape)

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the layer's output."""
        return self.layer.forward(x, training)

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets it for the layer."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        if "layer" in vars(self):
            self.layer.trainable = self._trainable

    @property
    def weights(self) -> list[Variable]:
        """The wrapper's own weights, then the layer's."""
        return _unique([*super().weights, *self.layer.weights])

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that training changes; none if the wrapper is frozen."""
        own = [v for v in super().weights if self.learns(v)]
        return _unique([*own, *self.layer.trainable_weights]) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Weights that training leaves alone."""
        learning = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in learning]

    @property
    def activation_name(self) -> str | None:
        """Name of the layer's activation."""
        return self.layer.activation_name

    def without_activation(self) -> Layer:
        """Return a wrapper around the layer without its activation."""
        clone = copy.copy(self)
        vars(clone)["layer"] = self.layer.without_activation()
        return clone


def _unique(variables: list[Variable]) -> list[Variable]:
    return list({id(v): v for v in variables}.values())


def _penalizes_within(layer: Layer) -> bool:
    """Return whether a layer within a model has a penalty on its output."""
    return layer.graph is not None and any(
        inner.activity_regularizer is not None or _penalizes_within(inner)
        for inner in layer.graph.layers
    )


class TimeDistributed(Wrapper):
    """Applies a layer to each step of (N, T, ...): steps are samples of a batch of N * T.

    A layer that looks at its batch sees all steps at once: where Keras normalizes step after step,
    a BatchNormalization in here takes its statistics over all of them.

    Parameters
    ----------
    layer : Layer

    Raises
    ------
    ValueError
        `layer` is a model with an activity_regularizer in it.
    """

    supports_masking = True

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return (N, T) with the layer's output shape of a step."""
        if len(input_shape) < 3:
            raise ValueError(
                f"{self.where}: input must have shape (batch, steps, ...), at least 3 axes, got "
                f"{input_shape}."
            )
        step = self.layer.compute_output_shape((None, *input_shape[2:]))
        return (*input_shape[:2], *step[1:])

    def create_weights(self, input_shape: Shape) -> None:
        """Build the layer for a step."""
        self.layer.build((None, *input_shape[2:]))
        if _penalizes_within(self.layer):
            raise ValueError(
                f"{self.where}: the activity_regularizer of a layer within {self.layer.where} "
                f"would not count here; leave it out, or wrap that layer by itself."
            )

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the layer's output for all steps."""
        n, steps = x.shape[:2]
        y, inner = self.layer.forward(x.reshape(n * steps, *x.shape[2:]), training)
        result = y.reshape(n, steps, *y.shape[1:])
        if inner is None:
            return result, None
        step_backward = inner

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            dx = step_backward(dy.reshape(y.shape), need_dx=need_dx)
            return None if dx is None else dx.reshape(x.shape)

        return result, backward


class SpectralNormalization(Wrapper):
    """Keeps the spectral norm of a layer's kernel at 1, for steady training of GANs.

    Each training step divides the kernel by its largest singular value, found by power iteration:
    Miyato et al., arXiv:1802.05957. Weights: the layer's kernel, `vector_u` (1, columns), which is
    not trained, and the other ones of the layer.

    Parameters
    ----------
    layer : Layer
        With a `kernel` or `embeddings`.
    power_iterations : int
    """

    config_keys = ("layer", "power_iterations")

    kernel: Variable
    vector_u: Variable

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.power_iterations = checks.as_int(self.where, "power_iterations", power_iterations)

    def create_weights(self, input_shape: Shape) -> None:
        """Build the layer, and create the singular vector."""
        self.layer.build(input_shape)
        for name in ("kernel", "embeddings"):
            if isinstance(getattr(self.layer, name, None), Variable):
                self.kernel = getattr(self.layer, name)
                break
        else:
            raise ValueError(
                f"{self.where}: the layer must have a kernel or embeddings, which "
                f"{self.layer.where} has not."
            )
        self._trainable_variables.append(self.kernel)  # an own weight too, as in Keras's files
        start = initializers.TruncatedNormal(stddev=0.02)
        shape = (1, self.kernel.shape[-1])
        self.vector_u = self.add_weight("vector_u", shape, start, trainable=False)

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the layer's output; when training, normalize its kernel first."""
        if training and self.kernel.value.any():
            self._normalize()
        return self.layer.forward(x, training)

    def _normalize(self) -> None:
        matrix = self.kernel.value.reshape(-1, self.kernel.shape[-1])
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, matrix.T))
            u = _unit(ops.matmul(v, matrix))
        sigma = ops.matmul(ops.matmul(v, matrix), u.T)
        self.vector_u.assign(u)
        self.kernel.assign(self.kernel.value / sigma)


def _unit(row: np.ndarray) -> np.ndarray:
    """Return a row of length 1, or of nothing but zeros."""
    length = np.sqrt(ops.sum_of_squares(row))
    return row * np.float32(1 / max(length, 1e-7))
