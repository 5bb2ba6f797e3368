"""Let an older Keras write the files that tests/saving/test_old_files.py reads. Run by hand::

    pip install keras==3.0.5 'jax[cpu]'         # or tensorflow-cpu==2.15.1, which has Keras 2.15
    KERAS_BACKEND=jax python -m tests.literals.make_old_files

Writes tests/saving/data/keras-VERSION.zip: models after two steps of Adam, as whole models, as
weights and as `.h5`, and MODEL.npz with what that Keras predicts for `inputs` and what its
optimizer keeps. The other way round, `python -m tests.literals.make_old_files FOLDER` reads what
`write_ours` wrote there with fastconv.
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .networks import numbers

FOLDER = Path(__file__).parent.parent / "saving" / "data"


def inputs() -> np.ndarray:
    return numbers(7, 4, 8, 8, 2)


def targets() -> np.ndarray:
    return np.eye(3, dtype=np.float32)[[0, 1, 2, 1]]


def article(keras: Any) -> Any:
    """A stack of layers, as in a thousand articles."""
    layers = keras.layers
    return keras.models.Sequential(
        [
            layers.InputLayer((8, 8, 2)),
            layers.Conv2D(3, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Dropout(0.25),
            layers.Flatten(),
            layers.Dense(4, activation="relu", kernel_regularizer="l2"),
            layers.Dense(3, activation="softmax"),
        ],
        name="article",
    )


def residual(keras: Any) -> Any:
    """Branches that meet again, with normalization and most kinds of layers."""
    layers = keras.layers
    x = image = layers.Input((8, 8, 2), name="image")
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False, name="stem")(x)
    x = short = layers.BatchNormalization(name="stem_norm")(x)
    x = layers.ReLU(max_value=6.0)(x)
    x = layers.DepthwiseConv2D(3, padding="same", depth_multiplier=1)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.LeakyReLU(0.2)(x)
    x = layers.SeparableConv2D(4, 3, padding="same")(x)
    x = layers.Add()([short, x])
    x = layers.Dropout(0.5)(layers.Activation("relu")(x))
    x = layers.Concatenate()([x, layers.ZeroPadding2D(1)(layers.AveragePooling2D(2)(x))])
    inner = [layers.InputLayer((4, 4, 8)), layers.Conv2D(2, 1), layers.PReLU(shared_axes=[1, 2])]
    x = keras.models.Sequential(inner, name="inner")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.models.Model(image, layers.Dense(3, activation="softmax")(x), name="residual")


MODELS = (article, residual)
ENDINGS = ("keras", "weights.h5", "h5")


def trained(keras: Any, make: Any) -> Any:
    model = make(keras)
    model.set_weights(
        [
            np.abs(value) + 0.5 if "variance" in weight.name else value
            for seed, weight in enumerate(model.weights)
            for value in [2 * numbers(seed, *weight.shape)]
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(inputs(), targets(), batch_size=2, epochs=1, shuffle=False, verbose=0)
    return model


def main(keras: Any) -> None:
    """Write the files."""
    path = FOLDER / f"keras-{keras.__version__}.zip"
    with tempfile.TemporaryDirectory() as folder:
        for make in MODELS:
            model = trained(keras, make)
            for ending in ENDINGS:
                file = f"{folder}/{model.name}.{ending}"
                (model.save_weights if ending == "weights.h5" else model.save)(file)
            kept = model.optimizer.variables
            arrays = [np.asarray(v) for v in (kept() if callable(kept) else kept)]
            predictions = model.predict(inputs(), verbose=0)
            np.savez(f"{folder}/{model.name}.npz", *arrays, predictions=predictions)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for file in sorted(Path(folder).iterdir()):
                archive.write(file, file.name)
    print(f"wrote {path}: {path.stat().st_size} bytes")


def write_ours(folder: Path) -> None:
    """Write files with fastconv, and what it predicts."""
    import fastconv

    for make in MODELS:
        model = trained(fastconv, make)
        for ending in ENDINGS:
            file = folder / f"{model.name}.{ending}"
            (model.save_weights if ending == "weights.h5" else model.save)(file)
        np.save(folder / f"{model.name}.npy", model.predict(inputs(), verbose=0))


def read(keras: Any, folder: Path) -> None:
    """Read what `write_ours` wrote, and print how far the predictions are apart."""
    for make in MODELS:
        expected = np.load(folder / f"{make.__name__}.npy")
        for ending in ENDINGS:
            file = str(folder / f"{make.__name__}.{ending}")
            try:
                if ending == "weights.h5":
                    model = make(keras)
                    model.load_weights(file)
                else:
                    model = keras.models.load_model(file)
                error = np.abs(model.predict(inputs(), verbose=0) - expected).max()
                steps = model.optimizer.iterations if ending == "keras" else "-"
                print(f"{keras.__version__} {Path(file).name}: {error:.1e}, steps {steps}")
            except Exception as error:
                message = f"{type(error).__name__} {str(error)[-300:]}"
                print(f"{keras.__version__} {Path(file).name}: {message}")


if __name__ == "__main__":
    try:
        import keras
    except ImportError:
        from tensorflow import keras
    read(keras, Path(sys.argv[1])) if len(sys.argv) > 1 else main(keras)
