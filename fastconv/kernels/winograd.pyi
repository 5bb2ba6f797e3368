from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .pooling import Maxima

Float32 = NDArray[np.float32]

def members() -> list[tuple[int, int, int, int]]: ...

class Winograd:
    def __init__(
        self,
        member: tuple[int, int, int, int],
        image: tuple[int, int, int, int],
        output: tuple[int, int, int],
        kernel: tuple[int, int, int, int],
        strides: tuple[int, int],
        turned: bool,
        view: tuple[Any, ...],
        parts: list[tuple[int, int, int, int, bool, bool, list[int]]],
        halves: int = 0,
    ) -> None: ...
    def can_pool(self, distance: int) -> bool: ...
    def bind(
        self,
        x: Float32,
        kernel: Float32,
        y: Float32 | None,
        bias: Float32 | None = None,
        activation: int = 0,
        maxima: Maxima | None = None,
        added: Float32 | None = None,
    ) -> Callable[[Float32 | None], None]: ...
    def packed_floats(self) -> int: ...
    def pack(self, kernel: Float32, packed: Float32) -> None: ...
    def workspace_bytes(self) -> int: ...
