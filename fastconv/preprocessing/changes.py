"""Changes of one image by given numbers, as ImageDataGenerator makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import ops


def changed(
    image: np.ndarray,
    parameters: Mapping[str, Any],
    interpolation: str,
    fill_mode: str,
    cval: float,
) -> np.ndarray:
    """Return a float32 image (H, W, C), changed; see `ImageDataGenerator.apply_transform`."""
    changes = parameters.get
    matrix = _affine_matrix(
        [changes(key, 0) for key in ("theta", "tx", "ty", "shear")],
        (changes("zx", 1), changes("zy", 1)),
        image.shape[:2],
    )
    if matrix is not None:
        image = ops.affine_transform(image[None], matrix[None], interpolation, fill_mode, cval)[0]
    if changes("channel_shift_intensity") is not None:
        intensity = np.float32(changes("channel_shift_intensity"))
        image = np.clip(image + intensity, image.min(), image.max())
    if changes("flip_horizontal"):
        image = image[:, ::-1]
    if changes("flip_vertical"):
        image = image[::-1]
    if changes("brightness") is not None:
        image = _brighter(image, float(changes("brightness", 1)))
    return image


def _affine_matrix(
    moves: list[float], zoom: tuple[float, float], size: tuple[int, ...]
) -> np.ndarray | None:
    """Return the matrix (2, 3) for `ops.affine_transform`; None if it would change nothing."""
    if not any(moves) and zoom == (1, 1):
        return None
    theta, tx, ty, shear = moves
    turn, slant = np.deg2rad(theta), np.deg2rad(shear)
    cos, sin = np.cos(turn), np.sin(turn)
    matrix = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
    matrix = matrix @ [[1, 0, ty], [0, 1, tx], [0, 0, 1]]
    matrix = matrix @ [[1, -np.sin(slant), 0], [0, np.cos(slant), 0], [0, 0, 1]]
    matrix = matrix @ np.diag([*zoom, 1])
    y, x = ((n - 1) / 2 for n in size)
    around: np.ndarray = np.array([[1, 0, x], [0, 1, y], [0, 0, 1]]) @ matrix
    around = around @ np.array([[1, 0, -x], [0, 1, -y], [0, 0, 1]])
    return around[:2].astype(np.float32)


def _brighter(image: np.ndarray, factor: float) -> np.ndarray:
    """Return an image with its brightness multiplied, in whole numbers of 0..255 as Keras does."""
    low, high = image.min(), image.max()
    stretched = bool(low < 0 or high > 255)
    if stretched:
        image = (image - low) / (high - low or 1) * 255
    whole = np.floor(image)
    bright: np.ndarray = np.clip(np.floor(whole * np.float32(factor)), 0, 255)
    return bright / 255 * (high - low) + low if stretched else bright
