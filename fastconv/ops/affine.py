"""Images moved, turned and scaled: each output pixel is read at an affine map of its place.

    x_in = a0 * x + a1 * y + a2        y_in = b0 * x + b1 * y + b2

Places between pixels are interpolated, pixels outside the image are filled.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks

Float32 = NDArray[np.float32]

INTERPOLATIONS = ("nearest", "bilinear")

#: How an index outside [0, size) is brought inside.
_INSIDE: dict[str, Callable[[Any, int], Any]] = {
    "reflect": lambda i, size: np.minimum(i % (2 * size), 2 * size - 1 - i % (2 * size)),
    "wrap": lambda i, size: i % size,
    "nearest": lambda i, size: np.clip(i, 0, size - 1),
    "constant": lambda i, size: np.clip(i, 0, size - 1),  # and its value is replaced
}
FILL_MODES = tuple(_INSIDE)

#: Pixels worked on at a time, so that temporary arrays stay in the cache.
_BLOCK_PIXELS = 1 << 15


def affine_transform(
    x: Any,
    matrices: Any,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
) -> Float32:
    """Read each image of a batch through an affine map of its own.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    matrices : float32 array (N, 2, 3)
        [[a0, a1, a2], [b0, b1, b2]]: from an output pixel (x, y, 1) to where it is read, (x, y).
    interpolation : "nearest" or "bilinear"
    fill_mode : "reflect", "wrap", "nearest" or "constant"
        What lies outside: the image mirrored at its edge (d c b a | a b c d | d c b a), repeated,
        its outermost pixels, or `fill_value`.
    fill_value : float

    Returns
    -------
    y : float32 array (N, H, W, C)

    Raises
    ------
    ValueError
        The shapes do not fit together, a word is unknown, or a matrix is not finite.
    """
    x = checks.as_float32("affine_transform", "x", x, 4)
    y: Float32 = np.empty_like(x)
    for part, points in _points(x.shape, matrices, interpolation, fill_mode):
        pixels = x[part].reshape(-1, x.shape[-1])
        total: Any = 0.0
        for index, weight, inside in points:
            value = pixels.take(index, axis=0)  # (n, H, W, C)
            if inside is not None:
                value = np.where(inside[..., None], value, np.float32(fill_value))
            total = total + (value if weight is None else value * weight[..., None])
        y[part] = total
    return y


def affine_transform_backward(
    dy: Any, matrices: Any, interpolation: str = "bilinear", fill_mode: str = "reflect"
) -> Float32:
    """Return the gradient of `affine_transform` with respect to x, float32 (N, H, W, C)."""
    dy = checks.as_float32("affine_transform_backward", "dy", dy, 4)
    dx: Float32 = np.zeros_like(dy)
    for part, points in _points(dy.shape, matrices, interpolation, fill_mode):
        pixels = dx[part].reshape(-1, dy.shape[-1])
        for index, weight, inside in points:
            value = dy[part]
            if weight is not None:
                value = value * weight[..., None]
            if inside is not None:
                value = value * inside[..., None]
            np.add.at(pixels, index, value)
    return dx


#: Indices of pixels (n, H, W), their weights (None: 1), and whether they are in the image (None:
#: all are).
_Point = tuple[Any, Any, Any]


def _points(
    shape: tuple[int, ...], matrices: Any, interpolation: str, fill_mode: str
) -> Iterator[tuple[slice, list[_Point]]]:
    """Yield the images in blocks, with the pixels that each output pixel is made of."""
    where = "affine_transform"
    checks.one_of(where, "interpolation", interpolation, INTERPOLATIONS)
    checks.one_of(where, "fill_mode", fill_mode, FILL_MODES)
    matrices = checks.as_float32(where, "matrices", matrices, 3)
    n, h, w, _ = shape
    if matrices.shape != (n, 2, 3):
        raise ValueError(f"{where}: matrices must have shape ({n}, 2, 3), got {matrices.shape}.")
    if not np.isfinite(matrices).all():
        raise ValueError(f"{where}: matrices must be finite.")
    if 0 in shape:
        return
    to_x, to_y = np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32)[:, None]
    step = max(1, _BLOCK_PIXELS // (h * w))
    for start in range(0, n, step):
        block = matrices[start : start + step, :, :, None, None]
        # Along y, then along x: pairs of indices and weights of neighbouring pixels.
        neighbours = [
            _neighbours(block[:, i, 0] * to_x + block[:, i, 1] * to_y + block[:, i, 2], size,
                        interpolation, fill_mode)
            for i, size in ((1, h), (0, w))
        ]  # fmt: skip
        first = np.arange(len(block))[:, None, None] * (h * w)
        points = []
        for (iy, wy, in_y), (ix, wx, in_x) in itertools.product(*neighbours):
            points.append(
                (
                    first + iy * w + ix,
                    None if wy is None else wy * wx,
                    None if in_y is None else in_y & in_x,
                )
            )
        yield slice(start, start + len(block)), points


def _neighbours(at: Any, size: int, interpolation: str, fill_mode: str) -> list[_Point]:
    """Return the one or two pixels beside places along one axis."""
    if interpolation == "nearest":
        # Halves are rounded away from zero.
        found: list[tuple[Any, Any]] = [(np.trunc(at + np.copysign(np.float32(0.5), at)), None)]
    else:
        low = np.floor(at)
        found = [(low, 1 - (at - low)), (low + 1, at - low)]
    neighbours = []
    for place, weight in found:
        index = place.astype(np.int64)
        inside = (index >= 0) & (index < size) if fill_mode == "constant" else None
        neighbours.append((_INSIDE[fill_mode](index, size), weight, inside))
    return neighbours
