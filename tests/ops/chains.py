"""What the precision contract compares with: each sum as one chain of float32 multiply-adds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


class Chain(NamedTuple):
    """The sums of a convolution in one direction, in float64, and those of chains."""

    exact: np.ndarray
    links: np.ndarray

    @property
    def error(self):
        """The rms of the chains' errors."""
        return rms(self.links - self.exact)


def chain(direction, x, kernel, dy, stride=1):
    """Return the sums of a valid convolution whose windows reach to the end of the image.

    Each product of float32 is exact in float64, so that a multiply-add rounds once.
    """
    shape = {"forward": dy, "backward_input": x, "backward_filter": kernel}[direction].shape
    exact, links = np.zeros(shape), np.zeros(shape, np.float32)
    for a, b in _factors(direction, x, kernel, dy, stride):
        product = a.astype(np.float64) * b.astype(np.float64)
        exact += product
        links = (links + product).astype(np.float32)
    return Chain(exact, links)


def _factors(direction, x, kernel, dy, stride):
    """Yield the factors of what is added to all results, one summed element after the other."""
    KH, KW, C, F = kernel.shape
    if direction == "backward_input":
        N, H, W, _ = x.shape
        x = np.zeros((N, H + KH - 1, W + KW - 1, F), np.float32)
        x[:, KH - 1 : H : stride, KW - 1 : W : stride] = dy
        kernel, C, F, stride = kernel[::-1, ::-1].swapaxes(2, 3), F, C, 1
    seen = sliding_window_view(x, (KH, KW), axis=(1, 2))[:, ::stride, ::stride]
    if direction == "backward_filter":
        for pixel, grad in zip(seen.reshape(-1, C, KH, KW), dy.reshape(-1, F), strict=True):
            yield pixel.transpose(1, 2, 0)[..., None], grad
        return
    for i in range(KH):
        for j in range(KW):
            for c in range(C):
                yield seen[..., c, i, j, None], kernel[i, j, c]


def rms(error):
    return np.sqrt(np.mean(error**2))


def numbers(kind, rng, shape):
    values = rng.standard_normal(shape)
    if kind == "positive":
        values = np.maximum(values, 0)
    if kind == "mixed":  # 1e-6 ... 1e6 in one tensor
        values *= 10.0 ** rng.uniform(-6, 6, shape)
    return values.astype(np.float32)
