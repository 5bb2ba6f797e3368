"""Files that Keras wrote, kept in tests/literals/files.json, are read without Keras."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

from fastconv.models import load_model

from ..literals.networks import numbers

STORED = json.loads((Path(__file__).parent.parent / "literals" / "files.json").read_text())["files"]


@pytest.fixture
def stored(tmp_path):
    for name, item in STORED.items():
        (tmp_path / name).write_bytes(zlib.decompress(base64.b64decode(item["content"])))
    return tmp_path


@pytest.mark.parametrize("name", sorted(STORED))
def test_predictions_are_those_of_keras(name, stored):
    x = numbers(7, 2, 4, 4, 1)
    whole = name.replace(".weights.h5", ".keras")
    model = load_model(stored / whole)
    if name != whole:
        model.set_weights([np.zeros(v.shape) for v in model.weights])
        model.load_weights(stored / name)
    expected = STORED[name]["predictions"]
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-4, atol=1e-6)
    assert model.optimizer.iterations == 2
    assert model.optimizer.momentum == 0.9
