"""Data sets for examples: `digits` comes with the package, the others with Keras's own file cache.

Each module has `load_data()`, which returns `((x_train, y_train), (x_test, y_test))`: uint8 images
(n, height, width) and uint8 labels (n,); those of CIFAR are (n, 32, 32, 3) and (n, 1), as in Keras.
"""

from __future__ import annotations

from . import cifar10, cifar100, digits, fashion_mnist, mnist

__all__ = ["cifar10", "cifar100", "digits", "fashion_mnist", "mnist"]
