from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

class Folding:
    def __init__(
        self,
        image: tuple[int, int, int, int],
        groups: int,
        depth: int,
        filters: int,
        view: tuple[Any, ...],
    ) -> None: ...
    def im2col(self, x: Float32, columns: Float32) -> None: ...
    def col2im(self, columns: Float32, x: Float32) -> None: ...
    def run(self, dy: Float32, kernel: Float32, dx: Float32) -> None: ...
    def workspace_bytes(self) -> int: ...
