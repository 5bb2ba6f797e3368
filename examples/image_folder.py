"""Train from a folder of images, one folder per class; then load the model and classify a file.

    python examples/image_folder.py [--epochs 10] [--folder FOLDER]

Without --folder, the digits that come with the package are written to a temporary folder. Needs
Pillow: pip install 'fastconv[image]'
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np

from fastconv import layers, models
from fastconv.callbacks import EarlyStopping, ModelCheckpoint
from fastconv.datasets import digits
from fastconv.utils import (
    image_dataset_from_directory,
    img_to_array,
    load_img,
    save_img,
    set_random_seed,
)


def write_digits(folder):
    (images, labels), _ = digits.load_data(image_size=32)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(exist_ok=True)
        save_img(folder / str(label) / f"{i:04d}.png", image[..., None], scale=False)


def train(folder, model_file, epochs):
    train_ds, val_ds = image_dataset_from_directory(
        folder,
        validation_split=0.2,
        subset="both",
        seed=1337,
        image_size=(32, 32),
        color_mode="grayscale",
        batch_size=32,
    )
    names = train_ds.class_names
    model = models.Sequential(
        [
            layers.Input((32, 32, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(len(names), activation="softmax"),
        ]
    )
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    callbacks = [
        ModelCheckpoint(model_file, monitor="val_accuracy", save_best_only=True),
        EarlyStopping(patience=3),
    ]
    history = model.fit(
        train_ds, validation_data=val_ds, epochs=epochs, callbacks=callbacks, verbose=2
    )
    print(f"Best validation accuracy: {max(history.history['val_accuracy']):.4f}")
    return names


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    set_random_seed(0)

    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary, "images")
        if not options.folder:
            folder.mkdir()
            write_digits(folder)
        model_file = Path(temporary, "best.keras")
        names = train(folder, model_file, options.epochs)

        model = models.load_model(model_file)
        path = min(folder.glob("*/*"))
        image = img_to_array(load_img(path, color_mode="grayscale", target_size=(32, 32)))
        probabilities = model.predict(image[None], verbose=0)[0]
        best = int(np.argmax(probabilities))
        where = path.relative_to(folder)
        print(f"{where}: {names[best]} with probability {probabilities[best]:.2f}")


if __name__ == "__main__":
    main()
