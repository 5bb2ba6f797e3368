"""Read MNIST-like data sets: 60,000 + 10,000 images of 28x28, as four IDX files or one .npz.

IDX is the format of Y. LeCun's MNIST files: two zero bytes, a type byte (8 is uint8), the number of
axes, each length as a big-endian 32-bit integer, then the values.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np

SHAPES = {  # array: shape; the names are the keys of Keras's mnist.npz
    "x_train": (60000, 28, 28),
    "y_train": (60000,),
    "x_test": (10000, 28, 28),
    "y_test": (10000,),
}
IDX_FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
CLASSES = 10
UINT8_TYPE = 8
DATA_VARIABLE = "FASTCONV_DATA"

Splits = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def load_from_data_folder(name: str) -> Splits | None:
    """Load a data set from `$FASTCONV_DATA/<name>/`; None if it is not there.

    The folder holds the four IDX files, gzipped (.gz) or not, or `<name>.npz`.

    Raises
    ------
    FileNotFoundError
        The folder has some of the four files but not all.
    ValueError
        A file is damaged or does not hold what its name says.
    """
    root = os.environ.get(DATA_VARIABLE)
    if not root:
        return None
    folder = os.path.join(os.path.expanduser(root), name)
    found: dict[str, str] = {}
    for key, file in IDX_FILES.items():
        for path in (os.path.join(folder, file), os.path.join(folder, file + ".gz")):
            if os.path.isfile(path):
                found[key] = path
                break
    if len(found) == len(IDX_FILES):
        return read_idx_files(found)
    npz = os.path.join(folder, name + ".npz")
    if os.path.isfile(npz):
        return read_npz(npz)
    if found:
        missing = ", ".join(file for key, file in IDX_FILES.items() if key not in found)
        raise FileNotFoundError(f"{name}.load_data: {folder} lacks {missing} (or .gz).")
    return None


def data_folder_advice(name: str) -> str:
    """Say where `load_from_data_folder` would have found the data set."""
    names = ", ".join(file + ".gz" for file in IDX_FILES.values())
    return (
        f" Or set {DATA_VARIABLE} to a folder that has {name}/ with {names}, or {name}/{name}.npz."
    )


def read_idx_files(paths: Mapping[str, str]) -> Splits:
    """Read the four IDX files, given by the keys of `SHAPES`."""
    return _as_splits("read_idx_files", {key: read_idx(paths[key], SHAPES[key]) for key in SHAPES})


def read_idx(path: str, shape: tuple[int, ...]) -> np.ndarray:
    """Read one IDX file of uint8 values, gzipped if its name ends in .gz.

    Raises
    ------
    ValueError
        The file does not hold exactly one uint8 array of this shape, or is damaged.
    """
    import gzip
    import zlib

    header = bytes([0, 0, UINT8_TYPE, len(shape)]) + np.array(shape, ">i4").tobytes()
    result = np.empty(shape, np.uint8)
    view = result.reshape(-1).data
    opener = gzip.open if path.endswith(".gz") else open
    try:
        with opener(path, "rb") as source:
            found = source.read(len(header))
            filled = 0
            while count := source.readinto(view[filled:]):
                filled += count
            rest = source.read(1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"read_idx: {path} is damaged ({error}); delete it.") from error
    if found != header or filled != result.size or rest:
        raise ValueError(f"read_idx: {path} is not an IDX file of uint8 values of shape {shape}.")
    return result


def read_npz(path: str) -> Splits:
    """Read a file with the arrays of `SHAPES`, as Keras's mnist.npz; never unpickles.

    Raises
    ------
    ValueError
        The file is damaged, or an array is missing or has another shape or dtype.
    """
    import zipfile
    import zlib

    try:
        with open(path, "rb") as source:  # np.load would leave a broken file open
            loaded = np.load(source, allow_pickle=False)
            if not isinstance(loaded, Mapping):
                raise ValueError("it is a single array")
            arrays = {key: loaded[key] for key in SHAPES}
    except (KeyError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(
            f"read_npz: {path} must hold the arrays {', '.join(SHAPES)}: {error}."
        ) from error
    return _as_splits(path, arrays)


def _as_splits(where: str, arrays: Mapping[str, np.ndarray]) -> Splits:
    """Check shapes, dtypes and labels, and put the arrays into Keras's order."""
    for key, shape in SHAPES.items():
        array = arrays[key]
        if array.shape != shape or array.dtype != np.uint8:
            raise ValueError(
                f"{where}: {key} must be uint8 {shape}, got {array.dtype} {array.shape}."
            )
        if len(shape) == 1 and array.max() >= CLASSES:
            raise ValueError(f"{where}: {key} must be labels below {CLASSES}, got {array.max()}.")
    return (
        (arrays["x_train"], arrays["y_train"]),
        (arrays["x_test"], arrays["y_test"]),
    )
