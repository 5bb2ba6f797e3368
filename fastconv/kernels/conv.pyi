from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pooling import Maxima

class TapConvolution:
    def __init__(
        self,
        image: tuple[int, int, int, int],
        output: tuple[int, int, int],
        groups: int,
        depth: int,
        cols: int,
        b_k: int,
        b_n: int,
        b_group: int,
        views: Sequence[tuple[Any, ...]],
        unfold: bool,
    ) -> None: ...
    def can_pool(self, distance: int) -> bool: ...
    def bind(
        self,
        x: NDArray[np.float32],
        kernel: NDArray[np.float32],
        y: NDArray[np.float32] | None,
        bias: NDArray[np.float32] | None = None,
        activation: int = 0,
        maxima: Maxima | None = None,
        added: NDArray[np.float32] | None = None,
    ) -> Callable[[NDArray[np.float32] | None], None]: ...
    def packed_floats(self) -> int: ...
    def pack(self, kernel: NDArray[np.float32], packed: NDArray[np.float32]) -> None: ...
    def workspace_bytes(self) -> int: ...
