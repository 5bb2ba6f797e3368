"""A folder of images as batches: one sub-folder for each class.

animals/cats/*.jpg
animals/dogs/*.jpg
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import backend, config, ops, progress
from ..ops import checks
from ..ops.resizing import INTERPOLATIONS
from .images import COLOR_MODES, img_to_array, load_img, pillow, smart_resize
from .numerical import to_categorical
from .py_dataset import PyDataset

#: Ends of the names of files that are read.
FORMATS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")

_WHERE = "image_dataset_from_directory"
_LABEL_MODES = ("int", "categorical", "binary")


class ImageDataset(PyDataset):
    """Batches of images that are read when they are needed.

    Parameters
    ----------
    file_paths : list of str
    labels : array (n, ...) or None
        What comes with each file.
    class_names : list of str or None
    read : function of a path
        Returns an image.
    batch_size : int or None
        None: give single images, without a batch axis.
    shuffle : bool
        A new order for each epoch.
    seed : int
        Of these orders.

    Attributes
    ----------
    class_names, file_paths
        As above; the files are listed in the order they were found or once shuffled in.
    """

    def __init__(
        self,
        file_paths: list[str],
        labels: np.ndarray | None,
        class_names: list[str] | None,
        read: Callable[[str], np.ndarray],
        batch_size: int | None,
        shuffle: bool,
        seed: int,
    ) -> None:
        super().__init__()
        self.file_paths = file_paths
        self.class_names = class_names
        self._labels = labels
        self._read = read
        self._batch_size = batch_size
        self._rng = np.random.RandomState(seed) if shuffle else None
        self._order = np.arange(len(file_paths))
        self.on_epoch_end()

    def __len__(self) -> int:
        """Return the number of batches."""
        return -(-len(self.file_paths) // (self._batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        """Return batch number `index` of this epoch: (images, labels), or images alone."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"{_WHERE}: there are {len(self)} batches, got index {index}.")
        start = index % len(self) * (self._batch_size or 1)
        rows = self._order[start : start + (self._batch_size or 1)]
        images = self._read_all([self.file_paths[row] for row in rows])
        labels = None if self._labels is None else self._labels[rows]
        if self._batch_size is None:
            images, labels = images[0], None if labels is None else labels[0]
        return images if labels is None else (images, labels)

    def __iter__(self) -> Iterator[Any]:
        """Yield the batches of an epoch, then put the files into a new order."""
        for index in range(len(self)):
            yield self[index]
        self.on_epoch_end()

    def on_epoch_end(self) -> None:
        """Put the files into a new order, if they are to be shuffled."""
        if self._rng is not None:
            self._order = self._rng.permutation(len(self.file_paths))

    def _read_all(self, paths: list[str]) -> np.ndarray:
        """Return images, read by as many threads as there are; the order is that of the paths."""
        threads = min(config.get_num_threads(), len(paths))
        if threads <= 1:
            return np.stack([self._read(path) for path in paths])
        from concurrent.futures import ThreadPoolExecutor  # slow to load, only needed here

        with ThreadPoolExecutor(threads) as pool:
            return np.stack(list(pool.map(self._read, paths)))


class _Reader:
    """Reads a file as a float32 image of one size; an object, so that it can be pickled."""

    def __init__(
        self,
        size: tuple[int, int],
        color_mode: str,
        interpolation: str,
        crop: bool,
        pad: bool,
        data_format: str,
    ) -> None:
        self.size = size
        self.color_mode = color_mode
        self.interpolation = interpolation
        self.crop = crop
        self.pad = pad
        self.data_format = data_format

    def __call__(self, path: str) -> np.ndarray:
        try:
            x = img_to_array(load_img(path, self.color_mode), "channels_last")
        except OSError as error:
            raise OSError(f"{_WHERE}: {path} cannot be read as an image: {error}.") from error
        if self.crop:
            y = smart_resize(x, self.size, self.interpolation)
        elif self.pad:
            y = self._padded(x)
        else:
            y = ops.resize(x[None], self.size, self.interpolation)[0]
        if self.data_format == "channels_first":
            y = y.transpose(2, 0, 1)
        return np.ascontiguousarray(y)

    def _padded(self, x: np.ndarray) -> np.ndarray:
        """Return an image resized to fit, in the middle of zeros."""
        shape = np.array(x.shape[:2], np.float32)
        inner = shape / (shape / np.array(self.size, np.float32)).max()
        h, w = (max(int(n), 1) for n in inner)
        top, left = (int((n - m) / 2) for n, m in zip(self.size, inner, strict=True))
        y = np.zeros((*self.size, x.shape[2]), np.float32)
        y[top : top + h, left : left + w] = ops.resize(x[None], (h, w), self.interpolation)[0]
        return y


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Sequence[str] | None = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Any:
    """Return the images in a folder as batches for `fit`, read when they are needed.

    Parameters
    ----------
    directory : str or path
        With one sub-folder for each class, unless `labels` says otherwise.
    labels : "inferred", None, or list of int
        From the sub-folders, none at all, or one for each file in the order of sorted paths.
    label_mode : "int", "categorical", "binary" or None
        Numbers (n,) int32; one-hot rows (n, classes) float32; 0 and 1 (n, 1) float32; no labels.
    class_names : list of str, optional
        The sub-folders to read, in this order; by default all, sorted.
    color_mode : "rgb", "rgba" or "grayscale"
    batch_size : int or None
        None: single images, without a batch axis.
    image_size : (height, width) or int
    shuffle : bool
        A new order for each epoch; False: sorted by path.
    seed : int, optional
        Of the order of the files, and of each epoch.
    validation_split : float, optional
        Fraction to keep for validation: the last files, after they were shuffled once.
    subset : "training", "validation" or "both", optional
        Which part to return; "both" gives a list of the two.
    interpolation : "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5"
    follow_links : bool
        Go into linked folders.
    crop_to_aspect_ratio, pad_to_aspect_ratio : bool
        Instead of distorting images, cut off what does not fit, or add zeros around them.
    data_format : "channels_last", "channels_first" or None
    format : "tf" or "grain"
        Kept for Keras's sake: the result is an `ImageDataset` in any case.
    verbose : bool
        Print how many files were found.

    Returns
    -------
    dataset : ImageDataset
        Iterates over (images, labels), images float32 of 0..255; has `class_names` and
        `file_paths`.

    Raises
    ------
    ImportError
        Pillow is not installed.
    OSError
        There is no such folder.
    TypeError, ValueError
        An argument is none of those above, or there are no images.
    """
    if labels is None or label_mode is None:
        labels = label_mode = None
    else:
        checks.one_of(_WHERE, "label_mode", label_mode, _LABEL_MODES)
    inferred = isinstance(labels, str)
    if inferred:
        checks.one_of(_WHERE, "labels", labels, ("inferred",))
    elif labels is not None and not isinstance(labels, (list, tuple, np.ndarray)):
        raise TypeError(
            f'{_WHERE}: labels must be "inferred", None or a list, got {type(labels).__name__}.'
        )
    elif class_names is not None:
        raise ValueError(f'{_WHERE}: class_names can only be given with labels="inferred".')
    checks.one_of(_WHERE, "color_mode", color_mode, COLOR_MODES)
    checks.one_of(_WHERE, "format", format, ("tf", "grain"))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            f"{_WHERE}: only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be True."
        )
    read = _Reader(
        checks.as_pair(_WHERE, "image_size", image_size),
        color_mode,
        checks.one_of(_WHERE, "interpolation", interpolation, INTERPOLATIONS),
        bool(crop_to_aspect_ratio),
        bool(pad_to_aspect_ratio),
        backend.check_data_format(_WHERE, data_format),
    )
    if batch_size is not None:
        batch_size = checks.as_int(_WHERE, "batch_size", batch_size)
    parts = _check_split(validation_split, subset, shuffle, seed)
    pillow(_WHERE)
    if seed is None:
        seed = int(np.random.randint(10**6))

    paths, numbers, names = _find(os.fspath(directory), labels, class_names, follow_links, verbose)
    if label_mode == "binary" and len(names) != 2:
        raise ValueError(f'{_WHERE}: label_mode="binary" needs 2 classes, got {len(names)}.')
    if shuffle:
        np.random.RandomState(seed).shuffle(paths)
        np.random.RandomState(seed).shuffle(numbers)
    targets = _encode(numbers, label_mode, len(names))
    held_back = int((validation_split or 0) * len(paths))
    datasets = []
    for part in parts:
        rows = slice(None)
        if part is not None:
            cut = len(paths) - held_back
            rows = slice(None, cut) if part == "training" else slice(cut, None)
            progress.write(f"Using {len(paths[rows])} files for {part}.\n")
        if not paths[rows]:
            raise ValueError(
                f"{_WHERE}: no images found in {directory}"
                f"{f' for {part}' if part else ''}. Files must end in {', '.join(FORMATS)}."
            )
        datasets.append(
            ImageDataset(
                paths[rows],
                None if targets is None else targets[rows],
                names if labels is not None else None,
                read,
                batch_size,
                bool(shuffle) and not (subset == "both" and part == "validation"),
                seed,
            )
        )
    return datasets if subset == "both" else datasets[0]


def _check_split(validation_split: Any, subset: Any, shuffle: bool, seed: Any) -> list[Any]:
    """Return the parts to make: [None] for all files."""
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(
            f"{_WHERE}: validation_split must be between 0 and 1, got {validation_split}."
        )
    if bool(validation_split) != bool(subset):
        raise ValueError(
            f"{_WHERE}: validation_split and subset must be given together, got "
            f"validation_split={validation_split}, subset={subset!r}."
        )
    if not subset:
        return [None]
    checks.one_of(_WHERE, "subset", subset, ("training", "validation", "both"))
    if shuffle and seed is None:
        raise ValueError(
            f"{_WHERE}: validation_split with shuffle needs a seed, or the two subsets would "
            f"share files."
        )
    return ["training", "validation"] if subset == "both" else [subset]


def _find(
    directory: str, labels: Any, class_names: Any, follow_links: bool, verbose: bool
) -> tuple[list[str], np.ndarray, list[str]]:
    """Return the paths of all images, their class numbers, and the names of the classes."""
    if isinstance(labels, str):
        folders = sorted(
            entry.name
            for entry in os.scandir(directory)
            if entry.is_dir() and not entry.name.startswith(".")
        )
        if class_names is not None:
            unknown = [name for name in class_names if name not in folders]
            if unknown:
                raise ValueError(
                    f"{_WHERE}: class_names must be sub-folders of {directory}, got {unknown}; "
                    f"there are {folders}."
                )
            folders = list(class_names)
        names = folders
    else:
        folders, names = [""], []
        os.scandir(directory).close()  # an OSError if there is no such folder
    paths: list[str] = []
    numbers: list[int] = []
    for number, folder in enumerate(folders):
        walk = os.walk(os.path.join(directory, folder), followlinks=follow_links)
        found = [
            os.path.join(root, file)
            for root, _, files in sorted(walk, key=lambda step: step[0])
            for file in sorted(files)
            if file.lower().endswith(FORMATS)
        ]
        paths += found
        numbers += [number] * len(found)
    if labels is not None and not isinstance(labels, str):
        numbers = list(labels)
        if len(numbers) != len(paths):
            raise ValueError(
                f"{_WHERE}: there must be one label for each of {len(paths)} files in {directory}, "
                f"got {len(numbers)}."
            )
        names = [str(label) for label in sorted(set(numbers))]
    if verbose:
        classes = "" if labels is None else f" belonging to {len(names)} classes"
        progress.write(f"Found {len(paths)} files{classes}.\n")
    return paths, np.asarray(numbers, np.int32), names


def _encode(numbers: np.ndarray, label_mode: str | None, classes: int) -> np.ndarray | None:
    """Return class numbers in the form that `label_mode` asks for."""
    if label_mode is None:
        return None
    if label_mode == "int":
        return numbers
    if label_mode == "binary":
        return numbers.astype(np.float32)[:, None]
    return to_categorical(numbers, classes).astype(np.float32)
