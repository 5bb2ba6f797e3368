"""Files of older Kerases, kept in data/, are read as those Kerases read them.

Each zip holds models after two steps of Adam in three formats, and what that Keras predicted; made
by literals/make_old_files.py.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

import fastconv
from fastconv.models import load_model

from ..literals import make_old_files

ARCHIVES = sorted(make_old_files.FOLDER.glob("*.zip"), key=lambda path: path.stem)


@pytest.fixture(scope="module", params=ARCHIVES, ids=lambda path: path.stem)
def folder(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param.stem)
    with zipfile.ZipFile(request.param) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture
def expected(folder, make):
    """What Keras predicted, and the variables of its optimizer as arr_0, arr_1 ..."""
    with np.load(folder / f"{make.__name__}.npz") as stored:
        return dict(stored)


each_model = pytest.mark.parametrize("make", make_old_files.MODELS, ids=lambda make: make.__name__)


def assert_predicts(model, expected):
    found = model.predict(make_old_files.inputs(), verbose=0)
    np.testing.assert_allclose(found, expected["predictions"], rtol=1e-5, atol=1e-6)


@each_model
@pytest.mark.parametrize("ending", ["keras", "h5"])
def test_whole_models(make, ending, folder, expected):
    model = load_model(folder / f"{make.__name__}.{ending}")
    assert_predicts(model, expected)
    assert model.optimizer.name.lower() == "adam"
    assert model.optimizer.iterations == 2
    variables = model.optimizer.variables
    if len(expected) == len(variables):  # Keras 2 does not count the learning rate
        del variables[1]
    for i, variable in enumerate(variables):
        np.testing.assert_allclose(variable, expected[f"arr_{i}"], rtol=1e-6)
    history = model.fit(make_old_files.inputs(), make_old_files.targets(), verbose=0).history
    assert sorted(history) == ["accuracy", "loss"]


@each_model
def test_weights(make, folder, expected):
    model = make(fastconv)
    model.load_weights(folder / f"{make.__name__}.weights.h5")
    assert_predicts(model, expected)


def test_archives_are_small():
    assert len(ARCHIVES) >= 5
    assert sum(Path(path).stat().st_size for path in ARCHIVES) < 400_000
