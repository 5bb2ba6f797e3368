"""PackedKernel: a convolution's kernel with the copies that algorithms read it from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import isa
from . import checks
from .algorithms import ConvAlgorithm, ConvProblem
from .memory import allocate

Float32 = NDArray[np.float32]


class PackedKernel:
    """A kernel that is used more than once: what is derived from it is kept between calls.

    `conv2d` and `conv2d_backward_input` take it in place of the array, with the same results.

    Parameters
    ----------
    kernel : float32 array (KH, KW, C // groups, F), C-contiguous
        Kept, not copied. After a change call `changed`, or set another `version`.

    Attributes
    ----------
    kernel : float32 array
    version : int
        Copies that were made at another version are made anew when they are next needed.
    """

    __slots__ = ("_copies", "kernel", "version")

    def __init__(self, kernel: Any) -> None:
        self.kernel: Float32 = checks.as_float32("PackedKernel", "kernel", kernel)
        self.version = 0
        self._copies: dict[tuple[str, str, str, int], tuple[int, Float32]] = {}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the kernel."""
        return self.kernel.shape

    @property
    def ndim(self) -> int:
        """Number of axes of the kernel."""
        return self.kernel.ndim

    @property
    def nbytes(self) -> int:
        """Bytes of all copies."""
        return sum(copy.nbytes for _, copy in self._copies.values())

    def changed(self) -> None:
        """Tell that `kernel` was changed in place."""
        self.version += 1

    def copy_for(self, algorithm: ConvAlgorithm, p: ConvProblem, direction: str) -> Float32 | None:
        """Return the copy that `algorithm` reads, None if it reads the kernel itself."""
        return self.bind_copy(algorithm, p, direction)()

    def bind_copy(
        self, algorithm: ConvAlgorithm, p: ConvProblem, direction: str
    ) -> Callable[[], Float32 | None]:
        """Return `copy_for` as a function without arguments, for calls by the thousand."""
        size = algorithm.packed_floats(p, direction)
        if size == 0:
            return lambda: None
        key = algorithm.name, direction, isa.active(), size
        pack = algorithm.bind_pack(p, direction, self.kernel)

        def copied() -> Float32:
            version, copy = self._copies.get(key, (None, None))
            if version != self.version or copy is None:
                wanted = self.version
                if copy is None:
                    copy = allocate(4 * size).view(np.float32)
                pack(copy)
                self._copies[key] = wanted, copy
            return copy

        return copied


def split(where: str, kernel: Any) -> tuple[Float32, PackedKernel | None]:
    """Return the array of a kernel argument, and what holds it if it is a PackedKernel."""
    if isinstance(kernel, PackedKernel):
        return kernel.kernel, kernel
    return checks.as_float32(where, "kernel", kernel), None
