"""Fetch a file once and keep it in Keras's cache folder, so that both libraries share it.

A download is written beside its target and put in place only when it is complete and its hash is
right: what was in the cache before survives every failure.
"""

from __future__ import annotations

import os
from collections.abc import Callable

TIMEOUT_SECONDS = 30.0
CHUNK_BYTES = 1 << 18
#: Names of hashes in `hashlib`, and to people.
ALGORITHMS = {"sha256": "SHA-256", "md5": "MD5"}


def keras_home() -> str:
    """Return Keras's own folder: `$KERAS_HOME`, or `~/.keras`."""
    return os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")


def cache_path(fname: str, cache_subdir: str = "datasets", cache_dir: str | None = None) -> str:
    """Return where `get_file` keeps the file `fname`."""
    folder = keras_home() if cache_dir is None else os.path.expanduser(cache_dir)
    return os.path.join(folder, cache_subdir, fname)


def get_file(
    fname: str,
    origin: str,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    cache_dir: str | None = None,
    force_download: bool = False,
    advice: str = "",
    schemes: tuple[str, ...] = ("https://", "http://"),
) -> str:
    """Return the path of a cached file, downloading it first if need be.

    Parameters
    ----------
    fname : str
        Name of the file in the cache.
    origin : str
        Its http:// or https:// address.
    file_hash : str, optional
        Its SHA-256 (or MD5, by its length) in hexadecimal. A cached file with another hash is
        downloaded again.
    cache_subdir, cache_dir : str
        The file is `cache_dir/cache_subdir/fname`; `cache_dir` defaults to `$KERAS_HOME` or
        `~/.keras`.
    force_download : bool
        Download even if the file is in the cache.
    advice : str
        Added to the message when the download fails: another way to get the file.
    schemes : tuple of str
        How `origin` may begin.

    Returns
    -------
    path : str

    Raises
    ------
    OSError
        The download failed (no network, an error of the server, a broken connection), or the cache
        folder cannot be written.
    ValueError
        The downloaded file has the wrong hash, or `origin` is not a web address.
    """
    if not origin.startswith(schemes):
        raise ValueError(f"get_file: origin must be an http(s) address, got {origin!r}.")
    algorithm = "md5" if file_hash is not None and len(file_hash) == 32 else "sha256"
    target = cache_path(fname, cache_subdir, cache_dir)
    if (
        not force_download
        and os.path.isfile(target)
        and (file_hash is None or _hash_of(target, algorithm) == file_hash.lower())
    ):
        return target
    print(f"Downloading {origin}")
    # Unique, so that two processes may fetch the same file; created with the user's permissions.
    partial = f"{target}.{os.urandom(6).hex()}.part"
    try:
        found = _download(origin, partial, target, algorithm, advice)
        if file_hash is not None and found != file_hash.lower():
            raise ValueError(
                f"get_file: {origin} has {ALGORITHMS[algorithm]} {found}, expected {file_hash}. The"
                f" file was not kept; {target} is as it was.{advice}"
            )
        os.replace(partial, target)
    finally:
        if os.path.exists(partial):
            os.remove(partial)
    return target


def _hash_of(path: str, algorithm: str) -> str:
    """Return the hash of a file in hexadecimal."""
    with open(path, "rb") as source:
        return _pump(source.read, lambda block: None, algorithm)[0]


def _download(origin: str, partial: str, target: str, algorithm: str, advice: str) -> str:
    """Write the file at `origin` to `partial` and return its hash."""
    import http.client
    import urllib.request

    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with urllib.request.urlopen(origin, timeout=TIMEOUT_SECONDS) as response:
            announced = response.headers.get("Content-Length")
            with open(partial, "xb") as sink:
                found, received = _pump(response.read, sink.write, algorithm)
                sink.flush()
                os.fsync(sink.fileno())
        # read(amount) reports a connection that broke early as a normal end of file.
        if announced is not None and received != int(announced):
            raise OSError(f"the connection ended after {received} of {announced} bytes")
    except (OSError, http.client.HTTPException) as error:  # URLError is an OSError
        raise OSError(
            f"get_file: could not download {origin} ({error}). Without a network, put the file at"
            f" {target}.{advice}"
        ) from None
    return found


def _pump(
    read: Callable[[int], bytes], write: Callable[[bytes], object], algorithm: str
) -> tuple[str, int]:
    """Copy blocks from `read` to `write`; return their hash and the number of bytes."""
    import hashlib

    digest, count = hashlib.new(algorithm), 0
    while block := read(CHUNK_BYTES):
        digest.update(block)
        write(block)
        count += len(block)
    return digest.hexdigest(), count
