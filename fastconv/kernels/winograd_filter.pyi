import numpy as np
from numpy.typing import NDArray

from .winograd import Winograd

Float32 = NDArray[np.float32]

def kernel_gradient(driver: Winograd, x: Float32, dy: Float32, dkernel: Float32) -> bool: ...
