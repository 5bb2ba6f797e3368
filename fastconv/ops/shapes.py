"""All shape and padding arithmetic. Sizes are per axis; everything here is plain Python ints.

The rules are TensorFlow's, which Keras documents: "valid" adds nothing and gives
floor((n - k_e) / s) + 1 outputs, "same" gives ceil(n / s) outputs and puts the odd zero at the
bottom/right, where k_e = (k - 1) * d + 1 is the extent of the dilated window.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import checks

#: What `padding` may be above ops; below, it is always four integers.
PADDINGS = ("valid", "same")

Pair = tuple[int, int]
#: Zeros before and after each spatial axis.
Pads = tuple[Pair, ...]

#: Spatial axes by their number: what messages call them, and explicit padding of them.
AXES = {
    1: (("L", "length"),),
    2: (("H", "height"), ("W", "width")),
    3: (("D", "depth"), ("H", "height"), ("W", "width")),
}
_PADS = {
    1: "((left, right),)",
    2: "((top, bottom), (left, right))",
    3: "((front, back), (top, bottom), (left, right))",
}


def extent(k: int, d: int) -> int:
    """Return how many inputs a window of `k` taps with dilation `d` spans."""
    return (k - 1) * d + 1


def same_padding(n: int, k: int, s: int, d: int) -> tuple[int, int]:
    """Return the zeros before and after an axis of size `n` for padding="same"."""
    total = max((-(-n // s) - 1) * s + extent(k, d) - n, 0)
    return total // 2, total - total // 2


def output_size(n: int, k: int, s: int, d: int, pad: tuple[int, int]) -> int:
    """Return the number of windows that fit; zero or less when none does."""
    return (n + pad[0] + pad[1] - extent(k, d)) // s + 1


def resolve_padding(
    where: str,
    padding: Any,
    size: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...] | None = None,
) -> Pads:
    """Return the zeros before and after each of one to three axes.

    `padding` is "valid", "same" or those zeros; for one axis also "causal": as many zeros before it
    as the window spans, less one. A negative number after an axis leaves out inputs instead.
    """
    rank = len(size)
    dilation = dilation or (1,) * rank
    if isinstance(padding, str):
        word = padding.lower()
        if word == "causal" and rank == 1:
            return ((extent(window[0], dilation[0]) - 1, 0),)
        if checks.one_of(where, "padding", word, PADDINGS) == "valid":
            return ((0, 0),) * rank
        return tuple(map(same_padding, size, window, strides, dilation))
    try:
        pads = tuple((before, after) for before, after in padding)
        if len(pads) != rank:
            raise ValueError
        return tuple(
            (checks.as_int(where, "padding", before, 0), checks.as_int(where, "padding", after, -n))
            for (before, after), n in zip(pads, size, strict=True)
        )
    except (TypeError, ValueError):
        raise ValueError(
            f'{where}: padding must be "valid", "same" or {_PADS[rank]} of integers >= 0 (at the '
            f"end also less, down to minus the size), "
            f"got {padding!r}."
        ) from None


#: Taps, stride and dilation of windows along an axis.
Window = tuple[int, int, int]


def unread(n: int, windows: Sequence[Window]) -> int:
    """Return how many of `n` numbers, at the end, no window reads.

    The first windows slide over the numbers, each further ones over the results of those before;
    all without padding.
    """
    needed = n
    for k, s, d in windows:
        needed = output_size(needed, k, s, d, (0, 0))
    if needed < 1:
        return 0
    for k, s, d in reversed(windows):
        needed = (needed - 1) * s + extent(k, d)
    return n - needed


def output_shape(
    where: str,
    size: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    pads: Pads,
) -> tuple[int, ...]:
    """Return the number of windows along each of one to three axes.

    Raises
    ------
    ValueError
        The window does not fit: the output would be empty.
    """
    result = tuple(map(output_size, size, window, strides, dilation, pads))
    for (axis, what), out, n, k, d, pad in zip(
        AXES[len(size)], result, size, window, dilation, pads, strict=True
    ):
        if out <= 0:
            raise ValueError(
                f"{where}: empty output: {axis}={n} plus padding {sum(pad)} is less than the "
                f"dilated window {what} {extent(k, d)}. Use padding='same', a smaller window or "
                f"fewer pooling layers."
            )
    return result


def transposed(
    where: str,
    size: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: Any,
    output_padding: Any = None,
) -> tuple[tuple[int, ...], Pads]:
    """Return the output's sizes of a transposed convolution, and the padding of the ordinary one.

    The ordinary convolution is the one from the output's sizes to `size` whose gradient this is.
    The rule is that of Keras; "same" without `output_padding` gives n * s outputs.

    Raises
    ------
    ValueError
        An argument is out of range, or the output would be empty.
    """
    word = padding.lower() if isinstance(padding, str) else padding
    checks.one_of(where, "padding", word, PADDINGS)
    extra: tuple[int | None, ...] = (None,) * len(size)
    if output_padding is not None:
        extra = as_output_padding(where, output_padding, strides)
    axes = [
        _transposed_axis(n, extent(k, d), s, word, p)
        for n, k, s, d, p in zip(size, window, strides, dilation, extra, strict=True)
    ]
    outputs = tuple(out for out, _ in axes)
    if min(outputs) < 1:
        raise ValueError(
            f"{where}: empty output: input {size} with window {window}, strides {strides} and "
            f"output_padding {extra} gives {outputs}. Use a larger output_padding, or None."
        )
    return outputs, tuple(pads for _, pads in axes)


def as_output_padding(where: str, value: Any, strides: tuple[int, ...]) -> tuple[int, ...]:
    """Return `output_padding` for each axis; it must be less than the stride."""
    extra = checks.as_tuple(where, "output_padding", value, len(strides), minimum=0)
    if any(p >= s for p, s in zip(extra, strides, strict=True)):
        raise ValueError(
            f"{where}: output_padding must be less than strides for each axis, "
            f"got output_padding={extra}, strides={strides}."
        )
    return extra


def _transposed_axis(
    n: int, span: int, s: int, padding: str, output_padding: int | None
) -> tuple[int, Pair]:
    full = (n - 1) * s + span  # where each of n inputs, s apart, adds `span` numbers
    if padding == "valid":
        return full + (max(s - span, 0) if output_padding is None else output_padding), (0, 0)
    out = n * s if output_padding is None else (n - 1) * s + span % 2 + output_padding
    left = max(full - out, 0) // 2
    return out, (left, max(full - out - left, 0))
