"""Training gives Keras's numbers: losses, weights and predictions after five steps.

Two backends of Keras agree on these runs to 2e-7; fastconv has to agree to 1e-5.
"""

from __future__ import annotations

import numpy as np
import pytest

from fastconv import layers, optimizers, regularizers
from fastconv.models import Sequential

from ..literals import networks
from ..literals.keras_training import RUNS


@pytest.mark.parametrize(("network", "optimizer"), RUNS, ids=map(" ".join, RUNS))
def test_training_gives_the_numbers_of_keras(each_isa, network, optimizer):
    results = networks.train(network, optimizer, Sequential, layers, optimizers, regularizers)
    expected = RUNS[network, optimizer]
    assert results.keys() == expected.keys()
    for key in ("losses", "accuracies", "evaluate", "predict", "weight magnitudes"):
        np.testing.assert_allclose(results[key], expected[key], rtol=1e-5, err_msg=key)
    # A sum may cancel: it is as exact as the sum of magnitudes.
    error = np.abs(np.subtract(results["weight sums"], expected["weight sums"]))
    assert (error <= 1e-5 * np.array(expected["weight magnitudes"])).all()


def test_the_runs_are_those_that_are_described():
    described = [(n, o) for n in networks.NETWORKS for o in networks.OPTIMIZERS]
    assert sorted(RUNS) == sorted(described)


def test_every_run_learns():
    """A comparison of runs that do nothing would prove nothing."""
    for run, results in RUNS.items():
        assert len(results["losses"]) == networks.BATCHES
        assert len({round(loss, 3) for loss in results["losses"]}) == networks.BATCHES, run
    finals = {tuple(np.round(results["predict"], 4)) for results in RUNS.values()}
    assert len(finals) == len(RUNS)
