from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .conv import TapConvolution

class SplitConvolution:
    def __init__(
        self,
        planes: int,
        image: tuple[int, int, int, int],
        output: tuple[int, int, int],
        b_k: int,
        b_n: int,
        views: Sequence[tuple[Any, ...]],
        direct: TapConvolution,
    ) -> None: ...
    def bind(
        self,
        x: NDArray[np.float32],
        kernel: NDArray[np.float32],
        y: NDArray[np.float32] | None,
        bias: NDArray[np.float32] | None = None,
        activation: int = 0,
        *,
        added: NDArray[np.float32] | None = None,
    ) -> Callable[[NDArray[np.float32] | None], None]: ...
    def packed_floats(self) -> int: ...
    def pack(self, kernel: NDArray[np.float32], packed: NDArray[np.float32]) -> None: ...
    def workspace_bytes(self) -> int: ...
