"""3-D convolution and its gradients, as 2-D convolutions of slices.

Output slice `od` of a sample sees KD slices of the input. They are gathered side by side as
channels, (H, W, G, KD, C // G), and convolved with the kernel read as (KH, KW, KD * C // G, F):
N * OD images, a bounded number of them at a time. Where blocks begin follows from the sizes of a
sample alone, so that neither the batch nor the number of threads changes a bit.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import checks, shapes
from .conv2d import conv2d, conv2d_backward_filter, conv2d_backward_input

Float32 = NDArray[np.float32]
Shape = tuple[int, ...]
#: Samples and output slices that are computed together.
Block = tuple[slice, range]

#: How many numbers are gathered at a time, about; 4 MB.
_BLOCK = 1 << 20


class _Problem(NamedTuple):
    """What does not depend on the values: the depth axis here, the others as conv2d takes them."""

    x: Shape
    kernel: Shape
    y: Shape
    stride: int
    dilation: int
    before: int
    groups: int
    plane: dict[str, Any]

    @property
    def kernel2d(self) -> tuple[int, int, int, int]:
        """Shape of the kernel over gathered slices."""
        kd, kh, kw, c, f = self.kernel
        return kh, kw, kd * c, f

    @property
    def is_plane(self) -> bool:
        """Whether each output slice sees just the input slice in its place."""
        return (*self.kernel[:1], self.stride, self.before, self.x[1]) == (1, 1, 0, self.y[1])

    def blocks(self) -> Iterator[Block]:
        """Yield what to compute together, in order."""
        slices = self.y[1]
        per_slice = max(1, prod(self.x[2:]) * self.kernel[0])
        most = min(slices, max(1, _BLOCK // per_slice))
        samples = max(1, _BLOCK // (per_slice * slices))
        for n in range(0, self.x[0], samples):
            for first in range(0, slices, most):
                yield slice(n, n + samples), range(first, min(first + most, slices))

    def seen(self, tap: int, outputs: range) -> tuple[slice, slice]:
        """Return which of `outputs` see an input slice at `tap`, and those input slices."""
        offset = tap * self.dilation - self.before
        lo = max(outputs.start, -(offset // self.stride))
        hi = max(lo, min(outputs.stop, (self.x[1] - 1 - offset) // self.stride + 1))
        first = lo * self.stride + offset
        inputs = slice(first, first + (hi - lo) * self.stride, self.stride)
        if hi == lo:  # none, and the slices may lie outside of the array
            inputs = slice(0, 0)
        return slice(lo - outputs.start, hi - outputs.start), inputs


def conv3d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
    activation: str | None = None,
) -> Float32:
    """3-D cross-correlation of a batch of volumes with a filter bank.

    Parameters
    ----------
    x : float32 array (N, D, H, W, C)
    kernel : float32 array (KD, KH, KW, C // groups, F)
    bias : float32 array (F,), optional
    strides, dilation : int or three ints
    padding : "valid", "same" or ((front, back), (top, bottom), (left, right))
    groups : int
    activation : str, optional

    Returns
    -------
    y : float32 array (N, OD, OH, OW, F)
        Bit for bit the same for any number of threads, and for a sample in any batch.

    Raises
    ------
    ValueError
        The shapes do not fit together, or the output would be empty.
    """
    where = "conv3d"
    x = checks.as_float32(where, "x", x)
    kernel = checks.as_float32(where, "kernel", kernel)
    p = _make_problem(where, x.shape, kernel.shape, strides, padding, dilation, groups)
    flat = _flat_kernel(p, kernel)
    y = np.empty(p.y, np.float32)
    for samples, outputs in p.blocks():
        part = conv2d(_gather(p, x[samples], outputs), flat, bias, activation=activation, **p.plane)
        y[samples, outputs.start : outputs.stop] = part.reshape(-1, len(outputs), *p.y[2:])
    return y


def conv3d_backward_input(
    dy: Any,
    kernel: Any,
    input_shape: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
) -> Float32:
    """Gradient of `conv3d` for its input.

    Parameters
    ----------
    dy : float32 array (N, OD, OH, OW, F)
    kernel : float32 array (KD, KH, KW, C // groups, F)
    input_shape : (N, D, H, W, C)
        Shape of the x of the forward pass; the other arguments are conv3d's.

    Returns
    -------
    dx : float32 array (N, D, H, W, C)

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "conv3d_backward_input"
    dy = checks.as_float32(where, "dy", dy)
    kernel = checks.as_float32(where, "kernel", kernel)
    shape = checks.as_tuple(where, "input_shape", input_shape, 5, minimum=0)
    p = _make_problem(where, shape, kernel.shape, strides, padding, dilation, groups)
    _check_dy(where, dy, p)
    flat = _flat_kernel(p, kernel)
    dx = np.zeros(p.x, np.float32)
    for samples, outputs in p.blocks():
        part = dy[samples, outputs.start : outputs.stop]
        images = part.reshape(-1, *p.y[2:])
        gathered = (len(images), p.x[2], p.x[3], p.x[4] * p.kernel[0])
        dslices = conv2d_backward_input(images, flat, gathered, **p.plane)
        _scatter(p, dslices, outputs, dx[samples])
    return dx


def conv3d_backward_filter(
    x: Any,
    dy: Any,
    kernel_shape: Any,
    *,
    strides: Any = 1,
    padding: Any = "valid",
    dilation: Any = 1,
    groups: int = 1,
) -> Float32:
    """Gradient of `conv3d` for its kernel.

    Parameters
    ----------
    x : float32 array (N, D, H, W, C)
    dy : float32 array (N, OD, OH, OW, F)
    kernel_shape : (KD, KH, KW, C // groups, F)
        The other arguments are conv3d's.

    Returns
    -------
    dkernel : float32 array (KD, KH, KW, C // groups, F)
        Bit for bit the same for any number of threads.

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "conv3d_backward_filter"
    x = checks.as_float32(where, "x", x)
    dy = checks.as_float32(where, "dy", dy)
    shape = checks.as_tuple(where, "kernel_shape", kernel_shape, 5)
    p = _make_problem(where, x.shape, shape, strides, padding, dilation, groups)
    _check_dy(where, dy, p)
    dflat = np.zeros(p.kernel2d, np.float32)
    for samples, outputs in p.blocks():
        images = dy[samples, outputs.start : outputs.stop].reshape(-1, *p.y[2:])
        dflat += conv2d_backward_filter(
            _gather(p, x[samples], outputs), images, p.kernel2d, **p.plane
        )
    kd, kh, kw, c, f = p.kernel
    return np.ascontiguousarray(dflat.reshape(kh, kw, kd, c, f).transpose(2, 0, 1, 3, 4))


def _flat_kernel(p: _Problem, kernel: Float32) -> Float32:
    """Return the kernel (KH, KW, KD * C // groups, F) over gathered slices."""
    return kernel.transpose(1, 2, 0, 3, 4).reshape(p.kernel2d)


def _gather(p: _Problem, x: Float32, outputs: range) -> Float32:
    """Return images (N * outputs, H, W, G * KD * C // G): what each output slice sees."""
    n, _, h, w, c = x.shape
    taps = p.kernel[0]
    if p.is_plane:
        return x[:, outputs.start : outputs.stop].reshape(-1, h, w, c)
    images = np.empty((n, len(outputs), h, w, p.groups, taps, c // p.groups), np.float32)
    groups = x.reshape(*x.shape[:4], p.groups, c // p.groups)
    for tap in range(taps):
        mine, theirs = p.seen(tap, outputs)
        images[:, : mine.start, ..., tap, :] = 0
        images[:, mine, ..., tap, :] = groups[:, theirs]
        images[:, mine.stop :, ..., tap, :] = 0
    return images.reshape(-1, h, w, taps * c)


def _scatter(p: _Problem, dimages: Float32, outputs: range, dx: Float32) -> None:
    """Add to dx what `_gather` took from x: its adjoint, tap by tap."""
    n, _, h, w, c = dx.shape
    images = dimages.reshape(n, len(outputs), h, w, p.groups, p.kernel[0], c // p.groups)
    groups = dx.reshape(*dx.shape[:4], p.groups, c // p.groups)  # a view: dx is contiguous
    for tap in range(p.kernel[0]):
        mine, theirs = p.seen(tap, outputs)
        groups[:, theirs] += images[:, mine, ..., tap, :]


def _check_dy(where: str, dy: Float32, p: _Problem) -> None:
    if dy.shape != p.y:
        raise ValueError(
            f"{where}: dy must have the shape {p.y} of the forward result, got {dy.shape}."
        )


def _make_problem(
    where: str,
    x_shape: Shape,
    kernel_shape: Shape,
    strides: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> _Problem:
    steps = checks.as_tuple(where, "strides", strides, 3)
    spread = checks.as_tuple(where, "dilation", dilation, 3)
    groups = checks.as_int(where, "groups", groups)
    if len(x_shape) != 5:
        raise ValueError(f"{where}: x must have shape (N, D, H, W, C), got {x_shape}.")
    if len(kernel_shape) != 5 or min(kernel_shape) < 1:
        raise ValueError(
            f"{where}: kernel must have shape (KD, KH, KW, C // groups, F) of positive sizes, "
            f"got {kernel_shape}."
        )
    if kernel_shape[3] * groups != x_shape[4]:
        raise ValueError(
            f"{where}: x has C={x_shape[4]} but kernel {kernel_shape} with groups={groups} needs "
            f"C={kernel_shape[3] * groups}."
        )
    pads = shapes.resolve_padding(where, padding, x_shape[1:4], kernel_shape[:3], steps, spread)
    out = shapes.output_shape(where, x_shape[1:4], kernel_shape[:3], steps, spread, pads)
    plane = {
        "strides": steps[1:],
        "padding": padding if isinstance(padding, str) else pads[1:],
        "dilation": spread[1:],
        "groups": groups,
    }
    y_shape = (x_shape[0], *out, kernel_shape[4])
    return _Problem(x_shape, kernel_shape, y_shape, steps[0], spread[0], pads[0][0], groups, plane)
