"""Ask Keras for the model files that tests/saving/test_stored_files.py reads. Run by hand::

    KERAS_BACKEND=jax python -m tests.literals.make_file_literals

Writes files.json: each file, compressed and in base64, with what Keras predicts for `inputs`.
"""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from pathlib import Path

import keras
import numpy as np

from .networks import numbers

FILE = Path(__file__).with_name("files.json")


def inputs():
    return numbers(7, 2, 4, 4, 1)


def sequential():
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((4, 4, 1)),
            layers.Conv2D(2, 3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(name="flat"),
            layers.Dense(2, activation="softmax", name="out"),
        ],
        name="small",
    )


def functional():
    layers = keras.layers
    x = layers.Input((4, 4, 1), name="x")
    conv = layers.Conv2D(1, 3, padding="same", name="shared")
    y = layers.Add(name="sum")([conv(conv(x)), x]) * 2.0
    return keras.Model(x, layers.Dense(2, name="out")(layers.Flatten(name="flat")(y)), name="graph")


def main():
    found = {"keras": keras.__version__, "files": {}}
    with tempfile.TemporaryDirectory() as folder:
        for make in (sequential, functional):
            model = make()
            model.compile(keras.optimizers.SGD(0.01, momentum=0.9), "mean_squared_error")
            y = np.array([[0, 1], [1, 0]], np.float32)
            model.fit(inputs(), y, epochs=2, verbose=0)
            for ending in ("keras", "h5", "weights.h5"):
                path = Path(folder) / f"{model.name}.{ending}"
                (model.save_weights if ending == "weights.h5" else model.save)(path)
                found["files"][path.name] = {
                    "content": base64.b64encode(zlib.compress(path.read_bytes(), 9)).decode(),
                    "predictions": model.predict(inputs(), verbose=0).tolist(),
                }
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {FILE}: {FILE.stat().st_size} bytes")


if __name__ == "__main__":
    main()
