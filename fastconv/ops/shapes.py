"""All shape and padding arithmetic. Sizes are per axis; everything here is plain Python ints.

The rules are TensorFlow's, which Keras documents: "valid" adds nothing and gives
floor((n - k_e) / s) + 1 outputs, "same" gives ceil(n / s) outputs and puts the odd zero at the
bottom/right, where k_e = (k - 1) * d + 1 is the extent of the dilated window.
"""

from __future__ import annotations

from typing import Any

from . import checks

#: What `padding` may be above ops; below, it is always four integers.
PADDINGS = ("valid", "same")

Pads = tuple[tuple[int, int], tuple[int, int]]


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
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int] = (1, 1),
) -> Pads:
    """Return ((top, bottom), (left, right)) for "valid", "same" or explicit pads."""
    if isinstance(padding, str):
        word = checks.one_of(where, "padding", padding.lower(), PADDINGS)
        if word == "valid":
            return (0, 0), (0, 0)
        (h, w), (kh, kw), (sh, sw), (dh, dw) = size, window, strides, dilation
        return same_padding(h, kh, sh, dh), same_padding(w, kw, sw, dw)
    try:
        top_bottom, left_right = padding
        top, bottom = (checks.as_int(where, "padding", p, 0) for p in top_bottom)
        left, right = (checks.as_int(where, "padding", p, 0) for p in left_right)
    except (TypeError, ValueError):
        raise ValueError(
            f'{where}: padding must be "valid", "same" or ((top, bottom), (left, right)) of '
            f"integers >= 0, got {padding!r}."
        ) from None
    return (top, bottom), (left, right)


def output_shape(
    where: str,
    size: tuple[int, int],
    window: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int],
    pads: Pads,
) -> tuple[int, int]:
    """Return (OH, OW).

    Raises
    ------
    ValueError
        The window does not fit: the output would be empty.
    """
    result = []
    for axis, n, k, s, d, pad in zip("HW", size, window, strides, dilation, pads, strict=True):
        out = output_size(n, k, s, d, pad)
        if out <= 0:
            what = "height" if axis == "H" else "width"
            raise ValueError(
                f"{where}: empty output: {axis}={n} plus padding {sum(pad)} is less than the "
                f"dilated window {what} {extent(k, d)}. Use padding='same', a smaller window or "
                f"fewer pooling layers."
            )
        result.append(out)
    return result[0], result[1]
