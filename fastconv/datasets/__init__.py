"""Data sets for examples: `digits` comes with the package, the others with Keras's own file cache.

Each module has `load_data()`, which returns `((x_train, y_train), (x_test, y_test))`: uint8 images
(n, height, width) and uint8 labels (n,).
"""

from __future__ import annotations

from . import digits, fashion_mnist, mnist

__all__ = ["digits", "fashion_mnist", "mnist"]
