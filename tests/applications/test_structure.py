"""Every network has Keras's layers: names, classes, connections, shapes, sizes of weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fastconv import applications, backend, initializers

from ..literals import structures

LITERALS = json.loads((Path(__file__).parent.parent / "literals" / "applications.json").read_text())


@pytest.fixture
def no_random_weights(monkeypatch):
    """Let zeros stand for random weights: structure is asked for, and zeros take no time."""
    zeros = initializers.Zeros()
    monkeypatch.setattr(
        initializers.VarianceScaling, "__call__", lambda self, shape, dtype=None: zeros(shape)
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    structures.CASES,
    ids=[structures.title(*case) for case in structures.CASES],
)
def test_networks_are_built_as_in_keras(no_random_weights, name, arguments):
    backend.clear_session()  # some layers have automatic names
    model = getattr(applications, name)(weights=None, **arguments)
    assert structures.structure(model) == LITERALS[structures.title(name, arguments)]


def test_every_network_is_compared():
    networks = {name for name in applications.__all__ if name[0].isupper()}
    assert networks == set(structures.NAMES)
    assert set(LITERALS) == {structures.title(*case) for case in structures.CASES}


def test_random_weights_make_sensible_numbers(rng):
    model = applications.MobileNetV3Small(
        weights=None, input_shape=(32, 32, 3), alpha=0.35, classes=4
    )
    probabilities = model.predict(rng.uniform(0, 255, (2, 32, 32, 3)), verbose=0)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
