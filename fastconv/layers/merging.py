"""Layers of several inputs: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot.

The elementwise ones broadcast: axes of size 1 are repeated, and an input with fewer axes gets axes
of size 1 behind the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from ..ops import checks, merging
from .arguments import Shape
from .layer import Backward, Layer

#: dy -> gradient of each input
Gradients = Callable[[np.ndarray], list[np.ndarray]]


class Merge(Layer):
    """Base of elementwise merging layers. A subclass defines `merge`."""

    takes_list = True
    supports_masking = True
    #: Number of inputs, if it is fixed.
    input_count: ClassVar[int | None] = None

    @property
    def is_elementwise(self) -> bool:
        """Whether the order of axes does not matter: for inputs of one rank."""
        return True

    def infer_shape(self, input_shape: Any) -> Shape:
        """Return the shape that all inputs are broadcast to."""
        shapes: Sequence[Shape] = input_shape
        count = len(shapes)
        if count < 1 or self.input_count not in (None, count):
            wanted = f"exactly {self.input_count}" if self.input_count else "at least 1"
            raise ValueError(f"{self.where}: needs a list of {wanted} inputs, got {count}.")
        rest: list[int | None] = []
        batch: int | None = None
        for shape in shapes:
            if not shape:
                raise ValueError(f"{self.where}: inputs need a batch axis, got shape ().")
            batch = _common(self.where, shapes, batch, shape[0], repeat=False)
            sizes = list(shape[1:])
            missing = len(rest) - len(sizes)
            sizes = [*[1] * missing, *sizes]
            rest = [*[1] * -missing, *rest]
            rest = [
                _common(self.where, shapes, a, b, repeat=True)
                for a, b in zip(rest, sizes, strict=True)
            ]
        return batch, *rest

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return where all inputs that have a mask are valid."""
        masks = [m for m in mask or () if m is not None]
        return np.logical_and.reduce(np.broadcast_arrays(*masks)) if masks else None

    def forward(self, x: Any, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the inputs, broadcast and merged."""
        given: list[tuple[int, ...]] = [a.shape for a in x]
        rank = max(a.ndim for a in x)
        xs = [
            a if a.ndim == rank else a.reshape(a.shape[0], *(1,) * (rank - a.ndim), *a.shape[1:])
            for a in x
        ]
        y, gradients = self.merge(xs)
        if not training:
            return y, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> Any:
            if not need_dx:
                return None
            return [dx.reshape(shape) for dx, shape in zip(gradients(dy), given, strict=True)]

        return y, backward

    def merge(self, xs: list[np.ndarray]) -> tuple[np.ndarray, Gradients]:
        """Return the merged arrays, all of one rank, and the function from dy to gradients."""
        raise checks.must_define(self, "merge(xs)")


def _common(
    where: str, shapes: Sequence[Shape], a: int | None, b: int | None, repeat: bool
) -> int | None:
    """Return the size that two sizes of an axis are broadcast to."""
    if a == b:
        return a
    if repeat and 1 in (a, b):
        return b if a == 1 else a
    if a is None or b is None:
        return (b if a is None else a) if not repeat else None
    listed = ", ".join(str(tuple(shape)) for shape in shapes)
    raise ValueError(f"{where}: inputs have incompatible shapes: {listed}.")


class Add(Merge):
    """Sum of the inputs."""

    def merge(self, xs: list[np.ndarray]) -> tuple[np.ndarray, Gradients]:
        """Return x0 + x1 + ..."""
        shapes = [x.shape for x in xs]
        return merging.add_all(xs), lambda dy: [merging.unbroadcast(dy, s) for s in shapes]


class Subtract(Merge):
    """First input minus the second."""

    input_count = 2

    def merge(self, xs: list[np.ndarray]) -> tuple[np.ndarray, Gradients]:
        """Return x0 - x1."""
        a, b = (x.shape for x in xs)
        return xs[0] - xs[1], lambda dy: [
            merging.unbroadcast(dy, a),
            merging.unbroadcast(-dy, b),
        ]


class Multiply(Merge):
    """Product of the inputs."""

    def merge(self, xs: list[np.ndarray]) -> tuple[np.ndarray, Gradients]:
        """Return x0 * x1 * ..."""
        return merging.multiply_all(xs), lambda dy: merging.multiply_backward(dy, xs)


class Average(Merge):
    """Mean of the inputs."""

    def merge(self, xs: list[np.ndarray]) -> tuple[np.ndarray, Gradients]:
        """Return (x0 + x1 + ...) / n."""
        shapes = [x.shape for x in xs]
        count = np.float32(len(xs))
        return merging.add_all(xs) / count, lambda dy: [
            merging.unbroadcast(dy / count, s) for s in shapes
        ]


class Maximum(Merge):
    """Largest of the inputs, element by element."""

    largest: ClassVar[bool] = True

    def merge(self, xs: list[np.ndarray]) -> tuple[np.ndarray, Gradients]:
        """Return the extreme of all inputs; where two are equal, they share the gradient."""
        largest = self.largest
        return merging.extreme(xs, largest), lambda dy: merging.extreme_backward(dy, xs, largest)


class Minimum(Maximum):
    """Smallest of the inputs, element by element."""

    largest = False


class Concatenate(Layer):
    """Puts inputs one after the other along an axis; the other axes must agree.

    Parameters
    ----------
    axis : int
        Counted with the batch axis, which it cannot be.
    """

    takes_list = True
    supports_masking = True
    config_keys = ("axis",)

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = checks.as_int(self.where, "axis", axis, minimum=-32)

    def infer_shape(self, input_shape: Any) -> Shape:
        """Return the shape with the sizes along the axis added up."""
        shapes: Sequence[Shape] = input_shape
        if not shapes:
            raise ValueError(f"{self.where}: needs a list of at least 1 input, got 0.")
        rank = len(shapes[0])
        axis = self.axis + rank if self.axis < 0 else self.axis
        listed = ", ".join(str(tuple(shape)) for shape in shapes)
        if not 0 < axis < rank:
            raise ValueError(
                f"{self.where}: axis must be one of 1..{rank - 1} for inputs of shape {listed}, "
                f"got {self.axis}."
            )
        result: list[int | None] = list(shapes[0])
        for shape in shapes[1:]:
            if len(shape) != rank:
                raise ValueError(f"{self.where}: inputs must have the same rank, got {listed}.")
            for i, (a, b) in enumerate(zip(result, shape, strict=True)):
                if i == axis:
                    result[i] = None if a is None or b is None else a + b
                elif None not in (a, b) and a != b:
                    raise ValueError(
                        f"{self.where}: inputs may only differ along axis {axis}, got shapes "
                        f"{listed}."
                    )
                else:
                    result[i] = b if a is None else a
        return tuple(result)

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return the masks of the inputs, one after the other; all is valid where there is none."""
        masks = list(mask or ())
        if all(m is None for m in masks):
            return None
        axis = self.axis + x[0].ndim if self.axis < 0 else self.axis
        rank = max(m.ndim for m in masks if m is not None)
        full = [
            np.ones(a.shape[:rank], bool) if m is None else m for a, m in zip(x, masks, strict=True)
        ]
        if axis < rank:
            return np.concatenate(full, axis)
        return np.logical_and.reduce(full)

    def channels_last_twin(self) -> Layer | None:
        """Return a layer that does the same along the last axis."""
        return Concatenate(name=self.name) if self.axis == 1 else None

    def forward(self, x: Any, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the inputs as one array."""
        xs: list[np.ndarray] = x
        y = np.concatenate(xs, self.axis)
        if not training:
            return y, None
        axis = self.axis
        edges = np.cumsum([a.shape[axis] for a in xs])

        def backward(dy: np.ndarray, need_dx: bool = True) -> Any:
            if not need_dx:
                return None
            return [np.ascontiguousarray(part) for part in np.split(dy, edges[:-1], axis)]

        return y, backward


class Dot(Layer):
    """Sums products of two inputs over one axis of each, sample by sample.

    Parameters
    ----------
    axes : int or pair of int
        The summed axis of each input, counted with the batch axis, which it cannot be.
    normalize : bool
        Divide vectors along these axes by their length first: the result is the cosine.
    """

    takes_list = True
    supports_masking = True
    config_keys = ("axes", "normalize")

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(axes, (list, tuple)):
            self.axes: Any = tuple(
                checks.as_int(self.where, "axes", axis, minimum=-32) for axis in axes
            )
            if len(self.axes) != 2:
                raise ValueError(f"{self.where}: axes must be one or two integers, got {axes!r}.")
        else:
            self.axes = checks.as_int(self.where, "axes", axes, minimum=-32)
        self.normalize = bool(normalize)

    def infer_shape(self, input_shape: Any) -> Shape:
        """Return (N, rest of the first, rest of the second), at least (N, 1)."""
        shapes: Sequence[Shape] = input_shape
        if len(shapes) != 2:
            raise ValueError(f"{self.where}: needs a list of exactly 2 inputs, got {len(shapes)}.")
        a, b = shapes
        i, j = self._axes(len(a), len(b))
        if None not in (a[i], b[j]) and a[i] != b[j]:
            raise ValueError(
                f"{self.where}: inputs of shapes {a}, {b} must agree in size along axes {i} and "
                f"{j}, got {a[i]} and {b[j]}."
            )
        batch = b[0] if a[0] is None else a[0]
        rest = [n for k, n in enumerate(a) if k not in (0, i)]
        rest += [n for k, n in enumerate(b) if k not in (0, j)]
        return batch, *(rest or [1])

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Return None: the result has no steps."""
        return None

    def forward(self, x: Any, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the sums of products."""
        a, b = x
        i, j = axes = self._axes(a.ndim, b.ndim)
        if self.normalize:
            (a, a_inverse), (b, b_inverse) = merging.unit_length(a, i), merging.unit_length(b, j)
        y = merging.dot(a, b, axes)
        inner_shape = y.shape
        if y.ndim == 1:
            y = y[:, None]
        if not training:
            return y, None

        def backward(dy: np.ndarray, need_dx: bool = True) -> Any:
            if not need_dx:
                return None
            da, db = merging.dot_backward(dy.reshape(inner_shape), a, b, axes)
            if self.normalize:
                da = merging.unit_length_backward(da, a, a_inverse, i)
                db = merging.unit_length_backward(db, b, b_inverse, j)
            return [da, db]

        return y, backward

    def _axes(self, *ranks: int) -> tuple[int, int]:
        """Return the two axes, counted from the front."""
        given = self.axes if isinstance(self.axes, tuple) else (self.axes, self.axes)
        axes = tuple(
            axis + rank if axis < 0 else axis for axis, rank in zip(given, ranks, strict=True)
        )
        if not all(0 < axis < rank for axis, rank in zip(axes, ranks, strict=True)):
            raise ValueError(
                f"{self.where}: axes must be axes of the inputs behind the batch, got {self.axes} "
                f"for inputs of {ranks[0]} and {ranks[1]} axes."
            )
        return axes[0], axes[1]


def add(inputs: Any, **kwargs: Any) -> Any:
    """Return the sum of a list of tensors; see `Add`."""
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Any:
    """Return the first of two tensors minus the second; see `Subtract`."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Any:
    """Return the product of a list of tensors; see `Multiply`."""
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Any:
    """Return the mean of a list of tensors; see `Average`."""
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Any:
    """Return the largest of a list of tensors, element by element; see `Maximum`."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Any:
    """Return the smallest of a list of tensors, element by element; see `Minimum`."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """Return a list of tensors one after the other along an axis; see `Concatenate`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any, **kwargs: Any) -> Any:
    """Return sums of products of two tensors; see `Dot`."""
    return Dot(axes=axes, **kwargs)(inputs)
