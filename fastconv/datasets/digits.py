"""1,797 real handwritten digits, part of the package: no download, no network.

E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning
Repository, 1998, https://doi.org/10.24432/C50P49 (CC BY 4.0), in the form that scikit-learn ships.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checks

SOURCE_SIZE = 8  # the stored images are 8x8 ...
SOURCE_MAX = 16  # ... with values 0..16
CHUNK = 128  # images resized at a time, to bound the memory of the float64 intermediates


def load_data(image_size: Any = 28) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """Load the UCI handwritten digits, resized to `image_size` x `image_size` pixels.

    The 8x8 originals are enlarged bilinearly (half-pixel centres, edges repeated), exactly, so the
    pixels are the same on every machine. The split is fixed, 80 % to 20 % with the classes in
    equal proportion; writers are not kept apart.

    Parameters
    ----------
    image_size : int
        Height and width of the images. 8 gives the originals, 28 the size of MNIST.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : uint8 arrays
        Images (1438, image_size, image_size) and (359, image_size, image_size) with values 0..255,
        white on black, and labels (1438,) and (359,) with values 0..9.

    Raises
    ------
    TypeError, ValueError
        `image_size` is not a positive integer.
    """
    import io
    import pkgutil

    size = checks.as_int("digits.load_data", "image_size", image_size)
    data = pkgutil.get_data(__package__, "data/digits.npz")
    if data is None:
        raise RuntimeError("digits.load_data: the data file is not part of this installation.")
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        return (
            (_resize(arrays["x_train"], size), arrays["y_train"]),
            (_resize(arrays["x_test"], size), arrays["y_test"]),
        )


def _resize(images: np.ndarray, size: int) -> np.ndarray:
    """Enlarge images (n, 8, 8) with values 0..16 to (n, size, size) with values 0..255."""
    weights = _bilinear_weights(size)
    # A pixel is total / full of white. Both are whole numbers far below 2**53: every sum in the
    # products is exact, in whatever order it is taken, and so is rounding half up.
    full = float(SOURCE_MAX * (2 * size) ** 2)
    result = np.empty((len(images), size, size), np.uint8)
    for start in range(0, len(images), CHUNK):
        total = weights @ images[start : start + CHUNK].astype(np.float64) @ weights.T
        result[start : start + CHUNK] = np.floor((2 * 255 * total + full) / (2 * full))
    return result


def _bilinear_weights(size: int) -> np.ndarray:
    """Return whole-numbered float64 weights (size, 8); each row sums to 2 * size.

    Target pixel i has its centre at (i + 1/2) * 8 / size - 1/2 on the source grid: a multiple of
    1 / (2 * size), so all weights are whole numbers over 2 * size.
    """
    unit = 2 * size
    centre = (2 * np.arange(size) + 1) * SOURCE_SIZE - size
    lower, fraction = np.divmod(np.clip(centre, 0, (SOURCE_SIZE - 1) * unit), unit)
    weights = np.zeros((size, SOURCE_SIZE))
    rows = np.arange(size)
    weights[rows, lower] = unit - fraction
    # At the last source pixel the fraction is 0, and there is no upper neighbour to take.
    weights[rows, np.minimum(lower + 1, SOURCE_SIZE - 1)] += fraction
    return weights
