"""One epoch of a network of `networks` in each library.

Cross-entropy and Adam at their defaults, images shuffled in every epoch. The Keras-like ones run
`fit` and count accuracy, as tutorials do; the hand-written loops compute only the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..inputs import pattern_images
from ..networks import NETWORKS
from ..networks.jax_words import JAX_NETWORKS, JaxNetwork
from ..networks.keras_words import KERAS_NETWORKS
from ..networks.torch_words import TORCH_NETWORKS, channels_first
from .base import Contender, FastconvPeer, JaxPeer, Peer, TensorFlowPeer, TorchPeer, on_keras

Makers = dict[str, Callable[[], Contender]]


def _data(spec: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    return pattern_images(spec["images"], NETWORKS[spec["net"]].shape)


class KerasWords(Peer):
    """A library that takes Keras's words, as its attribute `library`."""

    library: Any
    compile_options: dict[str, Any]

    def contenders(self, spec: dict[str, Any]) -> Makers:
        images, labels = _data(spec)
        return {"": lambda: self._make(spec, images, np.eye(10, dtype=np.float32)[labels])}

    def _make(self, spec: dict[str, Any], images: np.ndarray, targets: np.ndarray) -> Contender:
        batch = spec["batch"]
        model = KERAS_NETWORKS[spec["net"]](self.words)
        model.compile(
            optimizer="adam",
            loss="categorical_crossentropy",
            metrics=["accuracy"],
            **self.compile_options,
        )

        def fit(count: int | None = None) -> float:
            x, y = images[:count], targets[:count]
            history = model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
            return float(history.history["loss"][-1])

        return Contender(fit, first=lambda: fit(batch))


class Fastconv(KerasWords, FastconvPeer):
    pass


def on_torch(layout: str = "contiguous_format", compiled: bool = False) -> type[Peer]:
    """Return the peer that trains as PyTorch's tutorials write it: a loop over shuffled batches.

    Eager, or with the network compiled by `torch.compile`, which needs a C++ compiler.
    """

    class Torch(TorchPeer):
        def contenders(self, spec: dict[str, Any]) -> Makers:
            images, labels = _data(spec)
            images = channels_first(spec["net"], images).copy(order="C")
            return {"": lambda: self._make(spec, images, labels)}

        def _make(self, spec: dict[str, Any], images: np.ndarray, labels: np.ndarray) -> Contender:
            torch, batch = self.torch, spec["batch"]
            format_ = getattr(torch, layout)
            model = TORCH_NETWORKS[spec["net"]](torch).to(memory_format=format_)
            optimizer = torch.optim.Adam(model.parameters())
            if compiled:
                model = torch.compile(model)
            x = torch.from_numpy(images).to(memory_format=format_)
            y = torch.from_numpy(labels)
            cross_entropy = torch.nn.CrossEntropyLoss()

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

    return Torch


class Jax(JaxPeer):
    """One jitted step of plain JAX: gradient and Adam in one compiled function."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        if spec["net"] not in JAX_NETWORKS:
            return {}
        images, labels = _data(spec)
        return {"": lambda: self._make(JAX_NETWORKS[spec["net"]], spec["batch"], images, labels)}

    def _make(
        self, network: JaxNetwork, batch: int, images: np.ndarray, labels: np.ndarray
    ) -> Contender:
        jax, jnp = self.jax, self.jax.numpy
        glorot, tree_map = jax.nn.initializers.glorot_uniform(), jax.tree_util.tree_map
        keys = jax.random.split(jax.random.key(0), len(network.shapes))
        weights = [
            glorot(key, shape) if len(shape) > 1 else jnp.zeros(shape)
            for key, shape in zip(keys, network.shapes, strict=True)
        ]
        zeros = [jnp.zeros_like(w) for w in weights]
        x, y = jax.device_put(images), jax.device_put(labels)

        def loss_of(weights: Any, x: Any, y: Any) -> Any:
            logits = network.logits(jax, weights, x)
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
    "keras-tensorflow": on_keras(KerasWords, TensorFlowPeer, "tensorflow"),
    "keras-tensorflow-nojit": on_keras(KerasWords, TensorFlowPeer, "tensorflow", jit_compile=False),
    "keras-jax": on_keras(KerasWords, JaxPeer, "jax"),
    "keras-torch": on_keras(KerasWords, TorchPeer, "torch"),
    "torch": on_torch(),
    "torch-channels-last": on_torch("channels_last"),
    "torch-compiled": on_torch(compiled=True),
    "jax": Jax,
}
