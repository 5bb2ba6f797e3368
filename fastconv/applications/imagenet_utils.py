"""Pixels in and class names out, for networks trained on ImageNet."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend
from ..datasets.download import cache_path
from ..layers import KerasTensor
from ..ops import checks

#: Mode: what pixels in [0, 255] are divided by, then the mean and the deviation of each channel.
#: "caffe" also turns RGB into BGR. The numbers are those of the ImageNet training set.
_MODES: dict[str, tuple[float, Any, Any]] = {
    "caffe": (1.0, (103.939, 116.779, 123.68), 1.0),
    "tf": (127.5, 1.0, 1.0),
    "torch": (255.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
}

CLASS_INDEX_FILE = "imagenet_class_index.json"
CLASS_INDEX_VARIABLE = "FASTCONV_CLASS_INDEX"


def preprocess_input(x: Any, data_format: str | None = None, mode: str = "caffe") -> Any:
    """Scale images as the weights of a network expect them.

    Parameters
    ----------
    x : array (H, W, 3) or (N, H, W, 3), or KerasTensor
        RGB pixels in [0, 255]. Not written to, unlike in Keras.
    data_format : str, optional
    mode : "caffe", "tf" or "torch"
        "caffe" turns RGB into BGR and takes away the mean of each channel, "tf" scales to [-1, 1],
        "torch" scales to [0, 1] and then to mean 0 and deviation 1 of each channel.

    Returns
    -------
    x : array, float32 unless the pixels were another float

    Raises
    ------
    ValueError
        `mode` or `data_format` is unknown, or the images have not three channels.
    """
    scale, mean, deviation = _MODES[checks.one_of("preprocess_input", "mode", mode, _MODES)]
    data_format = backend.check_data_format("preprocess_input", data_format)
    symbolic = isinstance(x, KerasTensor)
    if not symbolic:
        x = np.asarray(x)
        x = x.astype(x.dtype if x.dtype.kind == "f" else backend.floatx(), copy=False)
    axis = -3 if data_format == "channels_first" else -1
    if mode != "tf" and (len(x.shape) not in (3, 4) or x.shape[axis] != 3):
        raise ValueError(
            f"preprocess_input: x must be one or more images of 3 channels with mode={mode!r} and "
            f"data_format={data_format!r}, got shape {x.shape}."
        )
    if mode == "caffe":
        if symbolic:
            raise ValueError(
                "preprocess_input: a symbolic tensor cannot be turned from RGB into BGR; "
                "preprocess the arrays before the model gets them."
            )
        x = np.flip(x, axis)

    def along_channels(values: Any) -> Any:
        if isinstance(values, float):
            return values
        return np.reshape(values, (3, 1, 1) if axis == -3 else (3,)).astype(x.dtype)

    y = x / scale - along_channels(mean)
    return y if deviation == 1.0 else y / along_channels(deviation)


def decode_predictions(
    preds: Any, top: int = 5, class_index: str | os.PathLike[str] | None = None
) -> list[list[tuple[str, str, Any]]]:
    """Return the names of the most probable classes of each sample.

    Parameters
    ----------
    preds : array (samples, classes)
    top : int
        How many classes to return.
    class_index : path, optional
        A JSON file like ImageNet's `imagenet_class_index.json`: {"0": ["n01440764", "tench"], ...}.
        By default the one that the environment variable FASTCONV_CLASS_INDEX names, or the one
        that Keras keeps in `~/.keras/models`.

    Returns
    -------
    classes : list of list of (identifier, name, probability)
        The most probable class comes first.

    Raises
    ------
    ValueError
        There is no class index, or `preds` does not fit it.
    """
    preds = np.asarray(preds)
    names = _read_class_index(class_index)
    if preds.ndim != 2 or preds.shape[1] != len(names):
        raise ValueError(
            f"decode_predictions: preds must have shape (samples, {len(names)}), the number of "
            f"classes in the class index, got {preds.shape}."
        )
    best = np.argsort(-preds, axis=1, kind="stable")[
        :, : checks.as_int("decode_predictions", "top", top)
    ]
    return [
        [(*names[i], sample[i]) for i in order] for sample, order in zip(preds, best, strict=True)
    ]


def _read_class_index(path: str | os.PathLike[str] | None) -> list[tuple[str, str]]:
    """Return the (identifier, name) of each class."""
    where = "decode_predictions"
    path = path or os.environ.get(CLASS_INDEX_VARIABLE) or cache_path(CLASS_INDEX_FILE, "models")
    try:
        with open(path, encoding="utf-8") as source:
            entries = json.load(source)
    except FileNotFoundError:
        raise ValueError(
            f"{where}: there is no class index {os.fspath(path)!r}. It is not downloaded; pass "
            f"class_index= or set {CLASS_INDEX_VARIABLE} to the path of {CLASS_INDEX_FILE}."
        ) from None
    except ValueError:
        raise ValueError(f"{where}: class_index {os.fspath(path)!r} must hold JSON.") from None
    try:
        return [(str(entries[str(i)][0]), str(entries[str(i)][1])) for i in range(len(entries))]
    except (KeyError, IndexError, TypeError):
        raise ValueError(
            f"{where}: class_index {os.fspath(path)!r} must hold "
            f'{{"0": [identifier, name], "1": ...}}.'
        ) from None


def preprocessor(mode: str) -> Callable[..., Any]:
    """Return the `preprocess_input` of a network's module."""

    def preprocess(x: Any, data_format: str | None = None) -> Any:
        return preprocess_input(x, data_format, mode)

    preprocess.__name__ = preprocess.__qualname__ = "preprocess_input"
    preprocess.__doc__ = f"Scale images as the network expects them: mode {mode!r}."
    return preprocess


def leave_input(x: Any, data_format: str | None = None) -> Any:
    """Return `x`: the network itself scales the pixels in [0, 255] that it is fed."""
    backend.check_data_format("preprocess_input", data_format)
    return x
