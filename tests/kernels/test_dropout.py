"""The random numbers of dropout: fair, independent of each other, and the same everywhere."""

from __future__ import annotations

import hashlib

import numpy as np

from fastconv import ops
from fastconv.kernels import threads

N = 1 << 20


def kept(rate, seed, n=N):
    return ops.dropout(np.ones(n, np.float32), rate, seed)[1] > 0


def test_mask_is_the_documented_one(each_isa):
    """Changing these bits changes every training run with dropout."""
    digest = hashlib.sha256(np.packbits(kept(0.5, 1234567890123456789)).tobytes()).hexdigest()
    assert digest[:16] == "ed2990bf9b2ed3cb"


def test_mask_is_the_same_for_any_number_of_threads(each_isa):
    before = threads.get_num_threads()
    masks = []
    for count in (1, 2, 3):
        threads.set_num_threads(count)
        masks.append(kept(0.3, 5))
    threads.set_num_threads(before)
    assert (masks[0] == masks[1]).all()
    assert (masks[0] == masks[2]).all()


def test_bits_are_independent():
    """Counts of pairs at many distances, in seeds that differ by one bit, and of runs of 8."""
    limit = 5 * 0.5 / np.sqrt(N)  # five standard deviations of a mean of N fair bits
    for seed in (0, 1, 2**32, 2**63):
        bits = kept(0.5, seed)
        assert abs(bits.mean() - 0.5) < limit
        for distance in (1, 2, 3, 4, 7, 8, 16, 28, 64, 784, 1024, 4096, 1 << 16):
            assert abs((bits[distance:] ^ bits[:-distance]).mean() - 0.5) < 1.1 * limit
        for other in (seed ^ 1, seed ^ (1 << 31), seed ^ (1 << 33)):
            assert abs((bits ^ kept(0.5, other)).mean() - 0.5) < limit
        runs = np.bincount(np.packbits(bits), minlength=256)
        chi_square = ((runs - N / 8 / 256) ** 2 / (N / 8 / 256)).sum()
        assert abs(chi_square - 255) < 5 * np.sqrt(2 * 255)


def test_rate_is_met():
    for rate in (0.001, 0.1, 0.25, 0.8, 0.999):
        dropped = 1 - kept(rate, 77).mean()
        assert abs(dropped - rate) < 5 * np.sqrt(rate * (1 - rate) / N)
