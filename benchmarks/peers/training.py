"""One epoch of the MNIST tutorial network in each library.

Conv 32 3x3, ReLU, 2x2 max-pool, Conv 64 3x3, ReLU, 2x2 max-pool, Dense 128, ReLU, Dense 10;
cross-entropy and Adam at their defaults, images shuffled in every epoch. The Keras-like ones run
`fit` and count accuracy, as tutorials do; the hand-written loops compute only the loss.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from ..inputs import mnist_like
from .base import Contender, FastconvPeer, JaxPeer, Peer, TensorFlowPeer, TorchPeer

Makers = dict[str, Callable[[], Contender]]


def _keras_contender(
    library: Any, images: np.ndarray, labels: np.ndarray, batch: int, **compile_options: Any
) -> Contender:
    """Return the tutorial's code; `library` is keras or fastconv."""
    layers = library.layers
    model = library.models.Sequential(
        [
            library.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        optimizer="adam",
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        **compile_options,
    )
    targets = np.eye(10, dtype=np.float32)[labels]

    def fit(count: int | None = None) -> float:
        x, y = images[:count], targets[:count]
        history = model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
        return float(history.history["loss"][-1])

    return Contender(fit, first=lambda: fit(batch))


class Fastconv(FastconvPeer):
    def contenders(self, spec: dict[str, Any]) -> Makers:
        data = mnist_like(spec["images"])
        return {"": lambda: _keras_contender(self.fastconv, *data, spec["batch"])}


def on_keras(base: type[Peer], backend: str, **compile_options: Any) -> type[Peer]:
    """Return the peer that runs the tutorial's code in Keras on the library of `base`."""

    class Keras(base):  # type: ignore[misc, valid-type]
        def __init__(self, threads: int, options: dict[str, Any]) -> None:
            super().__init__(threads, options)
            os.environ["KERAS_BACKEND"] = backend
            import keras

            self.keras = keras
            self.version = f"{keras.__version__} on {backend} {self.version}"

        def contenders(self, spec: dict[str, Any]) -> Makers:
            data, batch = mnist_like(spec["images"]), spec["batch"]
            return {"": lambda: _keras_contender(self.keras, *data, batch, **compile_options)}

    return Keras


class Torch(TorchPeer):
    """PyTorch as its tutorials write it: eager, a loop over shuffled batches."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        images, labels = mnist_like(spec["images"])
        return {"": lambda: self._make(images, labels, spec["batch"])}

    def _make(self, images: np.ndarray, labels: np.ndarray, batch: int) -> Contender:
        torch, nn = self.torch, self.torch.nn
        model = nn.Sequential(
            nn.Conv2d(1, 32, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(1600, 128),
            nn.ReLU(),
            nn.Linear(128, 10),
        )
        x = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()
        y = torch.from_numpy(labels)
        cross_entropy = nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(model.parameters())

        def step(chosen: Any) -> Any:
            optimizer.zero_grad()
            loss = cross_entropy(model(x[chosen]), y[chosen])
            loss.backward()
            optimizer.step()
            return loss.detach()

        def epoch() -> float:
            losses = [step(chosen) for chosen in torch.randperm(len(x)).split(batch)]
            return float(torch.stack(losses).mean())

        return Contender(epoch, first=lambda: float(step(torch.arange(batch))))


class Jax(JaxPeer):
    """One jitted step of plain JAX: gradient and Adam in one compiled function."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        images, labels = mnist_like(spec["images"])
        return {"": lambda: self._make(images, labels, spec["batch"])}

    def _make(self, images: np.ndarray, labels: np.ndarray, batch: int) -> Contender:
        jax, jnp, lax = self.jax, self.jax.numpy, self.jax.lax
        shapes = (
            (3, 3, 1, 32),
            (32,),
            (3, 3, 32, 64),
            (64,),
            (1600, 128),
            (128,),
            (128, 10),
            (10,),
        )
        glorot, tree_map = jax.nn.initializers.glorot_uniform(), jax.tree_util.tree_map
        keys = jax.random.split(jax.random.key(0), len(shapes))
        weights = [
            glorot(key, shape) if len(shape) > 1 else jnp.zeros(shape)
            for key, shape in zip(keys, shapes, strict=True)
        ]
        zeros = [jnp.zeros_like(w) for w in weights]
        x, y = jax.device_put(images), jax.device_put(labels)

        def conv_block(x: Any, kernel: Any, bias: Any) -> Any:
            layout = ("NHWC", "HWIO", "NHWC")
            h = lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=layout)
            window = (1, 2, 2, 1)
            return lax.reduce_window(
                jax.nn.relu(h + bias), -jnp.inf, lax.max, window, window, "VALID"
            )

        def loss_of(weights: Any, x: Any, y: Any) -> Any:
            k1, b1, k2, b2, w1, c1, w2, c2 = weights
            h = conv_block(conv_block(x, k1, b1), k2, b2).reshape(len(x), -1)
            logits = jax.nn.relu(h @ w1 + c1) @ w2 + c2
            return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1))

        def adam(w: Any, g: Any, m: Any, v: Any, t: Any) -> Any:
            m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g
            rate = 1e-3 * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
            return w - rate * m / (jnp.sqrt(v) + 1e-7), m, v

        def step(state: Any, x: Any, y: Any, chosen: Any) -> Any:
            weights, m, v, t = state
            loss, gradients = jax.value_and_grad(loss_of)(weights, x[chosen], y[chosen])
            t = t + 1
            updated = [adam(*slots, t) for slots in zip(weights, gradients, m, v, strict=True)]
            return ([list(part) for part in zip(*updated, strict=True)] + [t]), loss

        jitted = jax.jit(step, donate_argnums=0)
        state: Any = [weights, zeros, tree_map(jnp.copy, zeros), jnp.float32(0)]
        shuffle = np.random.default_rng(0).permutation

        def train(order: np.ndarray) -> float:
            nonlocal state
            losses = []
            for chosen in order.reshape(-1, batch):
                state, loss = jitted(state, x, y, chosen)
                losses.append(loss)
            return float(jnp.stack(losses).mean())

        return Contender(lambda: train(shuffle(len(images))), first=lambda: train(np.arange(batch)))


PEERS: dict[str, type[Peer]] = {
    "fastconv": Fastconv,
    "keras-tensorflow": on_keras(TensorFlowPeer, "tensorflow"),
    "keras-tensorflow-nojit": on_keras(TensorFlowPeer, "tensorflow", jit_compile=False),
    "keras-jax": on_keras(JaxPeer, "jax"),
    "keras-torch": on_keras(TorchPeer, "torch"),
    "torch": Torch,
    "jax": Jax,
}
