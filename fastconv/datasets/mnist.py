"""MNIST: 70,000 handwritten digits of 28x28 pixels.

Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits", derived from NIST
Special Databases 1 and 3 (CC BY-SA 3.0).
"""

from __future__ import annotations

import os

from . import idx
from .download import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz"
SHA256 = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> idx.Splits:
    """Load MNIST.

    Looked for in this order: `$FASTCONV_DATA/mnist/` (the four IDX files, gzipped or not, or
    mnist.npz); Keras's cache, `$KERAS_HOME` or `~/.keras`, `datasets/mnist.npz`; the network, which
    fills that cache after checking the file's SHA-256.

    Parameters
    ----------
    path : str
        Name of the file in the cache. An absolute path is read directly.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : uint8 arrays
        Images (60000, 28, 28) and (10000, 28, 28) with values 0..255, white on black, and labels
        (60000,) and (10000,) with values 0..9.

    Raises
    ------
    OSError
        The data set is neither on this machine nor to be had from the network; the message says
        which file to put where.
    ValueError
        A file is damaged.
    """
    if os.path.isabs(path):
        return idx.read_npz(path)
    found = idx.load_from_data_folder("mnist")
    if found is not None:
        return found
    return idx.read_npz(get_file(path, ORIGIN, SHA256, advice=idx.data_folder_advice("mnist")))
