"""Small helpers around training: label encoding, scaling, seeding."""

from __future__ import annotations

from .numerical import normalize, to_categorical
from .seeding import set_random_seed

__all__ = ["normalize", "set_random_seed", "to_categorical"]
