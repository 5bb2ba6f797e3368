"""PReLU: a rectifier that learns its slopes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checks
from . import arguments, weight_options
from .arguments import Shape
from .layer import Backward, Layer
from .variable import Variable


class PReLU(Layer):
    """Rectifier whose slopes for negative x are learned. He et al., arXiv:1502.01852.

    Weights: `alpha`, shaped like one sample, with 1 for the shared axes.

    Parameters
    ----------
    alpha_initializer : str, config or Initializer
    alpha_regularizer : str, config or Regularizer
    alpha_constraint : str, config or Constraint
    shared_axes : int or list of int, optional
        Axes of the input along which there is one slope: [1, 2] gives one per channel of images.
    """

    config_keys = ("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes")

    alpha: Variable
    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        weight_options.keep(self, "alpha", alpha_initializer, alpha_regularizer, alpha_constraint)
        axes = None if shared_axes is None else np.atleast_1d(shared_axes).tolist()
        self.shared_axes = axes and [
            checks.as_int(self.where, "shared_axes", axis) for axis in axes
        ]

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the input shape, if it has the axes, with the sizes that it was built for."""
        own = [axis for axis in range(1, len(input_shape)) if axis not in (self.shared_axes or ())]
        if self.shared_axes and max(self.shared_axes) >= len(input_shape):
            raise ValueError(
                f"{self.where}: shared_axes must be below {len(input_shape)}, the number of input "
                f"axes, got {self.shared_axes} for input shape {input_shape}."
            )
        if self.built:
            if len(input_shape) != self.alpha.value.ndim + 1:
                raise ValueError(
                    f"{self.where}: input must have {self.alpha.value.ndim + 1} axes, as when the "
                    f"layer was built, got shape {input_shape}."
                )
            sizes = tuple(self.alpha.shape[axis - 1] for axis in own)
            arguments.check_sizes(self.where, input_shape, own, sizes)
        return input_shape

    def create_weights(self, input_shape: Shape) -> None:
        """Create alpha for the sizes of the axes that do not share it."""
        shared = self.shared_axes or ()
        own = [axis for axis in range(1, len(input_shape)) if axis not in shared]
        sizes = dict(zip(own, arguments.known_sizes(self.where, input_shape, own), strict=True))
        shape = [sizes.get(axis, 1) for axis in range(1, len(input_shape))]
        self.alpha = weight_options.add(self, "alpha", shape)

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return x where x > 0, else alpha * x."""
        alpha = self.alpha.value
        y = np.where(x > 0, x, alpha * x)
        if not training:
            return y, None
        shared = tuple(i for i, size in enumerate((1, *alpha.shape)) if size == 1)

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            if self.learns(self.alpha):
                below = dy * np.minimum(x, np.float32(0))
                dalpha = below.sum(shared, np.float64).astype(np.float32)
                self.alpha.add_grad(dalpha.reshape(alpha.shape))
            # At 0 the slope is 0, as in Keras, where both parts are a relu.
            if not need_dx:
                return None
            return np.where(x > 0, dy, np.where(x < 0, alpha * dy, np.float32(0)))

        return y, backward
