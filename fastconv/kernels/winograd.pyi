from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

class Winograd:
    def __init__(
        self,
        m: int,
        image: tuple[int, int, int, int],
        output: tuple[int, int, int],
        kernel: tuple[int, int],
        turned: bool,
        view: tuple[Any, ...],
    ) -> None: ...
    def run(
        self,
        x: Float32,
        kernel: Float32,
        y: Float32,
        bias: Float32 | None = None,
        activation: int = 0,
        packed: Float32 | None = None,
    ) -> None: ...
    def packed_floats(self) -> int: ...
    def pack(self, kernel: Float32, packed: Float32) -> None: ...
    def run_filter(self, x: Float32, dy: Float32, dkernel: Float32) -> bool: ...
    def workspace_bytes(self) -> int: ...
