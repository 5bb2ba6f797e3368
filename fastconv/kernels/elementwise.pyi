import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Args = tuple[float, float, float]

CODES: dict[str, int]

def forward(code: int, args: Args, x: Float32, y: Float32) -> None: ...
def backward(code: int, args: Args, dy: Float32, v: Float32, dx: Float32) -> None: ...
def add(
    a: Float32, b: Float32, y: Float32, activation: int = 0, v: Float32 | None = None
) -> None: ...
def dropout(x: Float32, y: Float32, mask: Float32, rate: float, seed: int) -> None: ...
