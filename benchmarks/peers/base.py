"""How each library is imported, told its threads and asked its version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

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
        raise NotImplementedError


class FastconvPeer(Peer):
    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        import fastconv

        self.fastconv = fastconv
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


def namespace(spec: dict[str, Any]) -> SimpleNamespace:
    return SimpleNamespace(**spec)
