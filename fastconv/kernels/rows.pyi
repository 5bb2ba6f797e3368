import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Int64 = NDArray[np.int64]

SOURCES: dict[str, int]

def softmax(x: Float32, y: Float32) -> None: ...
def softmax_backward(dy: Float32, y: Float32, dx: Float32) -> None: ...
def log_softmax(x: Float32, y: Float32) -> None: ...
def log_softmax_backward(dy: Float32, y: Float32, dx: Float32) -> None: ...
def softmax_cross_entropy(
    logits: Float32,
    classes: Int64 | None,
    labels: Float32 | None,
    weights: Float32 | None,
    loss: Float32,
    dlogits: Float32,
) -> None: ...
def sigmoid_cross_entropy(
    logits: Float32,
    labels: Float32,
    weights: Float32 | None,
    loss: Float32,
    dlogits: Float32,
) -> None: ...
def first_outside(indices: Int64, limit: int) -> int: ...
def take_rows(x: NDArray[np.uint8], source: int, indices: Int64, y: Float32) -> None: ...
