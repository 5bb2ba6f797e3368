"""Rules of pooling layers: maxima and means of windows."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ...ops import bound
from ..buffers import Buffer
from ..lowering import Backward, Builder, together
from ..program import Step


class Maxima(NamedTuple):
    """What the maxima of windows are written to, and how.

    Attributes
    ----------
    y, argmax : Buffer
        No argmax where no gradient is asked for.
    geometry : see ops.bound
    name, code : of the activation behind them
    """

    y: Buffer
    argmax: Buffer | None
    geometry: bound.Geometry
    name: str | None
    code: int

    @property
    def written(self) -> list[Buffer]:
        """The buffers."""
        return [self.y] if self.argmax is None else [self.y, self.argmax]

    def arrays(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the arrays, once memory is laid out."""
        return self.y.array, None if self.argmax is None else self.argmax.array


def maxima(b: Builder, step: Step, taped: bool) -> Maxima | None:
    """Return what a max-pooling writes, None if it has no kernel."""
    layer: Any = step.layer
    x = b.value(step)
    if layer.channels_first or math.prod(layer.pool_size) > bound.MOST_SMALL_POSITIONS:
        return None
    shape = layer.compute_output_shape(x.shape)
    y = b.result(step, shape)
    b.free.add(step.output)
    argmax = b.new(shape, np.int8) if taped else None
    geometry = bound.pooling_geometry(x.shape, **layer.geometry)
    return Maxima(y, argmax, geometry, *b.activation_behind(step))


def max_pooling(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower the maxima of windows, with the relu behind them."""
    m = b.pooled.get(step.output)
    if m is None:
        m = maxima(b, step, taped)
        if m is None:
            return None
        x = b.value(step)
        b.emit(
            step,
            together("forward", m.name),
            [x],
            m.written,
            lambda: bound.max_pool2d(x.array, *m.arrays(), m.geometry, m.code),
        )
    argmax, geometry = m.argmax, m.geometry

    def backward(dy: Buffer) -> None:
        assert argmax is not None
        positions = argmax
        b.gradient(
            step,
            step.inputs[0],
            lambda dx: b.emit(
                step,
                "input gradient",
                [dy, positions],
                [dx],
                lambda: bound.max_pool2d_backward(dy.array, positions.array, dx.array, geometry),
            ),
        )

    return backward


def average_pooling(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower the means of windows."""
    layer: Any = step.layer
    if layer.channels_first:
        return None
    x = b.value(step)
    y = b.result(step, layer.compute_output_shape(x.shape))
    return _average(b, step, y, bound.pooling_geometry(x.shape, **layer.geometry), y.shape)


def global_average_pooling(b: Builder, step: Step, taped: bool) -> Backward | None:
    """Lower the means of whole images."""
    layer: Any = step.layer
    if layer.channels_first:
        return None
    x = b.value(step)
    n, height, width, channels = x.shape
    y = b.result(step, layer.compute_output_shape(x.shape))
    return _average(b, step, y, (height, width, height, width, 0, 0), (n, 1, 1, channels))


def _average(
    b: Builder, step: Step, y: Buffer, geometry: bound.Geometry, shape: tuple[int, ...]
) -> Backward:
    """Emit the means of windows; `shape` is that of y with all its axes."""
    x = b.value(step)
    b.free.add(step.output)
    b.emit(
        step,
        "forward",
        [x],
        [y],
        lambda: bound.average_pool2d(x.array, y.array.reshape(shape), geometry),
    )

    def backward(dy: Buffer) -> None:
        b.gradient(
            step,
            step.inputs[0],
            lambda dx: b.emit(
                step,
                "input gradient",
                [dy],
                [dx],
                lambda: bound.average_pool2d_backward(dy.array.reshape(shape), dx.array, geometry),
            ),
        )

    return backward
