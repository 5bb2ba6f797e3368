"""The class probabilities of a batch by a network of `networks`, NumPy in and NumPy out.

All have the same weights. Each library gets its images in the layout it likes best.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numpy as np

from ..inputs import pattern_images
from ..networks import NETWORKS, keras_words
from ..networks.jax_words import JAX_NETWORKS
from ..networks.torch_words import channels_first, inference_model
from .base import (
    Contender,
    FastconvPeer,
    JaxPeer,
    OnnxRuntimePeer,
    OpenVinoPeer,
    Peer,
    TensorFlowPeer,
    TorchPeer,
    on_keras,
)

Makers = dict[str, Callable[[], Contender]]


def _images(spec: dict[str, Any]) -> np.ndarray:
    return pattern_images(spec["batch"], NETWORKS[spec["net"]].shape)[0]


def _images_first(spec: dict[str, Any]) -> np.ndarray:
    """Return the images (N, C, H, W), C-contiguous."""
    return channels_first(spec["net"], _images(spec)).copy(order="C")


def _contender(run: Callable[[], np.ndarray]) -> Contender:
    return Contender(run, lambda y: [y])


class KerasWords(Peer):
    """A library that takes Keras's words, as its attribute `library`."""

    library: Any

    #: The public ways to get predictions for one batch; the fastest counts. The first is the one
    #: that starts soonest: Keras does not compile it.
    ways: ClassVar[dict[str, Callable[[Any, Any, np.ndarray], np.ndarray]]] = {
        "call": lambda library, model, x: library.ops.convert_to_numpy(model(x, training=False)),
        "predict_on_batch": lambda library, model, x: model.predict_on_batch(x),
    }

    def contenders(self, spec: dict[str, Any]) -> Makers:
        x = _images(spec)
        return {name: partial(self._make, spec["net"], self.ways[name], x) for name in self.ways}

    def _make(self, net: str, way: Any, x: np.ndarray) -> Contender:
        model = keras_words.KERAS_NETWORKS[net](self.words)
        keras_words.load_weights(model)
        return _contender(lambda: way(self.words, model, x))


class Fastconv(KerasWords, FastconvPeer):
    ways: ClassVar[dict[str, Callable[[Any, Any, np.ndarray], np.ndarray]]] = {
        "call": lambda library, model, x: model(x),
        "predict_on_batch": lambda library, model, x: model.predict_on_batch(x),
    }


class Torch(TorchPeer):
    """Both memory formats; images that lie channels last are only seen as channels first."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        images = _images_first(spec)
        formats = ("contiguous_format", "channels_last")
        return {name: partial(self._make, spec["net"], images, name) for name in formats}

    def _make(self, net: str, images: np.ndarray, layout: str) -> Contender:
        torch = self.torch
        model = inference_model(torch, net).to(memory_format=getattr(torch, layout))
        if layout == "channels_last":
            images = images.transpose(0, 2, 3, 1).copy(order="C").transpose(0, 3, 1, 2)

        def run() -> np.ndarray:
            with torch.inference_mode():
                return model(torch.from_numpy(images)).numpy()

        return _contender(run)


class TorchCompiled(TorchPeer):
    """`torch.compile` with the weights frozen into the code; needs a C++ compiler."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        return {"": lambda: self._make(spec["net"], _images_first(spec))}

    def _make(self, net: str, images: np.ndarray) -> Contender:
        torch = self.torch
        importlib.import_module("torch._inductor.config").freezing = True
        model = torch.compile(inference_model(torch, net))

        def run() -> np.ndarray:
            with torch.no_grad():
                return model(torch.from_numpy(images)).numpy()

        return _contender(run)


class Jax(JaxPeer):
    """The whole network in one jitted function."""

    def contenders(self, spec: dict[str, Any]) -> Makers:
        if spec["net"] not in JAX_NETWORKS:
            return {}
        return {"": lambda: self._make(spec["net"], _images(spec))}

    def _make(self, net: str, x: np.ndarray) -> Contender:
        jax, network = self.jax, JAX_NETWORKS[net]
        weights = jax.device_put(network.weights())
        predict = jax.jit(lambda weights, x: jax.nn.softmax(network.logits(jax, weights, x)))
        return _contender(lambda: np.asarray(predict(weights, x)))


class OnnxRuntime(OnnxRuntimePeer):
    def contenders(self, spec: dict[str, Any]) -> Makers:
        return {"": lambda: self._make(spec["onnx"], _images_first(spec))}

    def _make(self, path: str, x: np.ndarray) -> Contender:
        session = self.session(path)
        return _contender(lambda: session.run(None, {"x": x})[0])


class OpenVino(OpenVinoPeer):
    def contenders(self, spec: dict[str, Any]) -> Makers:
        return {"": lambda: self._make(spec["onnx"], _images_first(spec))}

    def _make(self, path: str, x: np.ndarray) -> Contender:
        request = self.compiled(path).create_infer_request()
        # The next call overwrites the result: no one looks at it then.
        return _contender(lambda: request.infer([x], share_inputs=True, share_outputs=True)[0])


PEERS: dict[str, type[Peer]] = {
    "fastconv": Fastconv,
    "keras-tensorflow": on_keras(KerasWords, TensorFlowPeer, "tensorflow"),
    "keras-jax": on_keras(KerasWords, JaxPeer, "jax"),
    "keras-torch": on_keras(KerasWords, TorchPeer, "torch"),
    "torch": Torch,
    "torch-compiled": TorchCompiled,
    "jax": Jax,
    "onnxruntime": OnnxRuntime,
    "openvino": OpenVino,
}

#: Those that read an ONNX model from spec["onnx"].
ONNX_PEERS = ("onnxruntime", "openvino")
