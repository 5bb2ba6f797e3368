"""Read CIFAR-10 and CIFAR-100: 60,000 color images of 32x32 pixels.

A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009. The authors' files are
Python pickles; they are read by an unpickler that can make nothing but arrays of numbers.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Callable, Sequence
from typing import IO, Any

import numpy as np

from . import idx
from .download import cache_path, get_file

SIZE = 32
_PIXELS = 3 * SIZE * SIZE


class _Unpickler(pickle.Unpickler):
    """Reads dictionaries, lists, numbers, bytes and plain NumPy arrays, and calls nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = {
            ("numpy", "ndarray"): np.ndarray,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _as_bytes,  # bytes in Python 3's pickles of protocol 2
        }
        if name == "_reconstruct" and module in (
            "numpy.core.multiarray",
            "numpy._core.multiarray",
        ):
            return _empty_array
        if (module, name) not in allowed:
            raise pickle.UnpicklingError(f"it refers to {module}.{name}, which is not allowed")
        return allowed[module, name]


def _empty_array(cls: Any, shape: Any, code: Any) -> np.ndarray:
    """Return what an array's state is then put into, as NumPy's `_reconstruct` does."""
    if cls is not np.ndarray or tuple(shape) != (0,):
        raise pickle.UnpicklingError("it holds an array of an unknown kind")
    return np.ndarray((0,), np.uint8)


def _as_bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds text in the encoding {encoding!r}")
    return text.encode("latin1")


def load(
    name: str,
    folder: str,
    files: tuple[Sequence[str], Sequence[str]],
    label_key: str,
    origin: str,
    sha256: str,
    classes: int,
) -> idx.Splits:
    """Load a data set from `$FASTCONV_DATA`, Keras's cache, or the network, in this order.

    Parameters
    ----------
    name : str
        "cifar10": name of the folder in `$FASTCONV_DATA`.
    folder : str
        Folder within the authors' archive.
    files : pair of sequence of str
        Names of the training and the test files in it.
    label_key : str
        Name of the labels in a file.
    origin, sha256 : str
        Address and hash of the archive.
    classes : int
        Number of classes.

    Raises
    ------
    OSError
        The data set is neither on this machine nor to be had from the network.
    ValueError
        A file is damaged.
    """
    target = f"{folder}-target"  # as Keras calls it
    root = os.environ.get(idx.DATA_VARIABLE)
    places = [cache_path(os.path.join(target, folder)), cache_path(folder)]
    if root:
        own = os.path.join(os.path.expanduser(root), name)
        places[:0] = [own, os.path.join(own, folder)]
    for place in places:
        if os.path.isfile(os.path.join(place, files[1][0])):
            return _read(
                lambda file, place=place: open(os.path.join(place, file), "rb"),  # type: ignore[misc]
                files, label_key, classes,
            )  # fmt: skip
    archive = get_file(
        f"{target}_archive",
        origin,
        sha256,
        advice=f" Or set {idx.DATA_VARIABLE} to a folder that has {name}/{folder}/.",
    )
    return _read_archive(archive, folder, files, label_key, classes)


def _read_archive(
    archive: str, folder: str, files: Any, label_key: str, classes: int
) -> idx.Splits:
    """Read the files out of the archive; nothing is extracted."""
    import tarfile

    try:
        with tarfile.open(archive) as tar:

            def member(file: str) -> IO[bytes]:
                found = tar.extractfile(f"{folder}/{file}")
                if found is None:
                    raise KeyError(f"{file} is no file")
                return found

            return _read(member, files, label_key, classes)
    except (tarfile.TarError, KeyError, EOFError) as error:
        raise ValueError(f"{archive} is damaged ({error}); delete it.") from error


def _read(
    source: Callable[[str], IO[bytes]], files: Any, label_key: str, classes: int
) -> idx.Splits:
    train, test = (
        [_read_batch(source, file, label_key, classes) for file in part] for part in files
    )
    return _joined(train), _joined(test)


def _joined(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    images, labels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return images, labels


def _read_batch(
    source: Callable[[str], IO[bytes]], file: str, label_key: str, classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return images (n, 32, 32, 3) and labels (n, 1), uint8."""
    with source(file) as opened:
        content = opened.read()
    try:
        # Python 2 wrote the files, with text that is bytes here.
        batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        data, labels = batch[b"data"], np.asarray(batch[label_key.encode()])
        if data.dtype != np.uint8 or data.shape != (len(labels), _PIXELS):
            raise ValueError(f"its images are {data.dtype} {data.shape}")
        if labels.dtype.kind not in "iu" or not ((labels >= 0) & (labels < classes)).all():
            raise ValueError(f"its labels are not all numbers below {classes}")
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise ValueError(f"{file} is not a CIFAR file: {error}.") from error
    images = data.reshape(-1, 3, SIZE, SIZE).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), labels.astype(np.uint8)[:, None]
