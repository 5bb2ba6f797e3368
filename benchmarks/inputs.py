"""Fixed-seed data, the same in every process."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np

SEED = 20240229

#: Bytes.
CACHE_LINE = 64

#: Which stream of the seed each array is drawn from.
STREAMS = ("x", "kernel", "dy", "a", "b", "images", "weights")


def standard_normal(name: str, shape: Sequence[int]) -> np.ndarray:
    """Return standard normal float32 data for the array called `name`.

    It begins on a cache line, as the arrays do that the libraries allocate themselves.
    """
    rng = np.random.default_rng([SEED, STREAMS.index(name)])
    memory = np.empty(4 * math.prod(shape) + CACHE_LINE, np.uint8)
    begin = -memory.ctypes.data % CACHE_LINE
    array = memory[begin : begin + 4 * math.prod(shape)].view(np.float32).reshape(shape)
    return rng.standard_normal(tuple(shape), dtype=np.float32, out=array)


def pattern_images(count: int, shape: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return images (count, *shape) float32 in [0, 1] and labels int64 (count,).

    Ten coarse random patterns with noise on them: learnt as quickly as MNIST, and no download.
    """
    rng = np.random.default_rng([SEED, STREAMS.index("images")])
    h, w, c = shape
    patterns = rng.random((10, h // 4, w // 4, c), dtype=np.float32)
    patterns = patterns.repeat(4, axis=1).repeat(4, axis=2)
    labels = rng.integers(0, 10, count)
    images = rng.random((count, *shape), dtype=np.float32)
    images += patterns[labels]
    images *= np.float32(0.5)
    return images, labels


def layer_weights(kind: str, index: int, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Return fixed weights of the `index`-th layer of its kind, in Keras's order and layouts.

    Kernels keep the size of activations (He et al., arXiv:1502.01852); biases, and what batch
    normalization holds, are near their initial values.
    """
    rng = np.random.default_rng(
        [SEED, STREAMS.index("weights"), zlib.crc32(f"{kind}_{index}".encode())]
    )
    around = (1.0, 0.0, 0.0, 1.0) if kind == "batch_normalization" else (0.0,) * len(shapes)
    arrays = []
    for shape, middle in zip(shapes, around, strict=True):
        scale = 0.1
        if len(shape) > 1:
            axes = -2 if kind == "depthwise_conv2d" else -1
            scale = float(np.sqrt(2 / np.prod(shape[:axes])))
        values = rng.standard_normal(shape, dtype=np.float32)
        arrays.append(values * np.float32(scale) + np.float32(middle))
    return arrays
