import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Slots = tuple[Float32 | None, ...]
Preparation = tuple[float, float, float]

def sgd(
    w: Float32,
    g: Float32,
    slots: Slots,
    rate: float,
    preparation: Preparation,
    momentum: float,
    nesterov: bool,
) -> None: ...
def adam(
    w: Float32,
    g: Float32,
    slots: Slots,
    rate: float,
    preparation: Preparation,
    beta_1: float,
    beta_2: float,
    epsilon: float,
) -> None: ...
def rmsprop(
    w: Float32,
    g: Float32,
    slots: Slots,
    rate: float,
    preparation: Preparation,
    rho: float,
    momentum: float,
    epsilon: float,
) -> None: ...
def sum_of_squares(x: Float32) -> float: ...
