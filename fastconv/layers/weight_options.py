"""The choices that Keras offers for each weight: initializer, regularizer, constraint.

They are attributes of the layer, `kernel_initializer` and so on, where its config finds them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .. import constraints, initializers, regularizers
from .layer import Layer
from .variable import Variable


def keep(
    layer: Layer, prefix: str, initializer: Any, regularizer: Any = None, constraint: Any = None
) -> None:
    """Check the three choices for a weight, and set them as attributes of `layer`."""
    setattr(layer, f"{prefix}_initializer", initializers.get(initializer))
    setattr(layer, f"{prefix}_regularizer", regularizers.get(regularizer))
    setattr(layer, f"{prefix}_constraint", constraints.get(constraint))


def add(layer: Layer, name: str, shape: Sequence[int], prefix: str | None = None) -> Variable:
    """Create the trainable weight `name` as `keep(layer, prefix or name, ...)` was told."""
    prefix = prefix or name
    return layer.add_weight(
        name,
        shape,
        getattr(layer, f"{prefix}_initializer"),
        getattr(layer, f"{prefix}_regularizer"),
        constraint=getattr(layer, f"{prefix}_constraint"),
    )
