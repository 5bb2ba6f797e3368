import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Shape4 = tuple[int, int, int, int]
Geometry = tuple[int, int, int, int, int, int]

class BoundDepthwise:
    def __init__(
        self,
        x: Float32,
        kernel: Float32,
        bias: Float32 | None,
        y: Float32,
        geometry: Geometry,
        activation: int,
        backward: bool,
    ) -> None: ...
    def __call__(self, packed: Float32 | None = None) -> None: ...

def depthwise_conv2d_backward_filter(
    x: Float32, dy: Float32, dkernel: Float32, geometry: Geometry
) -> None: ...
def sum_channels(full: Float32, x: Float32) -> None: ...
def workspace_bytes(
    x_shape: Shape4,
    y_shape: Shape4,
    kernel_shape: tuple[int, int, int],
    geometry: Geometry,
    backward: bool,
) -> int: ...
