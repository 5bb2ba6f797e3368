"""What `keras.backend` offers a CNN user: a few process-wide settings."""

from __future__ import annotations

from typing import Any

from . import naming
from .arguments import as_real
from .ops import checks

_DATA_FORMATS = ("channels_last", "channels_first")
#: What other frameworks call them.
_OTHER_NAMES = {"nhwc": "channels_last", "nchw": "channels_first"}
_epsilon = 1e-7
_image_data_format = "channels_last"
_batch_normalization_folding = True


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
    """Return the order of axes of layers that are not told: "channels_last" unless set."""
    return _image_data_format


def set_image_data_format(data_format: str) -> None:
    """Set the order of axes of layers that are not told: (N, H, W, C) or (N, C, H, W).

    Parameters
    ----------
    data_format : "channels_last" or "channels_first"

    Raises
    ------
    ValueError
        `data_format` is something else.
    """
    global _image_data_format
    _image_data_format = checks.one_of(
        "set_image_data_format", "data_format", data_format, _DATA_FORMATS
    )


def batch_normalization_folding() -> bool:
    """Return whether inference folds batch normalization into the layer before it."""
    return _batch_normalization_folding


def set_batch_normalization_folding(enabled: bool) -> None:
    """Choose whether `predict`, `evaluate` and `model(x)` fold batch normalization; they do.

    A convolution or Dense layer that only a BatchNormalization reads then runs with kernel and
    bias multiplied by its scale, computed in float64, and the normalization costs nothing. The
    result differs in its last bits; it is still the same for any batch size and number of threads.
    """
    global _batch_normalization_folding
    _batch_normalization_folding = bool(enabled)


def check_data_format(where: str, data_format: Any) -> str:
    """Return `data_format`, in lower case, or the default for None.

    Raises
    ------
    ValueError
        It is neither "channels_last" nor "channels_first".
    """
    if data_format is None:
        return image_data_format()
    word = data_format.lower() if isinstance(data_format, str) else data_format
    if word in _OTHER_NAMES:
        raise ValueError(
            f'{where}: data_format must be "channels_last" or "channels_first", '
            f'got "{data_format}". Did you mean "{_OTHER_NAMES[word]}"?'
        )
    return checks.one_of(where, "data_format", word, _DATA_FORMATS)


def clear_session(free_memory: bool = True) -> None:
    """Restart automatic names: the next Conv2D is called "conv2d" again.

    Parameters
    ----------
    free_memory : bool
        Accepted for Keras's sake; there is no global graph to free.
    """
    del free_memory
    naming.reset_names()
