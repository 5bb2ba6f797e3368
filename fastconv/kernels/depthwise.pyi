import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Shape4 = tuple[int, int, int, int]
Geometry = tuple[int, int, int, int, int, int]

def depthwise_conv2d(
    x: Float32,
    kernel: Float32,
    bias: Float32 | None,
    y: Float32,
    geometry: Geometry,
    activation: int,
) -> None: ...
def depthwise_conv2d_backward_input(
    dy: Float32, kernel: Float32, dx: Float32, geometry: Geometry
) -> None: ...
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
