"""Names of `keras.preprocessing.image`, and `ImageDataGenerator` of `tensorflow.keras`."""

from __future__ import annotations

from ..utils.images import array_to_img, img_to_array, load_img, save_img, smart_resize
from .generator import ImageDataGenerator
from .iterators import DirectoryIterator, Iterator, NumpyArrayIterator

__all__ = [
    "DirectoryIterator",
    "ImageDataGenerator",
    "Iterator",
    "NumpyArrayIterator",
    "array_to_img",
    "img_to_array",
    "load_img",
    "save_img",
    "smart_resize",
]
