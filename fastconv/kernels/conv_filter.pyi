from typing import Any

import numpy as np
from numpy.typing import NDArray

class FilterGradient:
    def __init__(
        self,
        image: tuple[int, int, int, int],
        output: tuple[int, int, int],
        groups: int,
        depth: int,
        cols: int,
        view: tuple[Any, ...],
        unfold: bool,
    ) -> None: ...
    def run(
        self, x: NDArray[np.float32], dy: NDArray[np.float32], dkernel: NDArray[np.float32]
    ) -> None: ...
    def workspace_bytes(self) -> int: ...
