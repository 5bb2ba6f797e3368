"""What an algorithm answers: can it, what would it cost, and the three products."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...kernels.conv import TapConvolution
from ...kernels.pooling import Maxima
from ...kernels.winograd import Winograd
from .. import checks
from .problem import ConvProblem

Float32 = NDArray[np.float32]
#: Drivers that can add to y, and have a Maxima take it.
FusingDriver = TapConvolution | Winograd
#: Computes, given the packed kernel or None.
Bound = Callable[["Float32 | None"], None]


class Driver(Protocol):
    """What `kernels` computes y or dx with: TapConvolution, Winograd."""

    def bind(
        self,
        x: Float32,
        kernel: Float32,
        y: Float32 | None,
        bias: Float32 | None = None,
        activation: int = 0,
    ) -> Bound:
        """Return what writes y, given the packed kernel or None."""

    def packed_floats(self) -> int:
        """Return the size of the packed kernel."""

    def pack(self, kernel: Float32, packed: Float32) -> None:
        """Write the packed kernel."""


class AddingDriver(Driver, Protocol):
    """A driver that can add to y."""

    def bind(
        self,
        x: Float32,
        kernel: Float32,
        y: Float32 | None,
        bias: Float32 | None = None,
        activation: int = 0,
        *,
        added: Float32 | None = None,
    ) -> Bound:
        """Return what writes y, to which `added` is added before the activation."""


class ConvAlgorithm:
    """A way to compute a convolution; holds no state.

    Arrays come checked: C-contiguous float32 of the problem's shapes; results are overwritten.
    """

    #: The word for `algorithm=` of the ops.
    name: str
    #: |result - exact| <= error_factor * eps * (the same product of absolute values).
    error_factor: float = 4.0
    #: How far away along each axis results may be whose products add to the errors of one, those
    #: beyond the border included (of y and dx: of pixels; of dkernel: of taps, strides apart).
    reach: int = 0
    #: Whether sums of small integers come out exact.
    exact_integers: bool = True

    def unsupported_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why this algorithm cannot do `direction` of `p`, or None."""
        raise checks.must_define(self, "unsupported_reason(p, direction)")

    def inaccurate_reason(self, p: ConvProblem, direction: str) -> str | None:
        """Return why its rms error may exceed that of a chain of multiply-adds, or None.

        Such an algorithm runs only when it is asked for by name.
        """
        return None

    def error_bound(self, p: ConvProblem, direction: str) -> float:
        """Return what to take for error_factor at the problem's precision."""
        return self.error_factor

    def cost(self, p: ConvProblem, direction: str) -> float:
        """Return the estimated cycles on one thread, from the sizes and the ISA table alone."""
        raise checks.must_define(self, "cost(p, direction)")

    def workspace_bytes(self, p: ConvProblem, direction: str) -> int:
        """Return the scratch memory that one thread needs."""
        raise checks.must_define(self, "workspace_bytes(p, direction)")

    def packed_floats(self, p: ConvProblem, direction: str) -> int:
        """Return the size of the copy of the kernel that can be kept between calls, 0 if none."""
        return 0

    def pack(self, p: ConvProblem, direction: str, kernel: Float32, packed: Float32) -> None:
        """Write that copy; it depends on the kernel, the direction and the instruction set."""
        self.bind_pack(p, direction, kernel)(packed)

    def forward(
        self,
        p: ConvProblem,
        x: Float32,
        kernel: Float32,
        bias: Float32 | None,
        activation: int,
        y: Float32,
        packed: Float32 | None = None,
    ) -> None:
        """Write y = activation(x * kernel + bias); activation is a code of `fusion`."""
        self.bind_forward(p, x, kernel, bias, activation, y)(packed)

    def backward_input(
        self,
        p: ConvProblem,
        dy: Float32,
        kernel: Float32,
        dx: Float32,
        packed: Float32 | None = None,
    ) -> None:
        """Write dx."""
        self.bind_backward_input(p, dy, kernel, dx)(packed)

    def backward_filter(self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32) -> None:
        """Write dkernel."""
        self.bind_backward_filter(p, x, dy, dkernel)()

    # The same with all but the packed kernel given beforehand, for calls by the thousand

    def bind_pack(
        self, p: ConvProblem, direction: str, kernel: Float32
    ) -> Callable[[Float32], None]:
        """Return `pack` as a function of the copy."""
        raise checks.must_define(self, "bind_pack(p, direction, kernel)")

    def bind_forward(
        self,
        p: ConvProblem,
        x: Float32,
        kernel: Float32,
        bias: Float32 | None,
        activation: int,
        y: Float32,
    ) -> Bound:
        """Return `forward` as a function of the packed kernel."""
        raise checks.must_define(self, "bind_forward(p, x, kernel, bias, activation, y)")

    def bind_backward_input(
        self, p: ConvProblem, dy: Float32, kernel: Float32, dx: Float32
    ) -> Bound:
        """Return `backward_input` as a function of the packed kernel."""
        raise checks.must_define(self, "bind_backward_input(p, dy, kernel, dx)")

    def bind_backward_filter(
        self, p: ConvProblem, x: Float32, dy: Float32, dkernel: Float32
    ) -> Callable[[], None]:
        """Return `backward_filter` as a function without arguments."""
        raise checks.must_define(self, "bind_backward_filter(p, x, dy, dkernel)")


def flat(a: Float32, b: Float32, c: Float32) -> tuple[Float32, Float32, Float32]:
    """Return arrays without their shapes, as drivers want them."""
    return a.reshape(-1), b.reshape(-1), c.reshape(-1)


class DrivenAlgorithm(ConvAlgorithm):
    """Base of algorithms whose y and dx come from one driver of kernels, on flat arrays."""

    def driver(self, p: ConvProblem, direction: str) -> Driver:
        """Return what computes y ("forward") or dx ("backward_input")."""
        raise checks.must_define(self, "driver(p, direction)")

    def packed_floats(self, p: ConvProblem, direction: str) -> int:
        """Return the size of the copy of the kernel that can be kept between calls, 0 if none."""
        return self.driver(p, direction).packed_floats()

    def bind_pack(
        self, p: ConvProblem, direction: str, kernel: Float32
    ) -> Callable[[Float32], None]:
        """Return `pack` as a function of the copy."""
        return partial(self.driver(p, direction).pack, kernel.reshape(-1))

    def bind_forward(
        self,
        p: ConvProblem,
        x: Float32,
        kernel: Float32,
        bias: Float32 | None,
        activation: int,
        y: Float32,
    ) -> Bound:
        """Return `forward` as a function of the packed kernel."""
        return self.driver(p, "forward").bind(*flat(x, kernel, y), bias, activation)

    def bind_backward_input(
        self, p: ConvProblem, dy: Float32, kernel: Float32, dx: Float32
    ) -> Bound:
        """Return `backward_input` as a function of the packed kernel."""
        return self.driver(p, "backward_input").bind(*flat(dy, kernel, dx))


class AddingAlgorithm(DrivenAlgorithm):
    """Base of those whose driver adds to y before it is written."""

    def driver(self, p: ConvProblem, direction: str) -> AddingDriver:
        """Return what computes y ("forward") or dx ("backward_input")."""
        raise checks.must_define(self, "driver(p, direction)")

    def bind_added(
        self,
        p: ConvProblem,
        x: Float32,
        kernel: Float32,
        bias: Float32 | None,
        added: Float32,
        activation: int,
        y: Float32,
    ) -> Bound:
        """Return what writes y = activation(x * kernel + bias + added)."""
        arrays, more = flat(x, kernel, y), added.reshape(-1)
        return self.driver(p, "forward").bind(*arrays, bias, activation, added=more)


class FusingAlgorithm(AddingAlgorithm):
    """Base of those whose driver adds to y, or has it pooled, before it is written."""

    def driver(self, p: ConvProblem, direction: str) -> FusingDriver:
        """Return what computes y ("forward") or dx ("backward_input")."""
        raise checks.must_define(self, "driver(p, direction)")

    def can_pool(self, p: ConvProblem, distance: int) -> bool:
        """Return whether y can be pooled unwritten, in windows `distance` rows apart."""
        return self.driver(p, "forward").can_pool(distance)

    def bind_pooled(
        self, p: ConvProblem, x: Float32, kernel: Float32, bias: Float32 | None, maxima: Maxima
    ) -> Bound:
        """Return `forward` whose y is pooled, as a function of the packed kernel."""
        arrays = x.reshape(-1), kernel.reshape(-1), None
        return self.driver(p, "forward").bind(*arrays, bias, maxima=maxima)
