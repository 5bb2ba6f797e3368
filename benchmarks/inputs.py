"""Fixed-seed data, the same in every process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SEED = 20240229

#: Which stream of the seed each array is drawn from.
STREAMS = ("x", "kernel", "dy", "a", "b", "images")


def standard_normal(name: str, shape: Sequence[int]) -> np.ndarray:
    """Return standard normal float32 data for the array called `name`."""
    rng = np.random.default_rng([SEED, STREAMS.index(name)])
    return rng.standard_normal(tuple(shape), dtype=np.float32)


def mnist_like(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images (count, 28, 28, 1) float32 in [0, 1] and labels int64 (count,).

    Ten blurred random patterns with noise on them: as large as MNIST, learnt as quickly, and no
    download.
    """
    rng = np.random.default_rng([SEED, STREAMS.index("images")])
    patterns = np.kron(rng.random((10, 7, 7), dtype=np.float32), np.ones((4, 4), np.float32))
    labels = rng.integers(0, 10, count)
    images = rng.random((count, 28, 28, 1), dtype=np.float32)
    images += patterns[labels, :, :, None]
    images *= np.float32(0.5)
    return images, labels
