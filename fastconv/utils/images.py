"""Image files to arrays and back, through Pillow."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import numpy as np

from .. import backend, ops, progress
from ..ops import checks
from ..ops.aspect_ratio import largest_window

#: color_mode: Pillow's modes that are taken as they are, the first one is what others become.
COLOR_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}
#: Pillow's modes for numbers of channels.
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
#: Pillow's filters, in upper case in `PIL.Image.Resampling`.
_FILTERS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def pillow(where: str) -> Any:
    """Return the module `PIL.Image`.

    Raises
    ------
    ImportError
        Pillow is not installed.
    """
    try:
        from PIL import Image
    except ImportError:
        raise ImportError(
            f"{where} needs Pillow to read and write images: pip install 'fastconv[image]'."
        ) from None
    return Image


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: Any = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Read an image file.

    Parameters
    ----------
    path : str, path or file object
    color_mode : "rgb", "rgba" or "grayscale"
    target_size : (height, width), optional
        Resize the image to that.
    interpolation : "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos"
        Pillow's way to resize.
    keep_aspect_ratio : bool
        Cut off what does not fit instead of distorting the image.

    Returns
    -------
    image : PIL.Image.Image

    Raises
    ------
    ImportError
        Pillow is not installed.
    OSError
        There is no such file, or it is no image.
    TypeError, ValueError
        An argument is none of those above.
    """
    where = "load_img"
    checks.one_of(where, "color_mode", color_mode, COLOR_MODES)
    checks.one_of(where, "interpolation", interpolation, _FILTERS)
    image_module = pillow(where)
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not (isinstance(path, (str, os.PathLike)) or hasattr(path, "read")):
        raise TypeError(
            f"{where}: path must be a path or a file object, got {type(path).__name__}."
        )
    with image_module.open(path) as image:
        image.load()
    modes = COLOR_MODES[color_mode]
    if image.mode not in modes:
        image = image.convert(modes[0])
    if target_size is None:
        return image
    height, width = checks.as_pair(where, "target_size", target_size)
    if image.size == (width, height):
        return image
    box = None
    if keep_aspect_ratio:
        top, left, h, w = largest_window((image.height, image.width), (height, width))
        box = (left, top, left + w, top + h)
    resampling = getattr(image_module, "Resampling", image_module)
    return image.resize((width, height), getattr(resampling, interpolation.upper()), box=box)


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """Return an image as an array.

    Parameters
    ----------
    img : PIL.Image.Image, or array (H, W) or (H, W, C)
    data_format : "channels_last", "channels_first" or None
    dtype : optional
        "float32" if not given.

    Returns
    -------
    x : array (H, W, C), or (C, H, W)

    Raises
    ------
    ValueError
        The image has not two or three axes.
    """
    data_format = backend.check_data_format("img_to_array", data_format)
    x = np.asarray(img, dtype=np.float32 if dtype is None else dtype)
    if x.ndim == 2:
        x = x[..., None]
    elif x.ndim != 3:
        raise ValueError(f"img_to_array: img must have 2 or 3 axes, got shape {x.shape}.")
    return x.transpose(2, 0, 1) if data_format == "channels_first" else x


def array_to_img(
    x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None
) -> Any:
    """Return an array as an image.

    Parameters
    ----------
    x : array (H, W, C), or (C, H, W)
        One channel (gray), three (RGB) or four (RGBA).
    data_format : "channels_last", "channels_first" or None
    scale : bool
        Stretch the values to 0..255; otherwise they must be in that range.
    dtype : optional
        Type to compute in, "float32" if not given.

    Returns
    -------
    image : PIL.Image.Image

    Raises
    ------
    ImportError
        Pillow is not installed.
    ValueError
        The array has not three axes, or another number of channels.
    """
    where = "array_to_img"
    data_format = backend.check_data_format(where, data_format)
    image_module = pillow(where)
    x = np.asarray(x, dtype=np.float32 if dtype is None else dtype)
    if x.ndim != 3:
        raise ValueError(f"{where}: x must be one image with 3 axes, got shape {x.shape}.")
    if data_format == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[2] not in _MODES:
        raise ValueError(f"{where}: x must have 1, 3 or 4 channels, got {x.shape[2]}.")
    if scale and x.size:
        x = x - x.min()
        largest = x.max()
        x = (x / largest if largest != 0 else x) * 255
    if x.shape[2] == 1:
        # Gray values above 255 make an image of 32-bit integers.
        wide = x.size and x.max() > 255
        return image_module.fromarray(x[:, :, 0].astype(np.int32 if wide else np.uint8))
    return image_module.fromarray(np.ascontiguousarray(x.astype(np.uint8)))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array to an image file.

    Parameters
    ----------
    path : str, path or file object
    x, data_format, scale
        See `array_to_img`.
    file_format : str, optional
        "png", "jpeg" ...; taken from the end of `path` if not given.
    **kwargs
        More arguments of Pillow's `save`, such as `quality`.

    Raises
    ------
    ImportError
        Pillow is not installed.
    OSError
        The file cannot be written.
    ValueError
        The array is no image, or the format is unknown.
    """
    if file_format is None and isinstance(path, (str, os.PathLike)):
        file_format = pathlib.Path(path).suffix[1:]
    file_format = (file_format or "").lower()
    if file_format == "jpg":
        file_format = "jpeg"
    image = array_to_img(x, data_format=data_format, scale=scale)
    if image.mode == "RGBA" and file_format == "jpeg":
        progress.warn("save_img: JPEG files have no alpha channel; it is left out.")
        image = image.convert("RGB")
    image.save(path, format=file_format or None, **kwargs)


def smart_resize(
    x: Any, size: Any, interpolation: str = "bilinear", data_format: str = "channels_last"
) -> np.ndarray:
    """Resize images without distorting them: what does not fit is cut off.

    Parameters
    ----------
    x : array (H, W, C) or (N, H, W, C), or with the channels first
    size : (height, width)
    interpolation : "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5"
    data_format : "channels_last" or "channels_first"

    Returns
    -------
    y : float32 array of the same rank

    Raises
    ------
    ValueError
        `x` has another rank, or an argument is none of those above.
    """
    where = "smart_resize"
    first = checks.one_of(where, "data_format", data_format, ("channels_last", "channels_first"))
    x = checks.as_float32(where, "x", x)
    if x.ndim not in (3, 4):
        raise ValueError(f"{where}: x must have 3 or 4 axes, got shape {x.shape}.")
    height_width = checks.as_pair(where, "size", size)
    images = x if x.ndim == 4 else x[None]
    if first == "channels_first":
        images = images.transpose(0, 2, 3, 1)
    top, left, h, w = largest_window(images.shape[1:3], height_width)
    y: np.ndarray = ops.resize(
        images[:, top : top + h, left : left + w], height_width, interpolation
    )
    if first == "channels_first":
        y = y.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(y if x.ndim == 4 else y[0])
