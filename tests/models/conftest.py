"""Fixtures of the tests of models."""

from __future__ import annotations

import numpy as np
import pytest

from fastconv.utils import set_random_seed

from .helpers import images


@pytest.fixture(autouse=True)
def seeds():
    set_random_seed(1)


@pytest.fixture
def data(rng):
    return images(rng)


@pytest.fixture
def xy(rng):
    return rng.random((20, 4)), np.arange(20) % 3
