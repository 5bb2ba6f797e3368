from typing import Any

import numpy as np
from numpy.typing import NDArray

from .conv_filter import FilterGradient

class SplitFilterGradient:
    def __init__(
        self,
        planes: int,
        image: tuple[int, int, int, int],
        output: tuple[int, int, int],
        view: tuple[Any, ...],
        direct: FilterGradient,
    ) -> None: ...
    def run(
        self, x: NDArray[np.float32], dy: NDArray[np.float32], dkernel: NDArray[np.float32]
    ) -> None: ...
    def workspace_bytes(self) -> int: ...
