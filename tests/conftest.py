"""Fixtures shared by all tests."""

from __future__ import annotations

import os

import numpy as np
import pytest

from fastconv.kernels import isa


def pytest_generate_tests(metafunc):
    """Run a test that asks for `each_isa` once per instruction set; FASTCONV_ISA picks just one."""
    if "each_isa" in metafunc.fixturenames:
        forced = os.environ.get("FASTCONV_ISA")
        metafunc.parametrize("each_isa", [forced] if forced else isa.available(), indirect=True)


@pytest.fixture
def each_isa(request):
    """Make one instruction set the active one, and say its name."""
    before = isa.active()
    isa.use(request.param)
    yield request.param
    isa.use(before)


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)
