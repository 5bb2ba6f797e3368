import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Slots = tuple[Float32 | None, ...]

class Updates:
    def __init__(
        self, weights: list[Float32], gradients: list[Float32], slots: list[Slots]
    ) -> None: ...
    def sgd(
        self,
        rate: float,
        decays: list[float],
        grad_scales: list[float],
        clip: float,
        momentum: float,
        nesterov: bool,
    ) -> None: ...
    def adam(
        self,
        rate: float,
        decays: list[float],
        grad_scales: list[float],
        clip: float,
        beta_1: float,
        beta_2: float,
        epsilon: float,
    ) -> None: ...
    def rmsprop(
        self,
        rate: float,
        decays: list[float],
        grad_scales: list[float],
        clip: float,
        rho: float,
        momentum: float,
        epsilon: float,
    ) -> None: ...

def sum_of_squares(x: Float32) -> float: ...
