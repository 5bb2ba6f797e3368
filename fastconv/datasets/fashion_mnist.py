"""Fashion-MNIST: 70,000 pictures of clothes, a drop-in replacement for MNIST.

H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine
Learning Algorithms", arXiv:1708.07747 (MIT license, Zalando SE).
"""

from __future__ import annotations

import os

from . import idx
from .download import get_file

# Keras publishes no hashes for its mirror, so the files come from the repository of the authors,
# whose README has their MD5 sums.
ORIGIN = "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/"
SHA256 = {
    "x_train": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "y_train": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "x_test": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "y_test": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
}


def load_data() -> idx.Splits:
    """Load Fashion-MNIST.

    Looked for in this order: `$FASTCONV_DATA/fashion_mnist/` (the four IDX files, gzipped or not,
    or fashion_mnist.npz); Keras's cache, `$KERAS_HOME` or `~/.keras`, `datasets/fashion-mnist/`;
    the network, which fills that cache after checking each file's SHA-256.

    Returns
    -------
    (x_train, y_train), (x_test, y_test) : uint8 arrays
        Images (60000, 28, 28) and (10000, 28, 28) with values 0..255, white on black, and labels
        (60000,) and (10000,): 0 T-shirt/top, 1 Trouser, 2 Pullover, 3 Dress, 4 Coat, 5 Sandal,
        6 Shirt, 7 Sneaker, 8 Bag, 9 Ankle boot.

    Raises
    ------
    OSError
        The data set is neither on this machine nor to be had from the network; the message says
        which files to put where.
    ValueError
        A file is damaged.
    """
    found = idx.load_from_data_folder("fashion_mnist")
    if found is not None:
        return found
    return idx.read_idx_files(
        {
            key: get_file(
                file + ".gz",
                ORIGIN + file + ".gz",
                SHA256[key],
                cache_subdir=os.path.join("datasets", "fashion-mnist"),
                advice=idx.data_folder_advice("fashion_mnist"),
            )
            for key, file in idx.IDX_FILES.items()
        }
    )
