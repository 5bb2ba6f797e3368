"""A data set in two parts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import checks
from .py_dataset import PyDataset


class _Part(PyDataset):
    """Some batches of another data set."""

    def __init__(self, source: PyDataset, indices: np.ndarray) -> None:
        super().__init__(source.workers, source.use_multiprocessing, source.max_queue_size)
        self.source = source
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.source[int(self.indices[index])]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
) -> tuple[Any, Any]:
    """Return a data set in two parts.

    Parameters
    ----------
    dataset : array, tuple, list or dict of arrays, or PyDataset
        Arrays of the same length are split along their first axis, a PyDataset by whole batches.
    left_size, right_size : int or float, at least one
        Number of samples (of batches), or their fraction. With one of them the other part gets the
        rest.
    shuffle : bool
        Put the samples into a random order first.
    seed : int, optional
        Of that order.

    Returns
    -------
    left, right : as `dataset`
        Ready for `fit`: `(x, y)` gives two pairs.

    Raises
    ------
    TypeError, ValueError
        A size is out of range, a part would be empty, or the lengths differ.
    """
    where = "split_dataset"
    columns = _columns(dataset)
    lengths = {len(column) for column in columns}
    if len(lengths) != 1:
        raise ValueError(f"{where}: all arrays must have the same length, got {sorted(lengths)}.")
    n = lengths.pop()
    left = _size(where, "left_size", left_size, n)
    right = _size(where, "right_size", right_size, n)
    if left is None and right is None:
        raise ValueError(f"{where}: left_size or right_size must be given.")
    left = n - (right or 0) if left is None else left
    right = n - left if right is None else right
    if left < 1 or right < 1 or left + right > n:
        raise ValueError(
            f"{where}: {n} samples cannot be split into {left} and {right}: both parts need at "
            f"least one, and together at most {n}."
        )
    order = np.arange(n)
    if shuffle:
        np.random.RandomState(
            None if seed is None else checks.as_int(where, "seed", seed, 0)
        ).shuffle(order)
    return _take(dataset, order[:left]), _take(dataset, order[left : left + right])


def _columns(dataset: Any) -> list[Any]:
    """Return all that has a length in `dataset`."""
    if isinstance(dataset, dict):
        return list(dataset.values())
    if isinstance(dataset, (tuple, list)) and dataset and hasattr(dataset[0], "__len__"):
        return list(dataset)
    if hasattr(dataset, "__len__") and not isinstance(dataset, (str, bytes)):
        return [dataset]
    raise TypeError(
        f"split_dataset: dataset must be an array, a tuple, list or dict of arrays, or a "
        f"PyDataset, got {type(dataset).__name__}."
    )


def _size(where: str, name: str, size: Any, n: int) -> int | None:
    """Return a size as a number of samples, None if it is not given."""
    if size is None:
        return None
    if isinstance(size, (float, np.floating)):
        if not 0 < size < 1:
            raise ValueError(
                f"{where}: {name} must be an integer, or a fraction between 0 and 1, got {size:g}."
            )
        return round(float(size) * n)
    return checks.as_int(where, name, size)


def _take(dataset: Any, rows: np.ndarray) -> Any:
    """Return some samples of each column, in the structure of `dataset`."""
    if isinstance(dataset, dict):
        return {key: _take(column, rows) for key, column in dataset.items()}
    if isinstance(dataset, (tuple, list)) and dataset and hasattr(dataset[0], "__len__"):
        return type(dataset)(_take(column, rows) for column in dataset)
    if isinstance(dataset, PyDataset):
        return _Part(dataset, rows)
    return np.asarray(dataset)[rows]
