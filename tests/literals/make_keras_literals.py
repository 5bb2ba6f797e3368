"""Ask Keras for the numbers that fastconv is compared with. Run by hand, with Keras 3.15 or later::

    KERAS_BACKEND=jax python -m tests.literals.make_keras_literals          # writes the file
    KERAS_BACKEND=torch python -m tests.literals.make_keras_literals --check  # compares with it

`keras_training.py` is written by this script. `layer_cases.py` is written by hand, and both ways
of running this script check it against Keras.
"""

from __future__ import annotations

import argparse
import pprint
from pathlib import Path

import keras
import numpy as np

from . import networks
from .layer_cases import CASES

FILE = Path(__file__).with_name("keras_training.py")
HEADER = '''"""Training runs of tests/literals/networks.py in Keras {version} ({backend} backend).

Written by `python -m tests.literals.make_keras_literals`; do not edit.
"""

# fmt: off
RUNS = \\
'''


def check_layer_cases():
    """Compare every case with Keras; return how many differ."""
    different = 0
    for case in CASES:
        layer = case.make(keras.layers)
        x = np.asarray(case.x)
        layer.build(x.shape)
        if case.weights:
            layer.set_weights(list(case.weights))
        y = keras.ops.convert_to_numpy(layer(x, training=case.training))
        expected = np.asarray(case.expected, np.float32)
        if y.shape != expected.shape or not np.allclose(y, expected, 1e-6, 1e-6, equal_nan=True):
            different += 1
            print(f"{case.name}: Keras gives\n{y!r}\nnot\n{expected!r}")
    print(f"{len(CASES)} cases, {different} different")
    return different


def train_all():
    """Return {(network, optimizer): results}."""
    return {
        (network, optimizer): networks.train(
            network, optimizer, keras.Sequential, keras.layers, keras.optimizers, keras.regularizers
        )
        for network in networks.NETWORKS
        for optimizer in networks.OPTIMIZERS
    }


def print_differences(runs, others):
    """Print the largest relative difference of each run: what float32 leaves undetermined."""
    for run, results in runs.items():
        worst = {
            key: np.max(np.abs(np.subtract(value, others[run][key])) / np.max(np.abs(value)))
            for key, value in results.items()
        }
        key = max(worst, key=worst.get)
        print(f"{' '.join(run)}: {worst[key]:.1g} in {key}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    different = check_layer_cases()
    runs = train_all()
    if check:
        from .keras_training import RUNS

        print_differences(RUNS, runs)
    else:
        header = HEADER.format(version=keras.__version__, backend=keras.backend.backend())
        FILE.write_text(
            header + pprint.pformat(runs, width=100, compact=True) + "\n", encoding="utf-8"
        )
        print(f"wrote {FILE}")
    raise SystemExit(bool(different))


if __name__ == "__main__":
    main()
