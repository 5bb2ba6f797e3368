"""Windows over any number of axes as float64 loops: the slow truth for one and three dimensions."""

from __future__ import annotations

from itertools import product

import numpy as np


def geometry(size, window, strides, padding, dilation=None):
    """Return (pads, outputs) for each axis."""
    pads, outputs = [], []
    for n, k, s, d in zip(size, window, strides, dilation or (1,) * len(size), strict=True):
        span = (k - 1) * d + 1
        total = max((-(-n // s) - 1) * s + span - n, 0) if padding == "same" else 0
        pad = (span - 1, 0) if padding == "causal" else (total // 2, total - total // 2)
        pads.append(pad)
        outputs.append((n + sum(pad) - span) // s + 1)
    return pads, tuple(outputs)


def windows(outputs, window, strides, dilation=None):
    """Yield each output position with the index of its window in the padded input."""
    dilation = dilation or (1,) * len(window)
    for place in product(*map(range, outputs)):
        yield (
            place,
            tuple(
                slice(o * s, o * s + (k - 1) * d + 1, d)
                for o, s, k, d in zip(place, strides, window, dilation, strict=True)
            ),
        )


def padded(x, pads, value=0.0):
    return np.pad(np.float64(x), ((0, 0), *pads, (0, 0)), constant_values=value)


def conv(x, kernel, strides, padding, dilation, groups=1):
    """Return the cross-correlation (N, *outputs, F) of x (N, *spatial, C)."""
    rank = x.ndim - 2
    window, kernel = kernel.shape[:rank], np.float64(kernel)
    pads, outputs = geometry(x.shape[1:-1], window, strides, padding, dilation)
    z = padded(x, pads)
    y = np.zeros((x.shape[0], *outputs, kernel.shape[-1]))
    c, f = x.shape[-1] // groups, kernel.shape[-1] // groups
    for place, index in windows(outputs, window, strides, dilation):
        for g in range(groups):
            part = z[(slice(None), *index, slice(g * c, g * c + c))]
            share = np.tensordot(part, kernel[..., g * f : g * f + f], axes=rank + 1)
            y[(slice(None), *place, slice(g * f, g * f + f))] = share
    return y


def conv_transpose(x, kernel, strides, padding, dilation, output_padding=None):
    """Return what all inputs add to the output, each the kernel times itself: Keras's sizes."""
    rank = x.ndim - 2
    window = kernel.shape[:rank]
    spans = [(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)]
    sizes = x.shape[1:-1]
    full = [(n - 1) * s + span for n, s, span in zip(sizes, strides, spans, strict=True)]
    z = np.zeros((x.shape[0], *full, kernel.shape[-2]))
    for place, index in windows(sizes, window, strides, dilation):
        share = np.einsum("nc,...fc->n...f", np.float64(x)[(slice(None), *place)], kernel)
        z[(slice(None), *index)] += share
    for axis, (n, s, span, length) in enumerate(zip(sizes, strides, spans, full, strict=True), 1):
        extra = None if output_padding is None else output_padding[axis - 1]
        if padding == "valid":
            out = (n - 1) * s + (max(span, s) if extra is None else span + extra)
        else:
            out = n * s if extra is None else (n - 1) * s + span % 2 + extra
        left = max(length - out, 0) // 2 if padding == "same" else 0
        z = np.take(z, range(left, min(left + out, length)), axis)
        missing = [(0, 0)] * z.ndim
        missing[axis] = (0, out - z.shape[axis])
        z = np.pad(z, missing)
    return z


def pool(x, window, strides, padding, kind):
    """Return the maxima or means of windows; with maxima also the x-shaped map of dy = 1, 2, ..."""
    pads, outputs = geometry(x.shape[1:-1], window, strides, padding)
    z, inside = padded(x, pads, -np.inf), padded(np.ones_like(x), pads)
    y = np.zeros((x.shape[0], *outputs, x.shape[-1]))
    dx = np.zeros(z.shape)
    axes = tuple(range(1, x.ndim - 1))
    numbers = np.arange(1, y.size + 1, dtype=np.float64).reshape(y.shape)
    for place, index in windows(outputs, window, strides):
        at, part = (slice(None), *place), z[(slice(None), *index)]
        if kind == "average":
            here = inside[(slice(None), *index)]
            y[at] = np.where(here > 0, part, 0).sum(axes) / here.sum(axes)
            continue
        y[at] = part.max(axes)
        for n, c in product(range(x.shape[0]), range(x.shape[-1])):
            first = np.unravel_index(part[n, ..., c].argmax(), window)
            dx[(slice(None), *index)][(n, *first, c)] += numbers[(n, *place, c)]
    crop = tuple(slice(a, a + n) for (a, _), n in zip(pads, x.shape[1:-1], strict=True))
    return y, dx[(slice(None), *crop)]


def adaptive_pool(x, output_size, kind):
    """Return the maxima or means of the windows floor(i * n / o) up to ceil((i + 1) * n / o)."""
    y = np.zeros((x.shape[0], *output_size, x.shape[-1]))
    for place in product(*map(range, output_size)):
        index = tuple(
            slice(i * n // o, -(-(i + 1) * n // o))
            for i, n, o in zip(place, x.shape[1:-1], output_size, strict=True)
        )
        part, axes = np.float64(x)[(slice(None), *index)], tuple(range(1, x.ndim - 1))
        y[(slice(None), *place)] = part.max(axes) if kind == "max" else part.mean(axes)
    return y
