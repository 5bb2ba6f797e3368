"""Checks of what users give to layers, and their wording: "where: rule, got what".

`where` names the layer: `Conv2D "conv1"`. Sizes that are not known yet are None.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .. import deprecation, dtype_policies
from ..arguments import as_real
from ..ops import checks, shapes

Shape = tuple[int | None, ...]


def as_name(class_name: str, name: Any) -> str:
    """Return the layer name `name`; it must be a string without "/"."""
    if not isinstance(name, str) or "/" in name or not name:
        raise ValueError(f'{class_name}: name must be a string without "/", got {name!r}.')
    return name


def as_dtype_policy(where: str, dtype: Any) -> dtype_policies.DTypePolicy:
    """Return the dtype policy of a layer for any way to say so."""
    try:
        return dtype_policies.get(dtype)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{where}: dtype: {error}") from None


def as_shape(where: str, name: str, shape: Any) -> Shape:
    """Return `shape` as a tuple of ints and None (unknown); NumPy integers are accepted.

    Raises
    ------
    ValueError
        It is not a sequence, or an entry is neither None nor an integer >= 0.
    """
    if isinstance(shape, (str, bytes)) or not isinstance(shape, Iterable):
        hint = f", e.g. ({shape},)" if isinstance(shape, int) else ""
        raise ValueError(f"{where}: {name} must be a tuple of integers{hint}, got {shape!r}.")
    return tuple(None if n is None else checks.as_int(where, name, n, 0) for n in shape)


def batch_shape_of(where: str, declared: Mapping[str, Any]) -> Shape | None:
    """Return the input shape with its batch axis that `input_shape=...` and its kin declare."""
    if declared.get("batch_input_shape") is not None:
        deprecation.warn(where, "batch_input_shape")
        return as_shape(where, "batch_input_shape", declared["batch_input_shape"])
    if declared.get("input_shape") is not None:
        return (None, *as_shape(where, "input_shape", declared["input_shape"]))
    if declared.get("input_dim") is not None:
        return (None, checks.as_int(where, "input_dim", declared["input_dim"]))
    return None


def as_padding(where: str, padding: Any, allowed: tuple[str, ...] = shapes.PADDINGS) -> str:
    """Return the padding word in lower case; numbers are sent to ZeroPadding2D."""
    if isinstance(padding, str):
        return checks.one_of(where, "padding", padding.lower(), allowed)
    listed = ", ".join(f'"{word}"' for word in allowed)
    raise ValueError(
        f"{where}: padding must be one of {listed}, got {padding!r}. "
        f"For padding by numbers put a ZeroPadding2D layer before this one."
    )


def as_rate(where: str, name: str, rate: Any) -> float:
    """Return a fraction in [0, 1]; percentages get a hint."""
    number = as_real(where, name, rate)
    if 0 <= number <= 1:
        return number
    hint = f" Did you mean {number / 100:g}?" if 1 < number <= 100 else ""
    raise ValueError(f"{where}: {name} must be in [0, 1], got {number:g}.{hint}")


def only(where: str, name: str, value: Any, accepted: Any) -> None:
    """Raise ValueError unless `value` is the one that is implemented."""
    if value is not accepted:
        shown = value if isinstance(value, (bool, int, float, str)) else type(value).__name__
        raise ValueError(f"{where}: {name} is not supported, leave it {accepted}, got {shown}.")


def known_channels(where: str, shape: Shape, axis: int = -1) -> int:
    """Return the size of the axis that holds the channels, the last or that after the batch.

    Raises
    ------
    ValueError
        There is no axis besides the batch, or its size is unknown.
    """
    channels = shape[axis] if len(shape) > 1 else None
    if channels is None:
        raise ValueError(
            f"{where}: the size of {_axis_name(axis)} must be known, got input shape {shape}. "
            f"Give Input a complete shape; after Flatten that means a fixed image size, or use "
            f"GlobalAveragePooling2D instead of Flatten."
        )
    return channels


def _axis_name(axis: int) -> str:
    return "the last input axis" if axis == -1 else f"input axis {axis}"


def as_axes(where: str, axis: Any) -> int | list[int]:
    """Return `axis`, an int or a list of ints, as it stands in configs."""
    if isinstance(axis, (list, tuple)):
        axes = [checks.as_int(where, "axis", item, minimum=-32) for item in axis]
        if axes:
            return axes
        raise ValueError(f"{where}: axis must name at least one axis, got {axis!r}.")
    return checks.as_int(where, "axis", axis, minimum=-32)


def resolve_axes(where: str, axis: int | list[int], shape: Shape) -> list[int]:
    """Return axes of an input as numbers from 0, in ascending order.

    Raises
    ------
    ValueError
        The input has no such axis, or one is named twice.
    """
    ndim = len(shape)
    named = [axis] if isinstance(axis, int) else axis
    axes = sorted({a % ndim for a in named if -ndim <= a < ndim})
    if len(axes) != len(named):
        raise ValueError(
            f"{where}: axis must name axes of the input, each once, got axis={axis} for input "
            f"shape {shape}."
        )
    return axes


def known_sizes(where: str, shape: Shape, axes: list[int]) -> tuple[int, ...]:
    """Return the sizes of some axes of the input.

    Raises
    ------
    ValueError
        One is unknown.
    """
    sizes = [shape[axis] for axis in axes]
    known = tuple(size for size in sizes if size is not None)
    if len(known) != len(sizes):
        raise ValueError(
            f"{where}: the size of input axes {axes} must be known, got input shape {shape}. "
            f"Give Input a complete shape."
        )
    return known


def check_sizes(where: str, shape: Shape, axes: list[int], sizes: tuple[int, ...]) -> None:
    """Raise ValueError unless the input has, as far as is known, these sizes along `axes`."""
    for axis, size in zip(axes, sizes, strict=True):
        if shape[axis] not in (None, size):
            raise ValueError(
                f"{where}: input axis {axis} must have size {size}, as when the layer was built, "
                f"got shape {shape}."
            )


def check_fits(where: str, shape: Shape, rank: int | None, axes: str) -> None:
    """Raise ValueError unless an input of `shape` has `rank` axes, if that is not None.

    `axes` says in the message what they are.
    """
    if rank is not None and len(shape) != rank:
        hint = ""
        if len(shape) == rank - 1:
            hint = " A single sample? Use x[None]. No channel axis? Use x[..., None]."
        raise ValueError(f"{where}: input must have shape {axes}, got {shape}.{hint}")


def check_channels(where: str, shape: Shape, channels: int, axis: int) -> None:
    """Raise ValueError unless an input of `shape` has as many channels as the layer was built for.

    `axis` is -1, or 1 for data whose channels are first.
    """
    if shape and shape[axis] in (None, channels):
        return
    hint = ""
    if len(shape) == 4 and shape[-axis] == channels:
        hint = (
            " It looks like channels-first data: use x.transpose(0, 2, 3, 1)."
            if axis == -1
            else " It looks like channels-last data: use x.transpose(0, 3, 1, 2)."
        )
    raise ValueError(
        f"{where}: {_axis_name(axis)} must have size {channels}, as when the layer was built, "
        f"got shape {shape}.{hint}"
    )


def windows_shape(
    where: str,
    size: Shape,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: Any,
) -> Shape:
    """Return the output sizes of a sliding window; unknown ones for unknown input sizes.

    Raises
    ------
    ValueError
        The window does not fit the input.
    """
    # An axis of unknown size takes part as one that the window just fits.
    fits = [shapes.extent(k, d) for k, d in zip(window, dilation, strict=True)]
    sizes = tuple(fit if n is None else n for n, fit in zip(size, fits, strict=True))
    pads = shapes.resolve_padding(where, padding, sizes, window, strides, dilation)
    out = shapes.output_shape(where, sizes, window, strides, dilation, pads)
    return tuple(None if n is None else o for n, o in zip(size, out, strict=True))
