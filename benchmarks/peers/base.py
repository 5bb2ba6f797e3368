"""How each library is imported, told its threads and asked its version."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np


@dataclass(frozen=True)
class Contender:
    """One way of one library to do the work that is timed."""

    run: Callable[[], Any]
    #: Turns what `run` returned into NumPy arrays in fastconv's layouts; not timed.
    arrays: Callable[[Any], list[np.ndarray]] = lambda result: []
    #: The first call, when it is not `run` itself: one training step instead of an epoch.
    first: Callable[[], Any] | None = None


class Peer:
    """A library in the process of its own. Subclasses import it in `__init__`."""

    version: str

    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        self.threads = threads

    def describe(self) -> dict[str, Any]:
        """Return facts about this process."""
        return {}

    def contenders(self, spec: dict[str, Any]) -> dict[str, Callable[[], Contender]]:
        """Return a maker for each variant worth trying; {} when the library cannot do it."""
        raise NotImplementedError(f"{type(self).__name__} must define contenders(spec).")


class FastconvPeer(Peer):
    """Keras's words come from the module `words`; `compile` needs no more than they say."""

    compile_options: ClassVar[dict[str, Any]] = {}

    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import fastconv

        self.words = fastconv
        self.version = fastconv.__version__

    def describe(self) -> dict[str, Any]:
        from fastconv.kernels import isa

        from ..common import measure_fma_peak

        return {"isa": isa.active(), "peak_gflops": measure_fma_peak()}


class TorchPeer(Peer):
    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import torch

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self.torch = torch
        self.version = torch.__version__


class TensorFlowPeer(Peer):
    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        self.tf = tf
        self.version = tf.__version__


class JaxPeer(Peer):
    """JAX sizes its thread pool by the affinity mask of the process."""

    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import jax

        self.jax = jax
        self.version = jax.__version__


class OnnxRuntimePeer(Peer):
    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import onnxruntime

        self.runtime = onnxruntime
        self.version = onnxruntime.__version__

    def session(self, model: str | bytes) -> Any:
        """Return a session of an ONNX model: the path of a file, or its bytes."""
        settings = self.runtime.SessionOptions()
        settings.intra_op_num_threads = self.threads
        settings.inter_op_num_threads = 1
        return self.runtime.InferenceSession(model, settings, providers=["CPUExecutionProvider"])


class OpenVinoPeer(Peer):
    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import openvino

        self.openvino = openvino
        self.version = openvino.__version__.split("-")[0]

    def compiled(self, model: Any, precision: str = "f32") -> Any:
        """Return a compiled model, from the path of an ONNX file or an OpenVINO model."""
        how = {
            "INFERENCE_NUM_THREADS": self.threads,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            # Left alone, it takes bfloat16 where the CPU has it.
            "INFERENCE_PRECISION_HINT": precision,
        }
        return self.openvino.Core().compile_model(model, "CPU", how)


class NcnnPeer(Peer):
    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import ncnn

        self.ncnn = ncnn
        self.version = ncnn.__version__

    def net(self, layers: str, weights: bytes, winograd: bool) -> Any:
        """Return a network of float32 numbers, from the text and the bytes of its two files."""
        import tempfile  # its loading would count as the start of any library

        net = self.ncnn.Net()
        net.opt.num_threads = self.threads
        net.opt.use_winograd_convolution = winograd
        for word in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_storage"):
            setattr(net.opt, f"use_{word}", False)
        with tempfile.NamedTemporaryFile() as file:  # from memory it would keep only a pointer
            file.write(weights)
            file.flush()
            if net.load_param_mem(layers) or net.load_model(file.name):
                raise RuntimeError("ncnn: the network cannot be loaded")
        return net


def on_keras(words: type[Peer], base: type[Peer], backend: str, **options: Any) -> type[Peer]:
    """Return the peer that runs `words`, a program in Keras's words, in Keras on a library.

    Parameters
    ----------
    words : class
        What is run, by the attributes `words` and `compile_options`.
    base : class
        The library that Keras runs on.
    **options
        For `compile`.
    """

    class Keras(words, base):  # type: ignore[misc, valid-type]
        compile_options = options

        def __init__(self, threads: int, options: dict[str, Any]) -> None:
            super().__init__(threads, options)
            os.environ["KERAS_BACKEND"] = backend
            import keras

            self.words = keras
            self.version = f"{keras.__version__} on {backend} {self.version}"

    return Keras


def namespace(spec: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**spec)
