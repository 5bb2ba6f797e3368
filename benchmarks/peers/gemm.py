"""One matrix product a (M, K) @ b (K, N) in each library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..inputs import standard_normal
from .base import Contender, FastconvPeer, Peer, TorchPeer


def _operands(spec: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    m, k, n = spec["M"], spec["K"], spec["N"]
    return standard_normal("a", (m, k)), standard_normal("b", (k, n))


class Fastconv(FastconvPeer):
    def contenders(self, spec: dict[str, Any]) -> dict[str, Callable[[], Contender]]:
        from fastconv import ops

        a, b = _operands(spec)
        return {"": lambda: Contender(lambda: ops.matmul(a, b), lambda y: [y])}


class NumPy(Peer):
    """NumPy with the BLAS it was built with."""

    def __init__(self, threads: int, options: dict[str, Any]) -> None:
        super().__init__(threads, options)
        build: Any = np.show_config(mode="dicts")
        blas = build["Build Dependencies"]["blas"]
        self.version = f"{np.__version__} ({blas.get('name')} {blas.get('version')})"

    def contenders(self, spec: dict[str, Any]) -> dict[str, Callable[[], Contender]]:
        a, b = _operands(spec)
        return {"": lambda: Contender(lambda: a @ b, lambda y: [y])}


class Torch(TorchPeer):
    def contenders(self, spec: dict[str, Any]) -> dict[str, Callable[[], Contender]]:
        a, b = (self.torch.from_numpy(operand) for operand in _operands(spec))

        def run() -> Any:
            with self.torch.inference_mode():
                return self.torch.mm(a, b)

        return {"": lambda: Contender(run, lambda y: [y.numpy()])}


PEERS = {"fastconv": Fastconv, "numpy": NumPy, "torch": Torch}
