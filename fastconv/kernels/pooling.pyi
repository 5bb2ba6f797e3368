import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Geometry = tuple[int, int, int, int, int, int]

def max_pool2d(
    x: Float32,
    y: Float32,
    argmax: NDArray[np.int8] | None,
    geometry: Geometry,
    activation: int = 0,
) -> None: ...
def max_pool2d_backward(
    dy: Float32, argmax: NDArray[np.int8], dx: Float32, geometry: Geometry
) -> None: ...

class Maxima:
    def __init__(
        self,
        shape: tuple[int, int, int],
        y: Float32,
        argmax: NDArray[np.int8] | None,
        geometry: Geometry,
        activation: int,
    ) -> None: ...

def average_pool2d(x: Float32, y: Float32, geometry: Geometry) -> None: ...
def average_pool2d_backward(dy: Float32, dx: Float32, geometry: Geometry) -> None: ...
def zero_pad2d(x: Float32, y: Float32, top: int, left: int) -> None: ...
