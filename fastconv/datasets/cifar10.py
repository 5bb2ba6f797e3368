"""CIFAR-10: 60,000 color images of 32x32 pixels in 10 classes."""

from __future__ import annotations

from . import cifar, idx

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
SHA256 = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
FILES = [f"data_batch_{i}" for i in range(1, 6)], ["test_batch"]


def load_data() -> idx.Splits:
    """Load CIFAR-10.

    Looked for in this order: `$FASTCONV_DATA/cifar10/` (the authors' files, or their folder
    `cifar-10-batches-py`); Keras's cache, `$KERAS_HOME` or `~/.keras`; the network, which fills
    that cache after checking the archive's SHA-256.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : uint8 arrays
        Images (50000, 32, 32, 3) and (10000, 32, 32, 3) with values 0..255, and labels (50000, 1)
        and (10000, 1): 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse,
        8 ship, 9 truck.

    Raises
    ------
    OSError
        The data set is neither on this machine nor to be had from the network; the message says
        which files to put where.
    ValueError
        A file is damaged.
    """
    return cifar.load("cifar10", "cifar-10-batches-py", FILES, "labels", ORIGIN, SHA256, 10)
