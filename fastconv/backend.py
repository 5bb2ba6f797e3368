"""What `keras.backend` offers a CNN user: a few process-wide settings."""

from __future__ import annotations

from typing import Any

from . import naming
from .arguments import as_real
from .ops import checks

_DATA_FORMATS = ("channels_last", "channels_first")
_epsilon = 1e-7


def epsilon() -> float:
    """Return the small number that keeps logarithms and divisions finite (1e-7 unless set)."""
    return _epsilon


def set_epsilon(value: float) -> None:
    """Set the number that `epsilon` returns; it must be positive."""
    global _epsilon
    checked = as_real("set_epsilon", "value", value)
    if checked <= 0:
        raise ValueError(f"set_epsilon: value must be positive, got {checked}.")
    _epsilon = checked


def floatx() -> str:
    """Return the type of weights and activations, always "float32"."""
    return "float32"


def set_floatx(value: str) -> None:
    """Accept "float32", the only type there is.

    Raises
    ------
    ValueError
        `value` is another type.
    """
    if value != "float32":
        raise ValueError(f'set_floatx: value must be "float32", got {value!r}.')


def image_data_format() -> str:
    """Return the order of image axes, always "channels_last": (N, H, W, C)."""
    return "channels_last"


def set_image_data_format(data_format: str) -> None:
    """Accept "channels_last", the only order supported.

    Raises
    ------
    ValueError
        `data_format` is "channels_first" or unknown.
    """
    check_data_format("set_image_data_format", data_format)


def check_data_format(where: str, data_format: Any) -> str:
    """Return `data_format`, or the default for None.

    Raises
    ------
    ValueError
        It is "channels_first", which is not supported, or unknown.
    """
    if data_format is None:
        return image_data_format()
    if checks.one_of(where, "data_format", data_format, _DATA_FORMATS) == "channels_first":
        raise ValueError(
            f'{where}: data_format must be "channels_last", got "channels_first"; '
            f"bring images to (N, H, W, C) with x.transpose(0, 2, 3, 1)."
        )
    return image_data_format()


def clear_session(free_memory: bool = True) -> None:
    """Restart automatic names: the next Conv2D is called "conv2d" again.

    Parameters
    ----------
    free_memory : bool
        Accepted for Keras's sake; there is no global graph to free.
    """
    del free_memory
    naming.reset_names()
