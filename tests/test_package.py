"""What `import fastconv` loads, and what a user finds in the package."""

from __future__ import annotations

import importlib
import re

import pytest

import fastconv

from . import programs

#: Slow to load, and needed by few: each is imported by the function that first wants it.
LATE = (
    *("h5py", "rich", "urllib.request", "http.client", "ssl"),
    *("zipfile", "tempfile", "shutil", "json", "difflib", "signal", "string"),
    "fastconv.kernels.conv",
)


def test_import_loads_almost_nothing():
    program = (
        "import sys, numpy; before = set(sys.modules); import fastconv; "
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = programs.run("-c", program).split()
    assert not set(loaded) & set(LATE)
    assert len(loaded) < 6, loaded


def test_training_needs_neither_files_nor_tables():
    program = (
        "import sys, numpy; before = set(sys.modules); from fastconv.models import Sequential; "
        "from fastconv.layers import Conv2D; print(*sorted(set(sys.modules) - before))"
    )
    loaded = programs.run("-c", program).split()
    assert not set(loaded) & set(LATE[:-1])
    foreign = [name for name in loaded if name.partition(".")[0] != "fastconv"]
    assert len(foreign) < 15, foreign


def test_fit_needs_no_masked_arrays():
    program = (
        "import sys, numpy; from fastconv import Sequential, layers\n"
        "model = Sequential([layers.Input((3,)), layers.Dense(2)])\n"
        "model.compile('sgd', 'mse')\n"
        "model.fit(numpy.zeros((4, 3)), numpy.zeros((4, 2)), verbose=0)\n"
        "print('numpy.ma' in sys.modules)"
    )
    assert programs.run("-c", program).split() == ["False"]


def test_first_prediction_loads_only_what_it_runs():
    program = (
        "import sys, numpy; before = set(sys.modules)\n"
        "from fastconv import Sequential, layers\n"
        "model = Sequential([layers.Input((8, 8, 1)), layers.Conv2D(2, 3), layers.MaxPooling2D(),"
        "layers.Flatten(), layers.Dense(3)])\n"
        "model(numpy.zeros((1, 8, 8, 1)))\n"
        "print(*sorted(set(sys.modules) - before))"
    )
    loaded = programs.run("-c", program).split()
    assert not set(loaded) & {*LATE[:-1], "numpy.ma"}
    floors = {name.split(".")[1] for name in loaded if name.startswith("fastconv.")}
    assert not floors & {"losses", "metrics", "optimizers", "callbacks", "applications", "utils"}
    late = (
        *("layers.preprocessing", "layers.adaptive_pooling", "saving.models", "models.objective"),
        *("models.execution", "models.rules", "ops.resizing", "ops.optimizer_steps"),
    )
    assert not set(loaded) & {f"fastconv.{name}" for name in late}
    assert len([name for name in loaded if name.startswith("fastconv.")]) < 132, loaded


@pytest.mark.parametrize("package", ["", ".callbacks", ".layers", ".models", ".saving"])
def test_all_late_names_are_there(package):
    module = importlib.import_module(f"fastconv{package}")
    for name in module.__all__:
        assert getattr(module, name) is not None, name
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        module.Nothing  # noqa: B018


@pytest.mark.parametrize("name", fastconv.__all__)
def test_public_names_exist(name):
    assert getattr(fastconv, name) is not None


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no attribute 'Convolution'"):
        fastconv.Convolution  # noqa: B018


def test_version_has_three_numbers():
    assert re.fullmatch(r"\d+\.\d+\.\d+\w*", fastconv.__version__)
