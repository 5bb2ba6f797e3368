"""Operations bound to their arrays: described once, run often, without a check or an allocation.

Each function returns a `Run`, which computes when it is called. Arrays are trusted: C-contiguous
float32 of the right shapes, which stay where they are. Results are the bits of the plain ops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import elementwise, isa, matmul, normalization, pooling, rows
from .algorithms import ConvAlgorithm, ConvProblem, autotune, find, plan_conv2d
from .algorithms.algorithm import AddingAlgorithm, Bound, FusingAlgorithm
from .conv2d import make_problem
from .packed import PackedKernel
from .precision import get_float32_matmul_precision
from .windows import windows

Float32 = NDArray[np.float32]
Run = Callable[[], None]
#: (KH, KW, SH, SW, top, left)
Geometry = tuple[int, int, int, int, int, int]

#: From how many rows of x on a matrix is packed once for many products, and how large it may be:
#: it is kept beside the kernel. Fewer rows read either at the speed of memory.
FEWEST_PACKED_ROWS = 8
MOST_PACKED_FLOATS = 1 << 22
#: Largest windows of which `max_pool2d` takes positions as int8.
MOST_SMALL_POSITIONS = 128


def settings() -> tuple[str, str, int]:
    """Return what a `Run` depends on besides its arrays.

    The instruction set, the precision, and where the choice of algorithms comes from.
    """
    return isa.active(), get_float32_matmul_precision(), autotune.state()


def conv_problem(
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    *,
    strides: Any,
    padding: Any,
    dilation: Any,
    groups: int,
) -> ConvProblem:
    """Return the problem of a convolution."""
    return make_problem("conv2d", x_shape, kernel_shape, strides, padding, dilation, groups)


def depthwise_problem(
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    *,
    strides: Any,
    padding: Any,
    dilation: Any,
) -> ConvProblem:
    """Return the problem of a depthwise convolution: one group for each channel."""
    height, width, channels, multiplier = kernel_shape
    shape = height, width, 1, channels * multiplier
    return make_problem("conv2d", x_shape, shape, strides, padding, dilation, channels)


def pooling_geometry(
    x_shape: tuple[int, ...], *, pool_size: Any, strides: Any, padding: Any
) -> Geometry:
    """Return what pooling kernels take: (KH, KW, SH, SW, top, left)."""
    w = windows("pooling", x_shape, pool_size, strides, padding)
    return (*w.size, *w.strides, *w.before)


def algorithm_name(p: ConvProblem, direction: str) -> str:
    """Return the name of the algorithm that runs one direction of a problem."""
    return plan_conv2d(p, direction).name


def conv2d(
    p: ConvProblem,
    x: Float32,
    kernel: PackedKernel,
    bias: Float32 | None,
    activation: int,
    y: Float32,
) -> Run:
    """Bind y = activation(x * kernel + bias); activation is a code of `fusion`.

    A depthwise kernel (KH, KW, C, M) lies in memory as the problem's (KH, KW, 1, C * M) would.
    """
    algorithm = plan_conv2d(p, "forward")
    run = algorithm.bind_forward(p, x, kernel.kernel, bias, activation, y)
    return _with_copy(run, algorithm, kernel, p, "forward")


def can_add(p: ConvProblem) -> bool:
    """Return whether `conv2d_add` can."""
    return isinstance(plan_conv2d(p, "forward"), AddingAlgorithm)


def conv2d_add(
    p: ConvProblem,
    x: Float32,
    kernel: PackedKernel,
    bias: Float32 | None,
    added: Float32,
    activation: int,
    y: Float32,
) -> Run:
    """Bind y = activation((x * kernel + bias) + added); `added` is none of the other arrays."""
    algorithm = plan_conv2d(p, "forward")
    assert isinstance(algorithm, AddingAlgorithm)
    run = algorithm.bind_added(p, x, kernel.kernel, bias, added, activation, y)
    return _with_copy(run, algorithm, kernel, p, "forward")


def can_pool(p: ConvProblem, geometry: Geometry) -> bool:
    """Return whether `conv2d_max_pool2d` can: windows must neither overlap nor be padded."""
    KH, KW, SH, SW, *pads = geometry
    if KH > SH or KW > SW or any(pads):
        return False
    algorithm = plan_conv2d(p, "forward")
    return isinstance(algorithm, FusingAlgorithm) and algorithm.can_pool(p, SH)


def conv2d_max_pool2d(
    p: ConvProblem,
    x: Float32,
    kernel: PackedKernel,
    bias: Float32 | None,
    y: Float32,
    argmax: NDArray[np.int8] | None,
    geometry: Geometry,
    activation: int = 0,
) -> Run:
    """Bind `max_pool2d` of x * kernel + bias, which is never written."""
    algorithm = plan_conv2d(p, "forward")
    assert isinstance(algorithm, FusingAlgorithm)
    maxima = pooling.Maxima(p.y_shape[1:], y, argmax, geometry, activation)
    run = algorithm.bind_pooled(p, x, kernel.kernel, bias, maxima)
    return _with_copy(run, algorithm, kernel, p, "forward")


def conv2d_backward_input(p: ConvProblem, dy: Float32, kernel: PackedKernel, dx: Float32) -> Run:
    """Bind the gradient of `conv2d` for x."""
    algorithm = plan_conv2d(p, "backward_input")
    run = algorithm.bind_backward_input(p, dy, kernel.kernel, dx)
    return _with_copy(run, algorithm, kernel, p, "backward_input")


def conv2d_backward_filter(p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32) -> Run:
    """Bind the gradient of `conv2d` for the kernel."""
    return plan_conv2d(p, "backward_filter").bind_backward_filter(p, x, dy, dkernel)


def _with_copy(
    run: Bound, algorithm: ConvAlgorithm, kernel: PackedKernel, p: ConvProblem, direction: str
) -> Run:
    """Bind the copy of the kernel that the algorithm reads; it is made anew after a change."""
    if algorithm.packed_floats(p, direction) == 0:
        return partial(run, None)
    copied = kernel.bind_copy(algorithm, p, direction)
    version = -1
    copy: Float32 | None = None

    def with_copy() -> None:
        nonlocal version, copy
        if version != kernel.version:
            version = kernel.version
            copy = copied()
        run(copy)

    return with_copy


def dense(x: Float32, kernel: Float32, bias: Float32 | None, activation: int, y: Float32) -> Run:
    """Bind y = activation(x @ kernel + bias) along the last axis."""
    return partial(matmul.matmul, _rows(x), kernel, _rows(y), bias, activation)


def packs_dense(rows: int, kernel_shape: tuple[int, ...]) -> bool:
    """Return whether `dense_packed` is faster than `dense`, and worth the memory."""
    return rows >= FEWEST_PACKED_ROWS and math.prod(kernel_shape) <= MOST_PACKED_FLOATS


def dense_packed(
    x: Float32, kernel: PackedKernel, bias: Float32 | None, activation: int, y: Float32
) -> Run:
    """Bind the same as `dense` as a convolution of single pixels, which keeps a packed kernel."""
    rows, (depth, units) = math.prod(x.shape[:-1]), kernel.shape
    shapes = (rows, 1, 1, depth), (1, 1, depth, units)
    p = conv_problem(*shapes, strides=1, padding="valid", dilation=1, groups=1)
    direct = find("direct")
    run = direct.bind_forward(p, x, kernel.kernel, bias, activation, y)
    return _with_copy(run, direct, kernel, p, "forward")


def dense_backward_input(dy: Float32, kernel: Float32, dx: Float32) -> Run:
    """Bind the gradient of `dense` for x."""
    return partial(matmul.matmul, _rows(dy), kernel.T, _rows(dx))


def dense_backward_filter(x: Float32, dy: Float32, dkernel: Float32) -> Run:
    """Bind the gradient of `dense` for the kernel."""
    return partial(matmul.matmul, _rows(x).T, _rows(dy), dkernel)


def bias_backward(dy: Float32, dbias: Float32) -> Run:
    """Bind the sum of dy over all but the last axis."""
    return partial(normalization.channel_sums, dy.reshape(-1), dbias)


def max_pool2d(
    x: Float32,
    y: Float32,
    argmax: NDArray[np.int8] | None,
    geometry: Geometry,
    activation: int = 0,
) -> Run:
    """Bind activation(maximum of each window); geometry is (KH, KW, SH, SW, top, left).

    The positions are those through which the gradient goes.
    """
    return partial(pooling.max_pool2d, x, y, argmax, geometry, activation)


def max_pool2d_backward(
    dy: Float32, argmax: NDArray[np.int8], dx: Float32, geometry: Geometry
) -> Run:
    """Bind the gradient of `max_pool2d`, with its activation."""
    return partial(pooling.max_pool2d_backward, dy, argmax, dx, geometry)


def average_pool2d(x: Float32, y: Float32, geometry: Geometry) -> Run:
    """Bind the mean of each window."""
    return partial(pooling.average_pool2d, x, y, geometry)


def average_pool2d_backward(dy: Float32, dx: Float32, geometry: Geometry) -> Run:
    """Bind the gradient of `average_pool2d`."""
    return partial(pooling.average_pool2d_backward, dy, dx, geometry)


def batch_norm(
    x: Float32,
    gamma: Float32 | None,
    beta: Float32 | None,
    mean: Float32,
    variance: Float32,
    epsilon: float,
    y: Float32,
    activation: int = 0,
    more: Float32 | None = None,
) -> Run:
    """Bind activation(normalisation with given statistics + more)."""
    given = x.reshape(-1), gamma, beta, mean, variance, epsilon
    return partial(normalization.batch_norm, *given, y.reshape(-1), activation, _flat(more))


def batch_norm_train(
    x: Float32,
    gamma: Float32 | None,
    beta: Float32 | None,
    epsilon: float,
    y: Float32,
    mean: Float32,
    variance: Float32,
    activation: int = 0,
    more: Float32 | None = None,
) -> Run:
    """Bind activation(normalisation with the batch's statistics + more); they are written too."""
    given = x.reshape(-1), gamma, beta, epsilon
    written = y.reshape(-1), mean, variance
    return partial(normalization.batch_norm_train, *given, *written, activation, _flat(more))


def batch_norm_backward(
    dy: Float32,
    x: Float32,
    gamma: Float32 | None,
    statistics: tuple[Float32, Float32],
    epsilon: float,
    fixed_statistics: bool,
    results: tuple[Float32, Float32, Float32],
    activation: int = 0,
    beta: Float32 | None = None,
    outer: tuple[Float32 | None, ...] = (),
) -> Run:
    """Bind the gradients (dx, dgamma, dbeta) of both; dx may be dy.

    An activation, for which beta is needed, works with the statistics of the batch only. With
    `outer` = (dz, more, v) it is one behind a sum, see the kernel.
    """
    dx, dgamma, dbeta = results
    given = dy.reshape(-1), x.reshape(-1), gamma, *statistics, epsilon, fixed_statistics
    written = dx.reshape(-1), dgamma, dbeta
    around = map(_flat, outer)
    return partial(normalization.batch_norm_backward, *given, *written, activation, beta, *around)


def softmax_cross_entropy(
    logits: Float32, weights: Float32, loss: Float32, dlogits: Float32
) -> Callable[[NDArray[Any]], float]:
    """Bind the cross-entropy of rows with labels: int64 classes (M,) or float32 rows (M, C).

    What is bound returns the sum of the loss.
    """

    def run(labels: NDArray[Any]) -> float:
        classes, probabilities = (labels, None) if labels.ndim == 1 else (None, labels)
        return rows.softmax_cross_entropy(logits, classes, probabilities, weights, loss, dlogits)

    return run


def sigmoid_cross_entropy(
    logits: Float32, weights: Float32, loss: Float32, dlogits: Float32
) -> Callable[[NDArray[Any]], float]:
    """Bind the cross-entropy of rows with float32 labels (M, C); returns the sum of the loss."""
    return lambda labels: rows.sigmoid_cross_entropy(logits, labels, weights, loss, dlogits)


def count_hits(scores: Float32) -> Callable[[NDArray[Any]], int]:
    """Bind in how many rows (M, C) the largest score is that of the label.

    Labels are int64 classes (M,), or float32 rows (M, C), of which the largest is meant. As in
    `numpy.argmax`, the first of equals is the largest, and NaN more than any number.
    """

    def run(labels: NDArray[Any]) -> int:
        classes, others = (labels, None) if labels.ndim == 1 else (None, labels)
        return rows.count_hits(scores, classes, others)

    return run


def add(xs: Sequence[Float32], y: Float32, activation: int = 0) -> Run:
    """Bind y = activation(x0 + x1 + ...), in this order; y may be one of the first two."""
    flat, total = [x.reshape(-1) for x in xs], y.reshape(-1)
    codes = [0] * (len(xs) - 2) + [activation]
    runs = [
        partial(elementwise.add, total if i else flat[0], flat[i + 1], total, code)
        for i, code in enumerate(codes)
    ]
    if len(runs) == 1:
        return runs[0]

    def run_all() -> None:
        for run in runs:
            run()

    return run_all


def add_to(total: Float32, more: Float32) -> Run:
    """Bind total += more, as `Variable.add_grad` does it."""
    return partial(np.add, total, more, total)


def add_backward(a: Float32, b: Float32, y: Float32, activation: int, dx: Float32) -> Run:
    """Bind dx = (a + b) * slope of the activation whose result is y; dx may be a or b."""
    flat = a.reshape(-1), b.reshape(-1), dx.reshape(-1)
    return partial(elementwise.add, *flat, activation, y.reshape(-1))


def copy(x: Float32, y: Float32) -> Run:
    """Bind y = x."""
    return partial(np.copyto, y, x)


def _flat(x: Float32 | None) -> Float32 | None:
    return None if x is None else x.reshape(-1)


def _rows(x: Float32) -> Float32:
    return x.reshape(-1, x.shape[-1])
