"""HDF5 files, read with care: every link, type and size is looked at before anything is read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np

from .. import progress
from . import hdf5_structure

T = TypeVar("T")

#: Elements of a chunk of a compressed data set that are always accepted: it is unpacked whole.
CHUNK_ELEMENTS = 1 << 22


#: What h5py raises when it meets damage behind the file's head.
_DAMAGE = (
    OSError,
    RuntimeError,
    LookupError,
    TypeError,
    UnicodeError,
    AttributeError,
    OverflowError,
)


class Misfit(ValueError):
    """What is in the file does not fit the model."""


def h5py() -> Any:
    """Return h5py, which is slow to load."""
    import h5py  # type: ignore[import-untyped]

    return h5py


@contextmanager
def opened(where: str, source: Any, name: str) -> Iterator[Any]:
    """Open a file for reading.

    Parameters
    ----------
    where, name : str
        For messages: who reads, and what the file is called.
    source : str or file object

    Raises
    ------
    ValueError
        It is no HDF5 file, or is damaged.
    """
    what = f"{where}: {name}"
    try:
        hdf5_structure.check(source)
        file = h5py().File(source, "r")
    except (OSError, RuntimeError, ValueError, KeyError, OverflowError) as error:
        size = f" ({os.path.getsize(source)} bytes)" if isinstance(source, str) else ""
        raise ValueError(f"{what}{size} is not a valid HDF5 file: {error}") from error
    with file:
        try:
            yield file
        except _DAMAGE as error:
            if isinstance(error, FileNotFoundError):
                raise
            raise ValueError(
                f"{what} is damaged, or not a file of this kind: {type(error).__name__}: {error}"
            ) from error


def group(parent: Any, path: str) -> Any:
    """Return the group at a path, None if there is none. No links are followed.

    Raises
    ------
    ValueError
        On the way lies a link, or something that is no group.
    """
    found = parent
    for part in path.split("/") if path else ():
        found = _member(found, part)
        if found is None:
            return None
        if not isinstance(found, h5py().Group):
            raise ValueError(f"{where_of(found)} is not a group.")
    return found


def has(parent: Any, name: str) -> bool:
    """Return whether a group has such a member."""
    return parent.get(name, getlink=True) is not None


def dataset(parent: Any, name: str) -> Any:
    """Return a data set of numbers that lies within the file, None if there is none.

    Raises
    ------
    ValueError
        It is something else.
    """
    data = _member(parent, name)
    if data is None:
        return None
    where = where_of(data)
    if not isinstance(data, h5py().Dataset):
        raise ValueError(f"{where} is not a data set.")
    if data.external or data.is_virtual:
        raise ValueError(f"{where} is kept outside the file, which is not allowed.")
    if data.shape is None or data.dtype.kind not in "fiu":
        raise ValueError(f"{where} must hold numbers, got type {data.dtype}.")
    return data


def array(parent: Any, name: str, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return a data set of a known shape.

    Raises
    ------
    Misfit
        It has another shape, or is not there.
    ValueError
        It is not a plain array of numbers within the file.
    """
    data = dataset(parent, name)
    if data is None:
        raise Misfit(f"{what} is not in the file.")
    if data.shape != shape:
        raise Misfit(f"{what} must have shape {shape}, the file has {data.shape}.")
    if data.chunks is not None and math.prod(data.chunks) > max(CHUNK_ELEMENTS, math.prod(shape)):
        raise ValueError(
            f"{where_of(data)} has chunks of {data.chunks}, larger than the array: refused."
        )
    if data.attrs.get("dtype") == "bfloat16":
        # Kept as 16-bit integers: the upper half of a float32.
        upper: np.ndarray = data[()].astype(np.uint32)
        return (upper << 16).view(np.float32)
    return np.asarray(data[()])


def read_or_keep(where: str, skip_mismatch: bool, read: Callable[[], list[T]]) -> list[T]:
    """Return what `read` returns; if it does not fit the model, nothing, with a warning.

    Raises
    ------
    ValueError
        It does not fit, and `skip_mismatch` is false.
    """
    try:
        return read()
    except Misfit as error:
        if not skip_mismatch:
            raise ValueError(f"{where}: {error}") from None
        progress.warn(f"{where}: {error} The layer keeps its weights.")
        return []


def text(parent: Any, name: str, limit: int) -> str | None:
    """Return an attribute that holds a text of at most `limit` bytes, None if there is none."""
    if name not in parent.attrs:
        return None
    _check_attribute(parent, name, limit)
    value = parent.attrs[name]
    if isinstance(value, bytes):
        return value.decode("utf-8")
    if not isinstance(value, str):
        raise ValueError(
            f"{where_of(parent)}: the attribute {name} must be a text, got {type(value).__name__}."
        )
    return value


def texts(parent: Any, name: str, limit: int) -> list[str] | None:
    """Return an attribute that lists texts, None if there is none.

    Keras cuts a list that is too long for one attribute into `name`0, `name`1 ...
    """
    parts = [name] if name in parent.attrs else []
    while not parts or parts[-1] != name:
        part = f"{name}{len(parts)}"
        if part not in parent.attrs:
            break
        parts.append(part)
    if not parts:
        return None
    found: list[str] = []
    for part in parts:
        _check_attribute(parent, part, limit)
        found += [
            item.decode("utf-8") if isinstance(item, bytes) else str(item)
            for item in np.atleast_1d(parent.attrs[part])
        ]
    return found


def where_of(item: Any) -> str:
    """Return how messages name something in a file."""
    name = item.file.filename
    name = os.fsdecode(name) if isinstance(name, (str, bytes)) else "file"
    return f"{name}: {item.name}"


def _member(parent: Any, name: str) -> Any:
    link = parent.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py().HardLink):
        raise ValueError(
            f"{where_of(parent)}: {name} is a link ({type(link).__name__}), which is not allowed."
        )
    return parent[name]


def _check_attribute(parent: Any, name: str, limit: int) -> None:
    """Raise ValueError if the attribute declares more than `limit` bytes."""
    attribute = parent.attrs.get_id(name)
    if math.prod(attribute.shape or ()) * attribute.dtype.itemsize > limit:
        raise ValueError(f"{where_of(parent)}: the attribute {name} is too large: refused.")
