"""The Keras code of many an introduction to CNNs: MNIST in 20 lines. Only the imports are changed.

    python examples/article.py [--epochs 10]

Needs MNIST: from the network, from Keras's cache, or from $FASTCONV_DATA/mnist/.
"""

import argparse

from fastconv.datasets import mnist  # was keras.datasets
from fastconv.layers import Conv2D, Dense, Flatten, MaxPooling2D  # was keras.layers
from fastconv.models import Sequential  # was keras.models
from fastconv.optimizers import Adam  # was keras.optimizers
from fastconv.utils import to_categorical  # was keras.utils

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--epochs", type=int, default=10)
epochs = parser.parse_args().epochs

(X_train, y_train), (X_test, y_test) = mnist.load_data()
X_train = X_train.reshape(-1, 28, 28, 1).astype("float32") / 255
X_test = X_test.reshape(-1, 28, 28, 1).astype("float32") / 255
y_train = to_categorical(y_train, 10)
y_test = to_categorical(y_test, 10)

model = Sequential(
    [
        Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)),
        MaxPooling2D((2, 2)),
        Conv2D(64, (3, 3), activation="relu"),
        MaxPooling2D((2, 2)),
        Flatten(),
        Dense(128, activation="relu"),
        Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer=Adam(), loss="categorical_crossentropy", metrics=["accuracy"])
model.summary()

model.fit(X_train, y_train, epochs=epochs, batch_size=32, validation_split=0.2)

test_loss, test_accuracy = model.evaluate(X_test, y_test)
print(f"Test loss: {test_loss:.4f}, test accuracy: {test_accuracy:.4f}")
