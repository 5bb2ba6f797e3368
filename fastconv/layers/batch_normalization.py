"""Batch normalization. Ioffe & Szegedy, arXiv:1502.03167."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from .. import initializers, ops
from ..arguments import as_real
from ..ops import checks
from ..ops.axes import AxesLast
from . import arguments, weight_options
from .arguments import Shape
from .layer import Backward, Layer
from .variable import Variable


class BatchNormalization(Layer):
    """Gives each channel mean `beta` and standard deviation `gamma`.

    In training the statistics are those of the batch, and the moving ones follow them; otherwise,
    and when the layer is frozen (`trainable = False`), the moving ones are used.

    Weights: `gamma`, `beta`, `moving_mean`, `moving_variance`, each (C,).

    Parameters
    ----------
    axis : int
        The channels: 1 for images (N, C, H, W).
    momentum : float in [0, 1]
        `moving = moving * momentum + batch * (1 - momentum)`, with the biased variance.
    epsilon : float
        Added to the variance.
    center, scale : bool
        Whether there is a `beta` and a `gamma`.
    beta_initializer, gamma_initializer : str, config or Initializer
    moving_mean_initializer, moving_variance_initializer : str, config or Initializer
    beta_regularizer, gamma_regularizer : str, config or Regularizer
    beta_constraint, gamma_constraint : str, config or Constraint
    synchronized : bool
        Kept for Keras's sake; there is only one replica.
    renorm, renorm_clipping
        Keras's; not supported, leave them None and False.
    renorm_momentum : float
        Kept for Keras's sake.
    """

    config_keys = (
        "axis",
        "momentum",
        "epsilon",
        "center",
        "scale",
        "beta_initializer",
        "gamma_initializer",
        "moving_mean_initializer",
        "moving_variance_initializer",
        "beta_regularizer",
        "gamma_regularizer",
        "beta_constraint",
        "gamma_constraint",
        "synchronized",
        "renorm",
        "renorm_clipping",
        "renorm_momentum",
    )

    #: Whether training uses the statistics of the batch.
    follows_batch = True
    supports_masking = True

    gamma: Variable | None = None
    beta: Variable | None = None
    moving_mean: Variable
    moving_variance: Variable

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: Any = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(axis, (list, tuple)) and len(axis) == 1:
            axis = axis[0]  # as Keras 2 wrote it
        self.axis = checks.as_int(self.where, "axis", axis, minimum=-32)
        self.momentum = as_real(self.where, "momentum", momentum, 0, 1)
        self.epsilon = as_real(self.where, "epsilon", epsilon, 0)
        self.center = bool(center)
        self.scale = bool(scale)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        weight_options.keep(self, "beta", beta_initializer, beta_regularizer, beta_constraint)
        weight_options.keep(self, "gamma", gamma_initializer, gamma_regularizer, gamma_constraint)
        arguments.only(self.where, "renorm", renorm, False)
        arguments.only(self.where, "renorm_clipping", renorm_clipping, None)
        self.renorm_clipping = None
        self.renorm = False
        self.renorm_momentum = renorm_momentum
        self.synchronized = bool(synchronized)

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if it has the axis, with the size it was built for."""
        axes = arguments.resolve_axes(self.where, self.axis, input_shape)
        if self.built:
            arguments.check_sizes(self.where, input_shape, axes, self.moving_mean.shape)
        return input_shape

    def create_weights(self, input_shape: Shape) -> None:
        """Create gamma, beta and the moving statistics for the number of channels."""
        axes = arguments.resolve_axes(self.where, self.axis, input_shape)
        shape = arguments.known_sizes(self.where, input_shape, axes)
        if self.scale:
            self.gamma = weight_options.add(self, "gamma", shape)
        if self.center:
            self.beta = weight_options.add(self, "beta", shape)
        self.moving_mean = self.add_weight(
            "moving_mean", shape, self.moving_mean_initializer, trainable=False
        )
        self.moving_variance = self.add_weight(
            "moving_variance", shape, self.moving_variance_initializer, trainable=False
        )

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the normalized `x`; when training, update the moving statistics."""
        gamma = None if self.gamma is None else self.gamma.value
        beta = None if self.beta is None else self.beta.value
        axes = AxesLast(x.ndim, [self.axis % x.ndim])
        x = axes.move(x)
        # A batch of no samples has no statistics.
        if training and self.trainable and self.follows_batch and x.size:
            y, mean, variance = ops.batch_norm_train(x, gamma, beta, self.epsilon)
            self.follow(mean, variance)
            gradients = ops.batch_norm_backward
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
            y = ops.batch_norm(x, gamma, beta, mean, variance, self.epsilon)
            gradients = ops.batch_norm_inference_backward
        if not training:
            return axes.back(y), None

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            dx, dgamma, dbeta = gradients(axes.move(dy), x, gamma, mean, variance, self.epsilon)
            if self.gamma is not None and self.learns(self.gamma):
                self.gamma.add_grad(dgamma)
            if self.beta is not None and self.learns(self.beta):
                self.beta.add_grad(dbeta)
            return axes.back(dx) if need_dx else None

        return axes.back(y), backward

    def channels_last_twin(self) -> Layer | None:
        """Return a layer that shares the weights and does the same along the last axis."""
        if self.axis != 1:
            return None
        twin = copy.copy(self)
        twin.axis = -1
        return twin

    def in_inference(self) -> Layer:
        """Return a layer that shares the weights and always uses the moving statistics."""
        clone = copy.copy(self)
        clone.follows_batch = False
        return clone

    def follow(self, mean: np.ndarray, variance: np.ndarray) -> None:
        """Move the moving statistics towards those of a batch."""
        keep = np.float32(self.momentum)
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving.value * keep + batch * (1 - keep))
