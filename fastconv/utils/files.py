"""Files from the network, kept in Keras's cache folder, and archives unpacked there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import IO, Any

from ..datasets import download
from ..ops import checks

_WHERE = "get_file"
_FORMATS = ("auto", "tar", "zip")


def get_file(
    fname: Any = None,
    origin: Any = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: str = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """Return the path of a file, downloaded unless it is in the cache.

    Parameters
    ----------
    fname : str, optional
        Name in the cache; that at the end of `origin` if not given.
    origin : str
        Address: http://, https:// or file://.
    untar : bool
        Old name of `extract`.
    md5_hash : str, optional
        Old name of `file_hash`.
    file_hash : str, optional
        SHA-256 or MD5 in hexadecimal; a cached file with another hash is downloaded again.
    cache_subdir, cache_dir : str
        The file is kept in `cache_dir/cache_subdir`; `cache_dir` defaults to `$KERAS_HOME` or
        `~/.keras`.
    hash_algorithm : "auto", "sha256" or "md5"
        Kept for Keras's sake: the length of the hash tells.
    extract : bool
        Unpack the archive, and return the folder. Links, and paths that lead out of the folder,
        are refused.
    archive_format : "auto", "tar" or "zip"
    force_download : bool
        Download even if the file is in the cache.

    Returns
    -------
    path : str

    Raises
    ------
    OSError
        The download failed, or the cache cannot be written.
    ValueError
        The hash is wrong, the archive is damaged or unsafe, or an argument is none of those above.
    """
    if not isinstance(origin, str):
        raise ValueError(f"{_WHERE}: origin must be the address of the file, got {origin!r}.")
    checks.one_of(_WHERE, "hash_algorithm", hash_algorithm, ("auto", *download.ALGORITHMS))
    checks.one_of(_WHERE, "archive_format", archive_format, _FORMATS)
    given = bool(fname)
    name = os.fspath(fname) if given else origin.partition("?")[0].rpartition("/")[2]
    if not name or os.path.basename(name) != name or name in (".", ".."):
        raise ValueError(f"{_WHERE}: fname must be a name without a folder, got {name!r}.")
    folder = name
    if extract or untar:
        # The names that Keras uses, so that both find what the other one has downloaded.
        dotted = given and "." in name
        folder = f"{name.partition('.')[0]}_extracted" if dotted else name
        name = name if dotted else f"{name}_archive"
    path = download.get_file(
        name,
        origin,
        file_hash or md5_hash,
        cache_subdir,
        None if cache_dir is None else os.fspath(cache_dir),
        force_download,
        schemes=("https://", "http://", "file://"),
    )
    if not (extract or untar):
        return path
    target = os.path.join(os.path.dirname(path), folder)
    _extract(path, target, "tar" if untar else archive_format)
    return target


def _extract(archive: str, target: str, archive_format: str) -> None:
    """Write the files of an archive into the folder `target`."""
    import shutil
    import tarfile
    import zipfile
    import zlib

    root = os.path.realpath(target)
    try:
        for name, opened in _members(archive, archive_format):
            path = os.path.realpath(os.path.join(root, name))
            if os.path.commonpath([root, path]) != root:
                raise ValueError(f"{name!r} leads out of the folder")
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with opened() as source, open(path, "wb") as sink:
                shutil.copyfileobj(source, sink)
    except (ValueError, EOFError, tarfile.TarError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{_WHERE}: {archive} cannot be unpacked: {error}.") from error


def _members(archive: str, archive_format: str) -> Iterator[tuple[str, Callable[[], IO[bytes]]]]:
    """Yield the name of each file in an archive, and a function that opens it."""
    import tarfile
    import zipfile

    if archive_format in ("auto", "zip") and zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                if not entry.is_dir():
                    yield entry.filename, lambda entry=entry: packed.open(entry)  # type: ignore[misc]
    elif archive_format in ("auto", "tar") and tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tar:
            for member in tar:
                if member.isfile():
                    yield member.name, lambda member=member: tar.extractfile(member)  # type: ignore[misc]
                elif not member.isdir():
                    raise ValueError(f"{member.name!r} is a link or a device")
    else:
        raise ValueError(f"it is no archive of format {archive_format!r}")
