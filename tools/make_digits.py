"""Regenerate fastconv/datasets/data/digits.npz from scikit-learn's copy of the UCI digits.

    python tools/make_digits.py

Needs scikit-learn. The file holds the images as they are (8x8, 0..16), already shuffled and split,
so that loading it needs no random numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

TARGET = Path(__file__).parent.parent / "fastconv" / "datasets" / "data" / "digits.npz"
TEST_SHARE = 0.2
SEED = 0


def split(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return shuffled row numbers for training and testing, every class in the same proportion."""
    order = np.random.Generator(np.random.PCG64(SEED)).permutation(len(labels))
    in_test = np.zeros(len(labels), bool)
    for digit in np.unique(labels):
        rows = order[labels[order] == digit]
        in_test[rows[: round(TEST_SHARE * len(rows))]] = True
    return order[~in_test[order]], order[in_test[order]]


def main() -> None:
    """Write the file."""
    digits = load_digits()
    images, labels = digits.images.astype(np.uint8), digits.target.astype(np.uint8)
    if not (images == digits.images).all():
        raise ValueError("make_digits: the images are not the integers 0..16 any more.")
    train, test = split(labels)
    np.savez_compressed(
        TARGET,
        x_train=images[train],
        y_train=labels[train],
        x_test=images[test],
        y_test=labels[test],
    )
    print(f"{TARGET}: {len(train)} + {len(test)} images, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    main()
