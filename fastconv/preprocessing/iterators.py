"""What `ImageDataGenerator.flow` and `flow_from_directory` return: endless batches, also by number.

Random numbers are drawn as Keras draws them, but from a generator of each iterator's own: with a
seed, the same images get the same changes as there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator as AnyIterator
from typing import Any

import numpy as np

from .. import progress
from ..ops import checks
from ..utils.images import array_to_img, img_to_array, load_img
from ..utils.py_dataset import PyDataset

#: Ends of the names of files that are read.
FORMATS = ("png", "jpg", "jpeg", "bmp", "ppm", "tif", "tiff")

CLASS_MODES = ("categorical", "binary", "sparse", "input", None)


class Iterator(PyDataset):
    """Batches of `n` samples, one after the other without end. A subclass defines `make_batch`.

    Parameters
    ----------
    n : int
    batch_size : int
    shuffle : bool
        A new order for each epoch.
    seed : int, optional
    """

    def __init__(self, n: int, batch_size: int, shuffle: bool, seed: int | None) -> None:
        super().__init__()
        where = type(self).__name__
        self.n = n
        self.batch_size = checks.as_int(where, "batch_size", batch_size)
        self.shuffle = bool(shuffle)
        self.seed = None if seed is None else checks.as_int(where, "seed", seed, 0)
        self.batch_index = 0
        self.total_batches_seen = 0
        self.index_array: np.ndarray | None = None
        # Without a seed, one that `set_random_seed` determines.
        self._rng = np.random.RandomState(np.random.randint(2**31 - 1) if seed is None else seed)
        self.lock = threading.Lock()

    def make_batch(self, index_array: np.ndarray, rng: np.random.RandomState) -> Any:
        """Return the batch of these samples, changed at random."""
        raise checks.must_define(self, "make_batch(index_array, rng)")

    def __len__(self) -> int:
        """Return the number of batches of an epoch."""
        return -(-self.n // self.batch_size)

    def __getitem__(self, index: int) -> Any:
        """Return batch number `index` of this epoch."""
        if not 0 <= index < len(self):
            raise IndexError(
                f"{type(self).__name__}: there are {len(self)} batches, got index {index}."
            )
        with self.lock:
            rng = self._next_rng()
            self.total_batches_seen += 1
            if self.index_array is None:
                self._set_order(rng)
            assert self.index_array is not None
            rows = self.index_array[self.batch_size * index : self.batch_size * (index + 1)]
        return self.make_batch(rows, rng)

    def __iter__(self) -> AnyIterator[Any]:
        """Return the iterator itself: `for batch in ...` never ends."""
        return self

    def __next__(self) -> Any:
        """Return the next batch."""
        with self.lock:
            rng = self._next_rng()
            if self.batch_index == 0:
                self._set_order(rng)
            assert self.index_array is not None
            start = self.batch_index * self.batch_size
            self.batch_index = self.batch_index + 1 if start + self.batch_size < self.n else 0
            self.total_batches_seen += 1
            rows = self.index_array[start : start + self.batch_size]
        return self.make_batch(rows, rng)

    next = __next__

    def on_epoch_end(self) -> None:
        """Put the samples into a new order, if they are to be shuffled."""
        self._set_order(self._rng)

    def reset(self) -> None:
        """Start again with the first batch."""
        self.batch_index = 0

    def _next_rng(self) -> np.random.RandomState:
        """Return the random numbers of the next batch."""
        if self.seed is None:
            return np.random.RandomState(self._rng.randint(2**31 - 1))
        return np.random.RandomState(self.seed + self.total_batches_seen)

    def _set_order(self, rng: np.random.RandomState) -> None:
        self.index_array = rng.permutation(self.n) if self.shuffle else np.arange(self.n)

    def __getstate__(self) -> dict[str, Any]:
        """Return all but the lock, which cannot be pickled."""
        return {key: value for key, value in vars(self).items() if key != "lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.lock = threading.Lock()


class _ImageIterator(Iterator):
    """An iterator that passes each image through a generator.

    Parameters
    ----------
    generator : ImageDataGenerator
    save : (folder or None, prefix, format)
        Where to keep a copy of each changed image.
    """

    def __init__(self, generator: Any, save: tuple[Any, str, str], *args: Any) -> None:
        self.image_data_generator = generator
        self.save_to_dir, self.save_prefix, self.save_format = save
        super().__init__(*args)

    def image(self, index: int) -> np.ndarray:
        """Return image number `index` as it is, float32 (H, W, C)."""
        raise checks.must_define(self, "image(index)")

    def changed_images(self, rows: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
        """Return a batch of changed images."""
        generator = self.image_data_generator
        batch: np.ndarray = np.stack(
            [
                generator.standardize(generator.random_transform(self.image(row), rng))
                for row in rows
            ]
        ).astype(generator.dtype)
        if self.save_to_dir:
            for row, x in zip(rows, batch, strict=True):
                name = f"{self.save_prefix}_{row}_{rng.randint(10**7)}.{self.save_format}"
                image = array_to_img(x, generator.data_format, scale=True)
                image.save(os.path.join(self.save_to_dir, name))
        return batch


class NumpyArrayIterator(_ImageIterator):
    """Batches of arrays; what `ImageDataGenerator.flow` returns."""

    def __init__(
        self,
        x: Any,
        y: Any,
        generator: Any,
        batch_size: int,
        shuffle: bool,
        sample_weight: Any,
        seed: int | None,
        save: tuple[Any, str, str],
        subset: str | None,
    ) -> None:
        where = "ImageDataGenerator.flow"
        self.x = np.asarray(x)
        if self.x.dtype.kind not in "fiub":
            raise TypeError(f"{where}: x must hold numbers, got dtype {self.x.dtype}.")
        if self.x.ndim != 4:
            hint = " No channel axis? Use x[..., None]." if self.x.ndim == 3 else ""
            raise ValueError(f"{where}: x must have shape (N, H, W, C), got {self.x.shape}.{hint}")
        self.y = None if y is None else np.asarray(y)
        self.sample_weight = None if sample_weight is None else np.asarray(sample_weight)
        if self.sample_weight is not None and self.y is None:
            raise ValueError(f"{where}: sample_weight needs y.")
        for name, array in (("y", self.y), ("sample_weight", self.sample_weight)):
            if array is not None and len(array) != len(self.x):
                raise ValueError(
                    f"{where}: x and {name} must have the same length, got {len(self.x)} and "
                    f"{len(array)}."
                )
        if subset is not None:
            part = generator.part(where, subset, len(self.x))
            seen, unseen = (
                None if self.y is None else np.unique(self.y[rows], axis=0)
                for rows in generator.parts(len(self.x))
            )
            if seen is not None and unseen is not None and len(seen) != len(unseen):
                progress.warn(
                    f"{where}: the training and the validation part do not have the same classes: "
                    f"{len(seen)} and {len(unseen)}. Shuffle x and y first."
                )
            self.x = self.x[part]
            self.y = None if self.y is None else self.y[part]
            if self.sample_weight is not None:
                self.sample_weight = self.sample_weight[part]
        super().__init__(generator, save, len(self.x), batch_size, shuffle, seed)

    def image(self, index: int) -> np.ndarray:
        """Return image number `index` as it is, float32 (H, W, C)."""
        image: np.ndarray = self.x[index].astype(self.image_data_generator.dtype)
        return image

    def make_batch(self, index_array: np.ndarray, rng: np.random.RandomState) -> Any:
        """Return x, (x, y) or (x, y, sample_weight)."""
        x = self.changed_images(index_array, rng)
        if self.y is None:
            return x
        y = self.y[index_array]
        if self.sample_weight is None:
            return x, y
        return x, y, self.sample_weight[index_array]


class DirectoryIterator(_ImageIterator):
    """Batches of files; what `ImageDataGenerator.flow_from_directory` returns.

    Attributes
    ----------
    filenames, filepaths : list of str
        All files, without and with the folder.
    classes : int32 array (n,)
        Their class numbers.
    class_indices : dict of str to int
        Names of sub-folders and their class numbers.
    """

    def __init__(
        self,
        directory: Any,
        generator: Any,
        target_size: Any,
        color_mode: str,
        classes: Any,
        class_mode: str | None,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        save: tuple[Any, str, str],
        follow_links: bool,
        subset: str | None,
        interpolation: str,
        keep_aspect_ratio: bool,
    ) -> None:
        where = "ImageDataGenerator.flow_from_directory"
        self.directory = os.fspath(directory)
        self.target_size = checks.as_pair(where, "target_size", target_size)
        self.color_mode = color_mode
        self.interpolation = interpolation
        self.keep_aspect_ratio = bool(keep_aspect_ratio)
        if class_mode is not None:
            checks.one_of(where, "class_mode", class_mode, (m for m in CLASS_MODES if m))
        self.class_mode = class_mode
        names = list(classes or ()) or sorted(
            entry.name for entry in os.scandir(self.directory) if entry.is_dir()
        )
        self.class_indices = {name: number for number, name in enumerate(names)}
        self.num_classes = len(names)
        self.filenames: list[str] = []
        numbers: list[int] = []
        for number, name in enumerate(names):
            walk = os.walk(os.path.join(self.directory, name), followlinks=follow_links)
            found = [
                os.path.relpath(os.path.join(root, file), self.directory)
                for root, _, files in sorted(walk, key=lambda step: step[0])
                for file in sorted(files)
                if file.lower().endswith(FORMATS)
            ]
            if subset is not None:  # of each class
                found = found[generator.part(where, subset, len(found))]
            self.filenames += found
            numbers += [number] * len(found)
        self.filepaths = [os.path.join(self.directory, name) for name in self.filenames]
        self.classes = np.array(numbers, np.int32)
        self.samples = len(self.filenames)
        progress.write(f"Found {self.samples} images belonging to {self.num_classes} classes.\n")
        super().__init__(generator, save, self.samples, batch_size, shuffle, seed)

    @property
    def labels(self) -> np.ndarray:
        """The class numbers."""
        return self.classes

    def image(self, index: int) -> np.ndarray:
        """Return image number `index` as it is, float32 (H, W, C)."""
        image = load_img(
            self.filepaths[index],
            self.color_mode,
            self.target_size,
            self.interpolation,
            self.keep_aspect_ratio,
        )
        return img_to_array(image, self.image_data_generator.data_format)

    def make_batch(self, index_array: np.ndarray, rng: np.random.RandomState) -> Any:
        """Return (x, y), or x alone if there is no class mode."""
        x = self.changed_images(index_array, rng)
        if self.class_mode is None:
            return x
        if self.class_mode == "input":
            return x, x.copy()
        numbers = self.classes[index_array]
        if self.class_mode == "categorical":
            return x, np.eye(self.num_classes, dtype=x.dtype)[numbers]
        return x, numbers.astype(x.dtype)
