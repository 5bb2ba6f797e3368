"""`.keras` files: a ZIP archive with the model's configuration and its weights.

    metadata.json       version and date
    config.json         classes and arguments, see serialization
    model.weights.h5    see weights.py

Keras reads what is written here, and the other way round. Members are found by these names alone,
so that no path in an archive matters; what they may unfold to is limited, see limits.py.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from . import hdf5, limits

if TYPE_CHECKING:
    from ..models.network import Network

METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
#: The version of Keras whose format this is.
KERAS_VERSION = "3.15.1"
#: Weights of more bytes pass through a file instead of memory.
MEMORY_BYTES = 1 << 30
#: Directories of more members are none of a model.
MEMBERS = 100_000
_BLOCK = 1 << 20


class Members:
    """An archive that is open for reading.

    Parameters
    ----------
    name : str
        For messages: who reads which file.
    """

    def __init__(self, archive: zipfile.ZipFile, name: str, size: int) -> None:
        self._archive = archive
        self._name = name
        self.size = size

    def config(self) -> Any:
        """Return the configuration.

        Raises
        ------
        ValueError
            It is missing or damaged.
        """
        self._check(CONFIG, limits.JSON_BYTES)
        stream = io.BytesIO()
        self._unpack(CONFIG, stream)
        return limits.parse_json(f"{self._name}: {CONFIG}", stream.getvalue())

    def weights_bytes(self) -> int:
        """Return the size of the weights file, 0 if there is none."""
        return self._info(WEIGHTS).file_size if WEIGHTS in self._archive.namelist() else 0

    @contextmanager
    def weights(self) -> Iterator[Any]:
        """Open the weights file; its checksum is checked first.

        Raises
        ------
        ValueError
            It is missing or damaged.
        """
        info = self._info(WEIGHTS)
        self._check(WEIGHTS, limits.allowance(info.compress_size))
        large = info.file_size > MEMORY_BYTES
        with tempfile.TemporaryFile() if large else io.BytesIO() as stream:
            self._unpack(WEIGHTS, stream)
            with hdf5.opened(self._name, stream, WEIGHTS) as file:
                yield file

    def _info(self, member: str) -> zipfile.ZipInfo:
        try:
            return self._archive.getinfo(member)
        except KeyError:
            raise ValueError(f"{self._name} has no member {member}.") from None

    def _check(self, member: str, limit: int) -> None:
        """Raise ValueError if a member is said to unfold to more than it may."""
        size = self._info(member).file_size
        if size > limit:
            raise ValueError(
                f"{self._name}: {member} would unfold to {size} bytes; at most {limit} are "
                f"accepted of a member of its size."
            )

    def _unpack(self, member: str, stream: Any) -> None:
        """Copy a member, which is not larger than it says, and whose checksum is right."""
        left = self._info(member).file_size
        try:
            with self._archive.open(member) as source:
                while block := source.read(_BLOCK):
                    left -= len(block)
                    if left < 0:
                        raise ValueError("it is longer than it says")
                    stream.write(block)
                if left:
                    raise ValueError("it is shorter than it says")
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
            raise ValueError(f"{self._name}: the member {member} is damaged: {error}") from error
        except Exception as error:  # of the decompressors of LZMA and bzip2, each its own
            raise ValueError(f"{self._name}: the member {member} is damaged: {error}") from error
        stream.seek(0)


@contextmanager
def opened(where: str, file: Any) -> Iterator[Members]:
    """Open a `.keras` file, given by its path or open itself.

    Raises
    ------
    ValueError
        It is no ZIP archive.
    """
    if isinstance(file, str):
        size, name = os.path.getsize(file), f"{where}: {file}"
    else:
        size, name = file.seek(0, os.SEEK_END), f"{where}: {getattr(file, 'name', 'the file')}"
        file.seek(0)
    try:
        archive = zipfile.ZipFile(file)
    except Exception as error:  # BadZipFile, but also struct.error, OverflowError ... of a bad head
        if isinstance(error, OSError) and not isinstance(error, EOFError) and error.filename:
            raise
        raise ValueError(
            f"{name} ({size} bytes) is not a valid ZIP archive; is it truncated? {error}"
        ) from error
    with archive:
        if len(archive.namelist()) > MEMBERS:
            raise ValueError(f"{name} has more than {MEMBERS} members.")
        yield Members(archive, name, size)


def write(file: Any, model: Network, config_json: str, include_optimizer: bool = True) -> None:
    """Write a model to a path or an open file."""
    import datetime
    import json

    from . import state, weights

    metadata = {
        "keras_version": KERAS_VERSION,
        "date_saved": datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    large = sum(v.value.nbytes for v in model.weights) > MEMORY_BYTES // 4
    with (
        zipfile.ZipFile(file, "w") as archive,
        tempfile.TemporaryFile() if large else io.BytesIO() as stream,
    ):
        with hdf5.h5py().File(stream, "w") as h5:
            weights.write(h5, model, include_optimizer)
            state.write(h5, model)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        for name, text in ((METADATA, json.dumps(metadata)), (CONFIG, config_json)):
            with archive.open(name, "w") as member:
                member.write(text.encode("utf-8"))
        with archive.open(WEIGHTS, "w", force_zip64=size >= zipfile.ZIP64_LIMIT) as member:
            while block := stream.read(_BLOCK):
                member.write(block)
