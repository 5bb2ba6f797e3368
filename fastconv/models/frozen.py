"""FrozenModel: a model's computation for inference, with the weights that it had at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .. import tree
from ..layers.symbolic import KerasTensor
from ..ops import checks
from . import inputs, loops, structures

if TYPE_CHECKING:
    from .network import Network


class FrozenModel:
    """What `Model.compile_for_inference` returns: computes what the model did then.

    The weights are copies, with batch normalization folded and kernels packed. Whatever happens to
    the model afterwards, training for instance, does not reach them. Several threads may call one
    frozen model at the same time: each runs on memory of its own, and at most 64 MB of it are kept
    for the next calls. Results have the bits of `model.predict`.

    Parameters
    ----------
    model : Model
        Built.

    Attributes
    ----------
    name : str
        That of the model.
    input, output : KerasTensor, or nested lists, tuples, dictionaries of them
        Shapes and names of what it takes and gives.
    """

    def __init__(self, model: Network) -> None:
        graph = model.graph
        if graph is None:
            raise ValueError(
                f"{model.where}: compile_for_inference needs a model that is built: give it an "
                f"Input, or call build(input_shape)."
            )
        self.name = model.name
        # Without the calls that the tensors come from, or the model would be kept in memory.
        self.input = tree.map_leaves(_like, graph.input)
        self.output = tree.map_leaves(_like, graph.output)
        self._plan = model.inference_plan().frozen()
        shapes = [(1, *(size for size in t.shape[1:] if size is not None)) for t in self.inputs]
        if all(len(shape) == t.ndim for shape, t in zip(shapes, self.inputs, strict=True)):
            self._plan.prepare(shapes)

    @property
    def where(self) -> str:
        """How messages name it: `FrozenModel "digits"`."""
        return f'FrozenModel "{self.name}"'

    @property
    def inputs(self) -> list[KerasTensor]:
        """The symbolic inputs as a flat list."""
        return tree.flatten(self.input)

    @property
    def input_shape(self) -> Any:
        """Shape of the input with its batch axis; a structure of them for several inputs."""
        return tree.map_leaves(lambda tensor: tensor.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """Shape of the output with its batch axis; a structure of them for several outputs."""
        return tree.unpacked(tree.map_leaves(lambda tensor: tensor.shape, self.output))

    def __call__(self, x: Any) -> Any:
        """Return the output for a batch.

        Parameters
        ----------
        x : array (N, ...) of real numbers, or the structure of arrays that the model takes

        Returns
        -------
        float32 array (N, ...), or the structure of outputs that the model was made with

        Raises
        ------
        TypeError
            An input does not hold real numbers.
        ValueError
            The structure or a shape of the input does not fit the model.
        """
        arrays = [x]
        if not structures.is_ready(x, self.input):
            matched = self.match_inputs(self.where, x)
            arrays = [checks.as_float32(self.where, "input", array) for array in matched]
        return structures.packed(self.output, self._plan.infer(arrays)[0])

    def predict(self, x: Any, batch_size: int | None = None) -> Any:
        """Return the outputs for some data, computed batch by batch.

        Parameters
        ----------
        x : array (N, ...), or iterable of batches
        batch_size : int, optional
            32 by default. The result does not depend on it.

        Returns
        -------
        float32 array (N, ...), or the structure of outputs that the model was made with

        Raises
        ------
        TypeError, ValueError
            As for a call.
        """
        feed, n = inputs.for_predict(self, x, batch_size)
        if n == 0:
            return self(x)
        outputs = (self._plan.infer(batch)[0] for batch, _, _ in feed.epoch())
        return structures.packed(self.output, loops.joined(outputs, n))

    def match_inputs(self, where: str, x: Any) -> list[np.ndarray]:
        """Return the arrays that it is given, flat and of its inputs' ranks; see `Model`."""
        return structures.match(where, x, self.input)

    def __repr__(self) -> str:
        return f"<FrozenModel name={self.name}, input shape {self.input_shape}>"


def _like(tensor: KerasTensor) -> KerasTensor:
    return KerasTensor(tensor.shape, tensor.dtype, tensor.name)
