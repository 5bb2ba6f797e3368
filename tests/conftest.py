"""Fixtures shared by all tests."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest

# Test the installed package, not the sources beside the tests, which may hold no compiled kernels.
# (With an editable install both are the same; without any, the sources have to do.)
_path = list(sys.path)
_root = Path(__file__).resolve().parent.parent
sys.path[:] = [folder for folder in _path if Path(folder or ".").resolve() != _root]
with contextlib.suppress(ModuleNotFoundError):
    import fastconv  # noqa: F401
sys.path[:] = _path

from fastconv import deprecation  # noqa: E402
from fastconv.kernels import isa  # noqa: E402


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


@pytest.fixture(autouse=True)
def _forget_warnings():
    """Let each test see the warnings that are given once per process."""
    deprecation._told.clear()
