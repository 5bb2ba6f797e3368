"""Write parity.json.gz: what Keras makes of the cases of the parity suite.

    KERAS_BACKEND=jax python -m tests.literals.make_parity_literals [START [STOP]]
    KERAS_BACKEND=tensorflow python -m tests.literals.make_parity_literals

Needs Keras 3 (made with 3.15) and JAX, for `cases.AS_TENSORFLOW` TensorFlow. Runs those of the
cases START to STOP, all by default, that the file does not hold as they are now: a case takes about
two seconds, and it can be made in pieces. The tests read it and need neither.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "parity.json.gz"


def keras_results(library: Any, case: Any) -> dict[str, Any]:
    """Return what Keras makes of a case, in the form that JSON gives back."""
    from ..parity import run

    layer = run.make_layer(library, case.layer, case.arguments, name=case.id)
    results = {"serialized": library.layers.serialize(layer), **rounded(run.run(library, case))}
    return json.loads(json.dumps({"arguments": repr(case.arguments), **results}, allow_nan=False))


def rounded(value: Any) -> Any:
    """Return numbers with seven digits, as many as a float32 has."""
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def read() -> dict[str, Any]:
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        return json.load(file)


def main() -> None:
    """Write the file."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    # Most of the time is compiling. If numbers become infinite (it happens), try it without.
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    import keras

    from ..parity.cases import AS_TENSORFLOW, CASES

    start, stop = (*map(int, sys.argv[1:]), *(0, len(CASES))[len(sys.argv) - 1 :])
    results = read() if FILE.exists() else {}
    missing = [
        case
        for case in CASES[start:stop]
        if results.get(case.id, {}).get("arguments") != repr(case.arguments)
        and (case.layer in AS_TENSORFLOW) == (keras.backend.backend() == "tensorflow")
    ]
    missing.sort(key=lambda case: int(case.id.rpartition("_")[2]))  # the first of each layer first
    for number, case in enumerate(missing, 1):
        try:
            results[case.id] = keras_results(keras, case)
        except Exception as error:  # the kernels of a backend raise whatever they like
            print(f"{case.id}: {type(error).__name__} {str(error)[:200]}", flush=True)
        keras.backend.clear_session()
        if number % 10 == 0 or number == len(missing):
            write({case.id: results[case.id] for case in CASES if case.id in results})
            print(f"{number} of {len(missing)}", flush=True)


def write(results: dict[str, Any]) -> None:
    with FILE.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as file:
        file.write(json.dumps(results).encode())


if __name__ == "__main__":
    main()
