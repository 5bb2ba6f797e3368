"""Names of files, and writing them so that the old file stays whole until the new one is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def as_path(where: str, filepath: Any, endings: tuple[str, ...]) -> str:
    """Return a path as a string that ends in one of `endings`.

    Raises
    ------
    TypeError
        It is no path.
    ValueError
        It ends otherwise.
    """
    try:
        path = os.fsdecode(filepath)
    except TypeError:
        raise TypeError(
            f"{where}: the file must be given by its path, got {type(filepath).__name__}."
        ) from None
    if not path.endswith(endings):
        listed = " or ".join(f'"{ending}"' for ending in endings)
        raise ValueError(f'{where}: the name of the file must end in {listed}, got "{path}".')
    return path


def check_readable(where: str, path: str) -> None:
    """Raise FileNotFoundError or IsADirectoryError unless there is such a file."""
    if os.path.isdir(path):
        raise IsADirectoryError(f"{where}: {path} is a folder, not a file.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"{where}: there is no file {path}.")


@contextmanager
def replacing(where: str, path: str, overwrite: bool = True) -> Iterator[str]:
    """Give a path to write to; what is there in the end takes the place of `path`, whole.

    If writing fails, the old file stays and the new one is removed.

    Raises
    ------
    FileExistsError
        There is such a file, and `overwrite` is false.
    FileNotFoundError
        There is no such folder.
    """
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{where}: {path} exists, and overwrite is False.")
    folder = os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        raise FileNotFoundError(f"{where}: there is no folder {folder} for {path}.")
    if os.path.isdir(path):
        raise IsADirectoryError(f"{where}: {path} is a folder, not a file.")
    partial = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    try:
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)
