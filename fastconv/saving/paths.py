"""What a file to save to or load from may be, and the formats that older versions of Keras name."""

from __future__ import annotations

from typing import Any

from .. import deprecation


def is_file_object(file: Any) -> bool:
    """Return whether this is an open file and not a path."""
    return hasattr(file, "read") and hasattr(file, "seek")


def endings_of(where: str, save_format: Any, endings: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `endings` that the `save_format` of older versions of Keras allows.

    Raises
    ------
    ValueError
        There is no such format.
    """
    if save_format is None:
        return endings
    deprecation.warn(where, "save_format")
    hdf5 = (".h5", ".hdf5")
    ends = {"keras": (".keras",), "h5": hdf5, "hdf5": hdf5}.get(save_format, ())
    left = tuple(ending for ending in endings if ending.endswith(ends))
    if not left:
        raise ValueError(
            f"{where}: there is no save_format {save_format!r}; the name of the file decides, and "
            f"must end in {' or '.join(endings)}."
        )
    return left
