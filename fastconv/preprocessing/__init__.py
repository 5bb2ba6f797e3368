"""Old names of Keras: `preprocessing.image`, `preprocessing.sequence`."""

from __future__ import annotations

from . import image, sequence

__all__ = ["image", "sequence"]
