"""The operations of a CNN as plain NumPy loops: slow, obvious, and easy to step through.

Nothing here is used by the layers. These are the teaching twins of `fastconv.ops`: the same names,
shapes and conventions, computed the way a textbook or an article writes them down, in float64 and
without sharing any code with the kernels, so that each can be checked against the other::

    import numpy as np
    from fastconv import ops, reference

    x = np.random.rand(2, 8, 8, 3).astype("float32")
    kernel = np.random.rand(3, 3, 3, 4).astype("float32")
    error = ops.conv2d(x, kernel, padding="same") - reference.conv2d(x, kernel, padding="same")
    assert abs(error).max() < 1e-5

Images are (N, H, W, C): batch, height, width, channels. Convolution kernels are
(KH, KW, C // groups, F), as in Keras. Every function takes anything NumPy can read as numbers and
returns float64. The module is not imported by `import fastconv`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

__all__ = [
    "average_pool2d",
    "col2im",
    "conv2d",
    "conv2d_backward_filter",
    "conv2d_backward_input",
    "dense",
    "depthwise_conv2d",
    "im2col",
    "max_pool2d",
    "relu",
    "softmax",
]

Array = npt.NDArray[np.float64]
Pair = int | tuple[int, int]
Padding = str | tuple[tuple[int, int], tuple[int, int]]
#: One output position and the inputs under its window: (oh, ow, row slice, column slice).
Window = tuple[int, int, slice, slice]


class _Geometry:
    """How a window walks over a padded image: the only index arithmetic in this module."""

    def __init__(
        self,
        size: tuple[int, int],
        window: tuple[int, int],
        strides: Pair,
        padding: Padding,
        dilation: Pair = 1,
    ) -> None:
        self.size, self.window = size, window
        self.strides, self.dilation = _pair(strides), _pair(dilation)
        # A window of k taps, d apart, spans (k - 1) * d + 1 inputs.
        self.extent = tuple(
            (k - 1) * d + 1 for k, d in zip(self.window, self.dilation, strict=True)
        )
        self.pads = self._pads(padding)
        self.output_size = tuple(
            (n + before + after - extent) // s + 1
            for n, (before, after), extent, s in zip(
                size, self.pads, self.extent, self.strides, strict=True
            )
        )
        if min(self.output_size) < 1:
            raise ValueError(
                f"reference: empty output: image {size} with padding {self.pads} is smaller than "
                f"the dilated window {self.extent}."
            )

    def _pads(self, padding: Padding) -> tuple[tuple[int, int], ...]:
        """Return ((top, bottom), (left, right))."""
        if not isinstance(padding, str):
            return padding
        if padding == "valid":
            return (0, 0), (0, 0)
        if padding != "same":
            raise ValueError(
                f'reference: padding must be "valid", "same" or ((top, bottom), (left, right)), '
                f"got {padding!r}."
            )
        pads = []
        for n, extent, s in zip(self.size, self.extent, self.strides, strict=True):
            outputs = -(-n // s)  # ceil(n / s)
            total = max((outputs - 1) * s + extent - n, 0)
            pads.append((total // 2, total - total // 2))  # an odd zero goes to the bottom/right
        return tuple(pads)

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """Return x (N, H, W, C) with `value` around it."""
        return np.pad(x, ((0, 0), *self.pads, (0, 0)), constant_values=value)

    def crop(self, padded: Array) -> Array:
        """Undo `pad`: cut the border off again."""
        (top, _), (left, _) = self.pads
        return padded[:, top : top + self.size[0], left : left + self.size[1]].copy()

    def windows(self) -> Iterator[Window]:
        """Yield each output position with the slices of the padded image that it reads."""
        for oh in range(self.output_size[0]):
            for ow in range(self.output_size[1]):
                top, left = oh * self.strides[0], ow * self.strides[1]
                rows = slice(top, top + self.extent[0], self.dilation[0])
                columns = slice(left, left + self.extent[1], self.dilation[1])
                yield oh, ow, rows, columns


def conv2d(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """2-D convolution (cross-correlation: the kernel is not flipped) of a batch of images.

    Each output is the sum of a window of the image times the kernel:
    `y[n, oh, ow, f] = sum(window * kernel[..., f]) + bias[f]`.

    Parameters
    ----------
    x : array (N, H, W, C)
    kernel : array (KH, KW, C // groups, F)
    bias : array (F,), optional
    strides, dilation : int or (height, width)
        How far the window moves, and how far apart its taps are.
    padding : "valid", "same" or ((top, bottom), (left, right))
        "same" gives OH = ceil(H / SH); an odd zero goes to the bottom/right.
    groups : int
        Group g convolves the g-th part of the channels with the g-th part of the filters.

    Returns
    -------
    y : float64 array (N, OH, OW, F)

    Raises
    ------
    ValueError
        The window does not fit into the padded image, or `padding` is an unknown word.
    """
    x, kernel = _float64(x), _float64(kernel)
    geometry = _Geometry(x.shape[1:3], kernel.shape[:2], strides, padding, dilation)
    padded = geometry.pad(x)
    y = np.zeros((x.shape[0], *geometry.output_size, kernel.shape[3]))
    for channels, filters in _groups(groups, x.shape[3], kernel.shape[3]):
        for n in range(x.shape[0]):
            for oh, ow, rows, columns in geometry.windows():
                window = padded[n, rows, columns, channels]  # (KH, KW, C // groups)
                y[n, oh, ow, filters] = np.tensordot(window, kernel[..., filters], axes=3)
    return y if bias is None else y + _float64(bias)


def conv2d_backward_input(
    dy: npt.ArrayLike,
    kernel: npt.ArrayLike,
    input_shape: tuple[int, int, int, int],
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Gradient of `conv2d` with respect to x.

    Forward, output (oh, ow) reads a window; backward, it hands its gradient, times the kernel,
    back to the pixels of that window, where the shares of overlapping windows add up.

    Parameters
    ----------
    dy : array (N, OH, OW, F)
    kernel : array (KH, KW, C // groups, F)
    input_shape : (N, H, W, C)
    strides, padding, dilation, groups
        As in `conv2d`.

    Returns
    -------
    dx : float64 array (N, H, W, C)
    """
    dy, kernel = _float64(dy), _float64(kernel)
    geometry = _Geometry(input_shape[1:3], kernel.shape[:2], strides, padding, dilation)
    padded = geometry.pad(np.zeros(input_shape))
    for channels, filters in _groups(groups, input_shape[3], kernel.shape[3]):
        for n in range(input_shape[0]):
            for oh, ow, rows, columns in geometry.windows():
                share = kernel[..., filters] @ dy[n, oh, ow, filters]  # (KH, KW, C // groups)
                padded[n, rows, columns, channels] += share
    return geometry.crop(padded)


def conv2d_backward_filter(
    x: npt.ArrayLike,
    dy: npt.ArrayLike,
    kernel_shape: tuple[int, int, int, int],
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
    groups: int = 1,
) -> Array:
    """Gradient of `conv2d` with respect to the kernel: windows times output gradients, summed.

    Parameters
    ----------
    x : array (N, H, W, C)
    dy : array (N, OH, OW, F)
    kernel_shape : (KH, KW, C // groups, F)
    strides, padding, dilation, groups
        As in `conv2d`.

    Returns
    -------
    dkernel : float64 array (KH, KW, C // groups, F)
        The bias, if there is one, has the gradient `dy.sum(axis=(0, 1, 2))`.
    """
    x, dy = _float64(x), _float64(dy)
    geometry = _Geometry(x.shape[1:3], kernel_shape[:2], strides, padding, dilation)
    padded = geometry.pad(x)
    dkernel = np.zeros(kernel_shape)
    for channels, filters in _groups(groups, x.shape[3], kernel_shape[3]):
        for n in range(x.shape[0]):
            for oh, ow, rows, columns in geometry.windows():
                window = padded[n, rows, columns, channels]
                dkernel[..., filters] += window[..., np.newaxis] * dy[n, oh, ow, filters]
    return dkernel


def depthwise_conv2d(
    x: npt.ArrayLike,
    kernel: npt.ArrayLike,
    bias: npt.ArrayLike | None = None,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
) -> Array:
    """Convolve every channel on its own, with M filters each.

    Parameters
    ----------
    x : array (N, H, W, C)
    kernel : array (KH, KW, C, M)
    bias : array (C * M,), optional
    strides, padding, dilation
        As in `conv2d`.

    Returns
    -------
    y : float64 array (N, OH, OW, C * M)
        Filter m of channel c is output channel c * M + m.
    """
    x, kernel = _float64(x), _float64(kernel)
    geometry = _Geometry(x.shape[1:3], kernel.shape[:2], strides, padding, dilation)
    padded = geometry.pad(x)
    y = np.zeros((x.shape[0], *geometry.output_size, kernel.shape[2] * kernel.shape[3]))
    for n in range(x.shape[0]):
        for oh, ow, rows, columns in geometry.windows():
            window = padded[n, rows, columns, :, np.newaxis]  # (KH, KW, C, 1)
            y[n, oh, ow] = (window * kernel).sum(axis=(0, 1)).ravel()
    return y if bias is None else y + _float64(bias)


def max_pool2d(
    x: npt.ArrayLike,
    pool_size: Pair = (2, 2),
    *,
    strides: Pair | None = None,
    padding: Padding = "valid",
) -> Array:
    """Maximum of each window.

    Parameters
    ----------
    x : array (N, H, W, C)
    pool_size : int or (height, width)
    strides : int or (height, width), optional
        By default `pool_size`: windows side by side.
    padding : "valid", "same" or ((top, bottom), (left, right))
        Padding never wins: it counts as minus infinity.

    Returns
    -------
    y : float64 array (N, OH, OW, C)
        NaN where the window holds a NaN.
    """
    x = _float64(x)
    geometry = _Geometry(x.shape[1:3], _pair(pool_size), strides or pool_size, padding)
    padded = geometry.pad(x, -np.inf)
    y = np.empty((x.shape[0], *geometry.output_size, x.shape[3]))
    for oh, ow, rows, columns in geometry.windows():
        y[:, oh, ow] = padded[:, rows, columns].max(axis=(1, 2))
    return y


def average_pool2d(
    x: npt.ArrayLike,
    pool_size: Pair = (2, 2),
    *,
    strides: Pair | None = None,
    padding: Padding = "valid",
) -> Array:
    """Mean of each window; pixels of the padding are not counted.

    Parameters
    ----------
    x : array (N, H, W, C)
    pool_size, strides, padding
        As in `max_pool2d`.

    Returns
    -------
    y : float64 array (N, OH, OW, C)
    """
    x = _float64(x)
    geometry = _Geometry(x.shape[1:3], _pair(pool_size), strides or pool_size, padding)
    padded, inside = geometry.pad(x), geometry.pad(np.ones((1, *x.shape[1:3], 1)))
    y = np.empty((x.shape[0], *geometry.output_size, x.shape[3]))
    for oh, ow, rows, columns in geometry.windows():
        y[:, oh, ow] = padded[:, rows, columns].sum(axis=(1, 2)) / inside[:, rows, columns].sum()
    return y


def dense(x: npt.ArrayLike, kernel: npt.ArrayLike, bias: npt.ArrayLike | None = None) -> Array:
    """Fully connected layer: `y[..., f] = sum(x[..., k] * kernel[k, f] over k) + bias[f]`.

    Parameters
    ----------
    x : array (..., K)
    kernel : array (K, F)
    bias : array (F,), optional

    Returns
    -------
    y : float64 array (..., F)
    """
    x, kernel = _float64(x), _float64(kernel)
    y = np.zeros((*x.shape[:-1], kernel.shape[1]))
    for k in range(kernel.shape[0]):
        y += x[..., k, np.newaxis] * kernel[k]
    return y if bias is None else y + _float64(bias)


def im2col(
    x: npt.ArrayLike,
    kernel_size: Pair,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
) -> Array:
    """Lay every window out as a row, so that a convolution becomes one matrix product.

    `im2col(x, (KH, KW)) @ kernel.reshape(KH * KW * C, F)` is `conv2d(x, kernel)` with its first
    three axes flattened.

    Parameters
    ----------
    x : array (N, H, W, C)
    kernel_size : int or (height, width)
    strides, padding, dilation
        As in `conv2d`.

    Returns
    -------
    columns : float64 array (N * OH * OW, KH * KW * C)
    """
    x = _float64(x)
    geometry = _Geometry(x.shape[1:3], _pair(kernel_size), strides, padding, dilation)
    padded = geometry.pad(x)
    rows_of_windows = [
        padded[n, rows, columns].ravel()
        for n in range(x.shape[0])
        for _, _, rows, columns in geometry.windows()
    ]
    return np.array(rows_of_windows).reshape(-1, int(np.prod(geometry.window)) * x.shape[3])


def col2im(
    columns: npt.ArrayLike,
    input_shape: tuple[int, int, int, int],
    kernel_size: Pair,
    *,
    strides: Pair = (1, 1),
    padding: Padding = "valid",
    dilation: Pair = (1, 1),
) -> Array:
    """Add the rows of `im2col` back into an image: its adjoint, not its inverse.

    A pixel that lies under three windows receives three contributions.

    Parameters
    ----------
    columns : array (N * OH * OW, KH * KW * C)
    input_shape : (N, H, W, C)
    kernel_size, strides, padding, dilation
        As in `im2col`.

    Returns
    -------
    x : float64 array (N, H, W, C)
    """
    geometry = _Geometry(input_shape[1:3], _pair(kernel_size), strides, padding, dilation)
    windows = _float64(columns).reshape(
        input_shape[0], *geometry.output_size, *geometry.window, input_shape[3]
    )
    padded = geometry.pad(np.zeros(input_shape))
    for n in range(input_shape[0]):
        for oh, ow, rows, taps in geometry.windows():
            padded[n, rows, taps] += windows[n, oh, ow]
    return geometry.crop(padded)


def softmax(x: npt.ArrayLike, axis: int = -1) -> Array:
    """Exponentials that sum to one along `axis`.

    Subtracting the maximum first changes nothing in exact arithmetic and keeps `exp` from
    overflowing.
    """
    x = _float64(x)
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=axis, keepdims=True))


def relu(x: npt.ArrayLike) -> Array:
    """Negative numbers become zero; NaN stays NaN."""
    return np.maximum(_float64(x), 0.0)


def _float64(x: npt.ArrayLike) -> Array:
    return np.asarray(x, dtype=np.float64)


def _pair(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def _groups(groups: int, channels: int, filters: int) -> Iterator[tuple[slice, slice]]:
    """Yield the channels and the filters of each group."""
    for g in range(groups):
        yield (
            slice(g * channels // groups, (g + 1) * channels // groups),
            slice(g * filters // groups, (g + 1) * filters // groups),
        )
