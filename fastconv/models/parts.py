"""Large batches in parts: inference whose buffers stay in the second-level cache.

Each image is computed for itself, so a batch may go through the model in parts that are as good as
batches of their own, to the bit. Between its layers a part is still in the cache, which the whole
batch would have left. But each part reads all weights again, so it must be worth them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..layers import Lambda
from ..layers.operators import Operator
from ..ops import machine
from .execution import Execution
from .program import Program, Step, is_known

#: Bytes of the buffers of a part: they stay in the second-level cache.
PART_BYTES = machine.l2_bytes() // 2
#: Bytes that the layers of a part read and write for each byte of their weights, at least.
BYTES_PER_WEIGHT_BYTE = 6


class Parts:
    """An execution of a part of a batch, run for one part after the other.

    Attributes
    ----------
    kept_nbytes : int
        Bytes of the memory that the part lies in.
    """

    def __init__(self, part: Execution, count: int) -> None:
        self._part = part
        self._count = count
        self.kept_nbytes = part.kept_nbytes

    def forward(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Return the outputs for a batch."""
        outputs: list[np.ndarray] = []
        n = len(inputs[0]) // self._count
        for i in range(self._count):
            rows = slice(i * n, (i + 1) * n)
            results = self._part.forward([x[rows] for x in inputs])
            if not outputs:
                outputs = [np.empty((self._count * n, *y.shape[1:]), y.dtype) for y in results]
            for y, result in zip(outputs, results, strict=True):
                y[rows] = result
        return outputs


def part_size(execution: Execution, program: Program, shapes: Sequence[tuple[int, ...]]) -> int:
    """Return how many images of a batch, which an execution is compiled for, to compute at once.

    Parts are equal; without such parts of a fitting size, it is the whole batch.
    """
    n = shapes[0][0]
    if execution.nbytes <= 2 * PART_BYTES or any(shape[0] != n for shape in shapes):
        return n
    if not all(map(_keeps_images_apart, program.steps)):
        return n
    layers = {id(step.layer): step.layer for step in program.steps}.values()
    weights = sum(weight.value.nbytes for layer in layers for weight in layer.weights)
    moved = sum(b.nbytes for i in execution.instructions for b in (*i.reads, *i.writes))
    fewest = BYTES_PER_WEIGHT_BYTE * weights * n // moved
    most = int(max(PART_BYTES * n // execution.nbytes, fewest, 1))
    size = max(part for part in range(1, min(most, n) + 1) if n % part == 0)
    return size if size * 4 >= most else n


def _keeps_images_apart(step: Step) -> bool:
    """Return whether no image of a batch can have to do with another: functions of yours may."""
    layer = step.layer
    return (
        is_known(layer)
        and not isinstance(layer, (Lambda, Operator))
        and getattr(layer, "activation_name", "linear") is not None
    )
