import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

def channel_sums(x: Float32, sums: Float32) -> None: ...
def batch_norm(
    x: Float32,
    gamma: Float32 | None,
    beta: Float32 | None,
    mean: Float32,
    variance: Float32,
    epsilon: float,
    y: Float32,
    activation: int = 0,
    more: Float32 | None = None,
) -> None: ...
def batch_norm_train(
    x: Float32,
    gamma: Float32 | None,
    beta: Float32 | None,
    epsilon: float,
    y: Float32,
    mean: Float32,
    variance: Float32,
    activation: int = 0,
    more: Float32 | None = None,
) -> None: ...
def batch_norm_backward(
    dy: Float32,
    x: Float32,
    gamma: Float32 | None,
    mean: Float32,
    variance: Float32,
    epsilon: float,
    fixed_statistics: bool,
    dx: Float32,
    dgamma: Float32,
    dbeta: Float32,
    activation: int = 0,
    beta: Float32 | None = None,
    dz: Float32 | None = None,
    more: Float32 | None = None,
    v: Float32 | None = None,
) -> None: ...
