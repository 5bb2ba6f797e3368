"""ImageLayer: what layers with spatial axes share, and the one place that knows "channels_first".

Everything is computed on arrays (N, *spatial, C). Arrays (N, C, *spatial) are brought to that order
before, and back afterwards; weights have the same shapes in both.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .. import backend
from ..ops import checks
from ..ops.axes import AxesLast
from ..ops.shapes import AXES
from .arguments import Shape
from .layer import Backward, Layer

#: `compute(x, training)`, as `Layer.forward`, for arrays whose channels are last.
Compute = Callable[[np.ndarray, bool], "tuple[np.ndarray, Backward | None]"]


class ImageLayer(Layer):
    """Base of layers for sequences, images and volumes.

    A subclass says how many spatial axes it takes, calls `set_data_format` if it has that argument,
    and defines `compute` and `infer_last` for arrays whose channels are last.
    """

    #: Number of spatial axes, None for any.
    spatial_rank: ClassVar[int | None] = 2
    #: Whether the output has the axes of the input; else it is (N, C), alike in both formats.
    keeps_axes = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_data_format("channels_last")

    def set_data_format(self, data_format: Any) -> None:
        """Check and keep the order of axes; None stands for the default of `fastconv.backend`."""
        self.data_format = backend.check_data_format(self.where, data_format)
        self.channels_first = self.data_format == "channels_first"
        self.channel_axis = 1 if self.channels_first else -1
        if self.spatial_rank is not None:
            axes = [name for _, name in AXES[self.spatial_rank]]
            axes.insert(0 if self.channels_first else len(axes), "channels")
            self.input_rank = len(axes) + 1
            self.input_axes = f"(batch, {', '.join(axes)})"

    def channels_last_twin(self) -> Layer | None:
        """Return a layer that shares the weights and does the same with channels last."""
        if not self.channels_first:
            return None
        twin = copy.copy(self)
        twin.set_data_format("channels_last")
        return twin

    def infer_shape(self, input_shape: Shape) -> Shape:
        """Return the output shape in the layer's data format."""
        shape = self.infer_last(self.last(input_shape))
        return (shape[0], shape[-1], *shape[1:-1]) if self.channels_first else shape

    def last(self, shape: Shape) -> Shape:
        """Return a shape of the layer's data format with its channels last."""
        if self.channels_first and len(shape) > 1:
            return (shape[0], *shape[2:], shape[1])
        return shape

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return the output shape for an input shape, both with channels last."""
        return input_shape

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the output in the layer's data format."""
        return self.in_data_format(self.compute, x, training)

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Do what `forward` does, with channels last."""
        raise checks.must_define(self, "compute(x, training)")

    def in_data_format(
        self, compute: Compute, x: np.ndarray, training: bool
    ) -> tuple[np.ndarray, Backward | None]:
        """Return what `compute` gives, and takes back, with the axes in the layer's order."""
        if not self.channels_first or x.ndim < 2:
            return compute(x, training)
        given = AxesLast(x.ndim, [1])
        y, inner = compute(given.move(x), training)
        result = AxesLast(y.ndim, [1])
        if inner is None:
            return result.back(y), None
        backward = inner

        def channels_first_backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            dx = backward(result.move(dy), need_dx=need_dx)
            return None if dx is None else given.back(dx)

        return result.back(y), channels_first_backward
