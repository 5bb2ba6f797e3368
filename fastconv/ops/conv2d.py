"""2-D convolution and its gradients for the input and the kernel.

Checks the arguments once, describes the problem, lets `algorithms.plan` choose, allocates y.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import checks, memory, shapes
from .activation import activation as apply_activation
from .algorithms import (
    CONV2D_ALGORITHMS,
    ConvAlgorithm,
    ConvProblem,
    explain,
    find,
    plan_conv2d,
)
from .fusion import split_activation
from .packed import PackedKernel, split
from .precision import get_float32_matmul_precision

Float32 = NDArray[np.float32]
Pair = int | tuple[int, int]


def conv2d(
    x: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
    groups: int = 1,
    activation: str | None = None,
    algorithm: str = "auto",
) -> Float32:
    """2-D cross-correlation of an image batch with a filter bank.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
        Other real dtypes are cast; N may be 0.
    kernel : float32 array (KH, KW, C // groups, F), or PackedKernel
    bias : float32 array (F,), optional
    strides, dilation : int or two ints
    padding : "valid", "same" or ((top, bottom), (left, right))
        "same" gives OH = ceil(H / SH); an odd zero goes to the bottom/right, as in Keras.
    groups : int
        Filters [g * F / groups, (g + 1) * F / groups) see only the g-th part of the channels.
    activation : str, optional
        Applied to the result; "relu" and "relu6" while it is stored.
    algorithm : "auto", "direct", "im2col", "winograd2", "winograd3", "winograd4", "split", \
            "split_winograd2", "split_winograd3", "split_winograd4" or "depthwise"
        Winograd's number is that of the outputs of a tile along each axis with several taps; it is
        for kernels without dilation and groups, see `ops.algorithms.tiling`. "split" multiplies
        bfloat16 parts of floats, of tiles too; it is emulated where a CPU has no instructions for
        them.
        "auto" asks the plan, see `explain_conv2d`; it keeps to the precision that
        `config.set_float32_matmul_precision` asks for.

    Returns
    -------
    y : float32 array (N, OH, OW, F)
        Bit for bit the same for any number of threads, and for an image in any batch.

    Raises
    ------
    ValueError
        The shapes do not fit together, or the output would be empty.
    TypeError
        An array does not hold real numbers, or a size is not an integer.
    """
    where = "conv2d"
    x = checks.as_float32(where, "x", x)
    kernel, packed = split(where, kernel)
    p = make_problem(where, x.shape, kernel.shape, strides, padding, dilation, groups)
    return forward(where, p, x, kernel, bias, activation, algorithm, packed)


def conv2d_backward_input(
    dy: Any,
    kernel: Any,
    input_shape: tuple[int, int, int, int],
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
    groups: int = 1,
    algorithm: str = "auto",
) -> Float32:
    """Gradient of conv2d for its input: the transposed convolution of dy.

    Parameters
    ----------
    dy : float32 array (N, OH, OW, F)
    kernel : float32 array (KH, KW, C // groups, F), or PackedKernel
    input_shape : (N, H, W, C)
        Shape of the x of the forward pass; the other arguments are conv2d's.

    Returns
    -------
    dx : float32 array (N, H, W, C)

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "conv2d_backward_input"
    dy = checks.as_float32(where, "dy", dy)
    kernel, packed = split(where, kernel)
    shape = checks.as_tuple(where, "input_shape", input_shape, 4, minimum=0)
    p = make_problem(where, shape, kernel.shape, strides, padding, dilation, groups)
    return backward_input(where, p, dy, kernel, algorithm, packed)


def conv2d_backward_filter(
    x: Any,
    dy: Any,
    kernel_shape: tuple[int, int, int, int],
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
    groups: int = 1,
    algorithm: str = "auto",
) -> Float32:
    """Gradient of conv2d for its kernel, summed over the batch in fixed blocks.

    Parameters
    ----------
    x : float32 array (N, H, W, C)
    dy : float32 array (N, OH, OW, F)
    kernel_shape : (KH, KW, C // groups, F)
        The other arguments are conv2d's.

    Returns
    -------
    dkernel : float32 array (KH, KW, C // groups, F)
        Bit for bit the same for any number of threads.

    Raises
    ------
    ValueError
        The shapes do not fit together.
    """
    where = "conv2d_backward_filter"
    x = checks.as_float32(where, "x", x)
    dy = checks.as_float32(where, "dy", dy)
    shape = checks.as_tuple(where, "kernel_shape", kernel_shape, 4)
    p = make_problem(where, x.shape, shape, strides, padding, dilation, groups)
    return backward_filter(where, p, x, dy, algorithm)


def explain_conv2d(
    x_shape: tuple[int, int, int, int],
    kernel_shape: tuple[int, int, int, int],
    *,
    strides: Any = (1, 1),
    padding: Any = "valid",
    dilation: Any = (1, 1),
    groups: int = 1,
    direction: str = "forward",
) -> str:
    """Say in words which algorithm a convolution would use, why, and what it costs.

    Parameters
    ----------
    x_shape : (N, H, W, C)
    kernel_shape : (KH, KW, C // groups, F)
    direction : "forward", "backward_input" or "backward_filter"
        The other arguments are conv2d's.

    Returns
    -------
    text : str
        Sizes, FLOPs, bytes, and one line per algorithm.
    """
    from .algorithms import DIRECTIONS

    where = "explain_conv2d"
    checks.one_of(where, "direction", direction, DIRECTIONS)
    image = checks.as_tuple(where, "x_shape", x_shape, 4, minimum=0)
    kernel = checks.as_tuple(where, "kernel_shape", kernel_shape, 4)
    return explain(
        make_problem(where, image, kernel, strides, padding, dilation, groups), direction
    )


def forward(
    where: str,
    p: ConvProblem,
    x: Float32,
    kernel: Float32,
    bias: Any,
    activation: str | None,
    algorithm: str = "auto",
    packed: PackedKernel | None = None,
) -> Float32:
    """Return y of a problem whose x and kernel are checked."""
    if bias is not None:
        bias = checks.as_float32(where, "bias", bias)
        if bias.shape != (p.F,):
            raise ValueError(f"{where}: bias must have shape ({p.F},), got {bias.shape}.")
    code, left = split_activation(activation)
    y = memory.empty(p.y_shape)
    chosen = _find(where, algorithm, p, "forward")
    copy = None if packed is None else packed.copy_for(chosen, p, "forward")
    chosen.forward(p, x, kernel, bias, code, y, copy)
    return y if left is None else apply_activation(y, left)


def backward_input(
    where: str,
    p: ConvProblem,
    dy: Float32,
    kernel: Float32,
    algorithm: str = "auto",
    packed: PackedKernel | None = None,
) -> Float32:
    """Return dx of a problem whose kernel is checked."""
    _check_dy(where, dy, p)
    dx = memory.empty(p.x_shape)
    chosen = _find(where, algorithm, p, "backward_input")
    copy = None if packed is None else packed.copy_for(chosen, p, "backward_input")
    chosen.backward_input(p, dy, kernel, dx, copy)
    return dx


def backward_filter(
    where: str, p: ConvProblem, x: Float32, dy: Float32, algorithm: str = "auto"
) -> Float32:
    """Return dkernel of a problem whose x is checked."""
    _check_dy(where, dy, p)
    dkernel = memory.empty(p.kernel_shape)
    _find(where, algorithm, p, "backward_filter").backward_filter(p, x, dy, dkernel)
    return dkernel


def make_problem(
    where: str,
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    strides: Any,
    padding: Any,
    dilation: Any,
    groups: Any,
) -> ConvProblem:
    """Return the checked problem of a convolution; the same sizes are checked once."""
    # A cache takes 1.0 and True for 1, so it is asked only about what is known to be integers.
    pairs = checks.as_pair(where, "strides", strides), checks.as_pair(where, "dilation", dilation)
    groups = checks.as_int(where, "groups", groups)
    precision = get_float32_matmul_precision()
    if isinstance(padding, str):
        try:
            return _cached_problem(
                x_shape, kernel_shape, pairs[0], padding, pairs[1], groups, precision
            )
        except ValueError:
            pass  # once more, for the caller's name in the message
    return _checked_problem(
        where, x_shape, kernel_shape, pairs[0], padding, pairs[1], groups, precision
    )


def _checked_problem(
    where: str,
    x_shape: tuple[int, ...],
    kernel_shape: tuple[int, ...],
    strides: tuple[int, int],
    padding: Any,
    dilation: tuple[int, int],
    groups: int,
    precision: str,
) -> ConvProblem:
    if len(x_shape) != 4:
        raise ValueError(f"{where}: x must have shape (N, H, W, C), got {x_shape}.")
    if len(kernel_shape) != 4 or min(kernel_shape) < 1:
        raise ValueError(
            f"{where}: kernel must have shape (KH, KW, C // groups, F) of positive sizes, "
            f"got {kernel_shape}."
        )
    n, h, w, c = x_shape
    kh, kw, channels, f = kernel_shape
    if channels * groups != c:
        raise ValueError(
            f"{where}: x has C={c} but kernel {kernel_shape} with groups={groups} needs "
            f"C={channels * groups}."
        )
    if f % groups:
        raise ValueError(f"{where}: F must be divisible by groups, got F={f}, groups={groups}.")
    pads = shapes.resolve_padding(where, padding, (h, w), (kh, kw), strides, dilation)
    oh, ow = shapes.output_shape(where, (h, w), (kh, kw), strides, dilation, pads)
    return ConvProblem(n, h, w, c, f, kh, kw, strides, pads, dilation, groups, oh, ow, precision)


@lru_cache(maxsize=1024)
def _cached_problem(*arguments: Any) -> ConvProblem:
    return _checked_problem("conv2d", *arguments)


def _check_dy(where: str, dy: Float32, p: ConvProblem) -> None:
    if dy.shape != p.y_shape:
        raise ValueError(
            f"{where}: dy must have the shape {p.y_shape} of the forward result, got {dy.shape}."
        )


def _find(where: str, name: str, p: ConvProblem, direction: str) -> ConvAlgorithm:
    if name == "auto":
        return plan_conv2d(p, direction)
    checks.one_of(where, "algorithm", name, ["auto", *(a.name for a in CONV2D_ALGORITHMS)])
    chosen = find(name)
    reason = chosen.unsupported_reason(p, direction)
    if reason is not None:
        raise ValueError(f'{where}: algorithm "{name}" cannot do this: {reason}.')
    return chosen
