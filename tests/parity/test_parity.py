"""Every layer beside Keras in hundreds of random cases: outputs, training, configs, files.

The numbers of Keras come from parity.json.gz. Where Keras is installed (`pip install -e
'.[parity]'`) they come from it too, and each reads the files of the other: that takes many minutes,
as JAX compiles each case. FASTCONV_PARITY=stored leaves installed Keras out.
"""

from __future__ import annotations

import json
import os

import numpy as np
import pytest

import fastconv
from fastconv.layers import registry

from ..literals import make_parity_literals
from . import run
from .cases import AS_TENSORFLOW, CASES, STRATEGIES

STORED_ONLY = os.environ.get("FASTCONV_PARITY") == "stored"
#: Not compared: what has no arguments to draw, or holds a function.
OTHERS = {"InputLayer", "Lambda"}

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def keras():
    if STORED_ONLY:
        pytest.skip("FASTCONV_PARITY=stored leaves installed Keras out")
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return pytest.importorskip("keras")


@pytest.fixture(scope="module")
def all_stored():
    return make_parity_literals.read()


@pytest.fixture
def stored(case, all_stored):
    """What Keras made of a case."""
    if case.id not in all_stored:
        pytest.skip("not stored: see literals/make_parity_literals.py")
    return all_stored[case.id]


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def compare(case, found, expected):
    """Compare with a relative 1e-4; sums with 1e-4 of the sum of their magnitudes."""
    assert found["shape"] == expected["shape"]
    scale = max(np.abs(expected["forward"]))
    np.testing.assert_allclose(
        found["forward"], expected["forward"], rtol=1e-4, atol=1e-5 * scale, err_msg="forward"
    )
    for optimizer in ("sgd", "adam") if case.trains else ():
        one, two = found[optimizer], expected[optimizer]
        np.testing.assert_allclose(one["losses"], two["losses"], rtol=1e-4, err_msg=optimizer)
        magnitudes = np.repeat(two["weights"][2::3], 3)
        error = np.abs(np.subtract(one["weights"], two["weights"]))
        assert (error <= 1e-4 * magnitudes + 1e-4).all(), (optimizer, error, magnitudes)


def settings(serialized):
    """Return class and config, as JSON gives them back, without what depends on the process.

    Keras writes 0.01 as 0.009999999776482582 here and there.
    """
    serialized = make_parity_literals.rounded(json.loads(json.dumps(serialized)))
    return serialized["class_name"], {**serialized["config"], "seed": None}


@each_case
def test_numbers(case, stored):
    assert repr(case.arguments) == stored["arguments"], "make the literals anew"
    compare(case, run.run(fastconv, case), stored)


@each_case
def test_configs(case, stored):
    """What Keras wrote is read, and written again just so."""
    theirs = stored["serialized"]
    ours = run.make_layer(fastconv, case.layer, case.arguments, name=case.id)
    assert settings(registry.serialize(registry.deserialize(theirs))) == settings(
        registry.serialize(ours)
    )
    assert set(registry.serialize(ours)["config"]) == set(theirs["config"])


@each_case
def test_files(case, tmp_path):
    model = run.make_model(fastconv, case)
    run.set_weights(model, run.make_weights(case, model.weights))
    model.save(tmp_path / "m.keras")
    again = fastconv.models.load_model(tmp_path / "m.keras")
    x = run.make_inputs(case)
    x = x if len(x) > 1 else x[0]
    for one, two in zip(model(x, training=False), again(x, training=False), strict=True):
        np.testing.assert_array_equal(one, two)


@each_case
def test_beside_installed_keras(case, keras, tmp_path):
    same = case.layer not in AS_TENSORFLOW or keras.backend.backend() == "tensorflow"
    compared = case if same else case._replace(trains=False)
    compare(compared, run.run(fastconv, compared), run.run(keras, compared))
    ours, theirs = run.make_model(fastconv, case), run.make_model(keras, case)
    x = run.make_inputs(case)
    x = x if len(x) > 1 else x[0]
    for model, read in ((ours, keras.models.load_model), (theirs, fastconv.models.load_model)):
        run.set_weights(model, run.make_weights(case, model.weights))
        model.save(tmp_path / "m.keras")
        again = read(tmp_path / "m.keras")
        for one, two in zip(model(x, training=False), again(x, training=False), strict=True):
            one, two = np.asarray(one), np.asarray(two)
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5 * np.abs(one).max())
    keras.layers.deserialize(json.loads(json.dumps(registry.serialize(ours.get_layer(case.id)))))


def test_every_layer_has_cases():
    assert len(CASES) >= 600
    names = {name for name, cls in registry.table().items() if name == cls.__name__}
    assert names == set(STRATEGIES) | OTHERS
