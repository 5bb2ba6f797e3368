"""Small helpers around training: label encoding, scaling, seeding, the progress bar."""

from __future__ import annotations

from ..progress import Progbar
from .numerical import normalize, to_categorical
from .py_dataset import PyDataset, Sequence
from .seeding import set_random_seed

__all__ = [
    "Progbar",
    "PyDataset",
    "Sequence",
    "normalize",
    "set_random_seed",
    "to_categorical",
]
