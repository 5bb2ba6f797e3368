"""CIFAR-100: 60,000 color images of 32x32 pixels in 100 classes of 20 kinds."""

from __future__ import annotations

from ..ops import checks
from . import cifar, idx

ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
SHA256 = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"
CLASSES = {"fine": 100, "coarse": 20}


def load_data(label_mode: str = "fine") -> idx.Splits:
    """Load CIFAR-100.

    Looked for in this order: `$FASTCONV_DATA/cifar100/` (the authors' files, or their folder
    `cifar-100-python`); Keras's cache, `$KERAS_HOME` or `~/.keras`; the network, which fills that
    cache after checking the archive's SHA-256.

    Parameters
    ----------
    label_mode : "fine" or "coarse"
        100 classes, or the 20 kinds that they belong to.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : uint8 arrays
        Images (50000, 32, 32, 3) and (10000, 32, 32, 3) with values 0..255, and labels (50000, 1)
        and (10000, 1).

    Raises
    ------
    OSError
        The data set is neither on this machine nor to be had from the network; the message says
        which files to put where.
    ValueError
        A file is damaged, or `label_mode` is unknown.
    """
    mode = checks.one_of("cifar100.load_data", "label_mode", label_mode, CLASSES)
    files = ["train"], ["test"]
    return cifar.load(
        "cifar100", "cifar-100-python", files, f"{mode}_labels", ORIGIN, SHA256, CLASSES[mode]
    )
