import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

def matmul(
    a: Float32, b: Float32, c: Float32, bias: Float32 | None = None, activation: int = 0
) -> None: ...
