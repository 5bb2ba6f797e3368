"""Two of the networks in plain JAX, ending in logits; the others are not written.

The weights are a flat list in Keras's order: kernel and bias of each layer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..inputs import layer_weights


@dataclass(frozen=True)
class JaxNetwork:
    kernels: tuple[tuple[int, ...], ...]
    #: logits(jax, weights, x)
    logits: Callable[[Any, Any, Any], Any]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        return [shape for kernel in self.kernels for shape in (kernel, kernel[-1:])]

    def weights(self) -> list[np.ndarray]:
        """Return the weights that `keras_words.load_weights` gives the layers."""
        counts: Counter[str] = Counter()
        arrays = []
        for kernel in self.kernels:
            kind = "conv2d" if len(kernel) == 4 else "dense"
            arrays += layer_weights(kind, counts[kind], (kernel, kernel[-1:]))
            counts[kind] += 1
        return arrays


def _conv(jax: Any, x: Any, kernel: Any, bias: Any) -> Any:
    layout = ("NHWC", "HWIO", "NHWC")
    y = jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=layout)
    return y + bias


def _pooled(jax: Any, x: Any, start: float, reduce: Any) -> Any:
    window = (1, 2, 2, 1)
    return jax.lax.reduce_window(x, start, reduce, window, window, "VALID")


def _article(jax: Any, weights: Any, x: Any) -> Any:
    k1, b1, k2, b2, w1, c1, w2, c2 = weights
    for kernel, bias in ((k1, b1), (k2, b2)):
        x = jax.nn.relu(_conv(jax, x, kernel, bias))
        x = _pooled(jax, x, -jax.numpy.inf, jax.lax.max)
    return jax.nn.relu(x.reshape(len(x), -1) @ w1 + c1) @ w2 + c2


def _lenet5(jax: Any, weights: Any, x: Any) -> Any:
    k1, b1, k2, b2, k3, b3, w1, c1, w2, c2 = weights
    tanh = jax.numpy.tanh
    for kernel, bias in ((k1, b1), (k2, b2)):
        x = _pooled(jax, tanh(_conv(jax, x, kernel, bias)), 0.0, jax.lax.add) / 4
    x = tanh(_conv(jax, x, k3, b3)).reshape(len(x), -1)
    return tanh(x @ w1 + c1) @ w2 + c2


JAX_NETWORKS = {
    "article": JaxNetwork(((3, 3, 1, 32), (3, 3, 32, 64), (1600, 128), (128, 10)), _article),
    "lenet5": JaxNetwork(
        ((5, 5, 1, 6), (5, 5, 6, 16), (5, 5, 16, 120), (120, 84), (84, 10)), _lenet5
    ),
}
