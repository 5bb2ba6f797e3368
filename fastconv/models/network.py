"""Network: layers that form one. It runs them, and holds what they hold: weights, names, files.

It is a layer itself, so that a model can be a layer of another one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import saving
from ..layers import Layer, Variable
from ..layers.layer import Backward
from ..ops import checks
from . import summary
from .plan import Plan

Shape = tuple["int | None", ...]


class Network(Layer):
    """Base of models. A subclass defines `layers`, `input_shape` and `output_shape`."""

    keras_module = "keras"

    # What a subclass defines

    @property
    def layers(self) -> list[Layer]:
        """The layers, without InputLayer."""
        raise NotImplementedError

    @property
    def input_shape(self) -> Shape:
        """Shape of the input with its batch axis."""
        raise NotImplementedError

    @property
    def output_shape(self) -> Shape:
        """Shape of the output with its batch axis."""
        raise NotImplementedError

    def layer_shapes(self) -> list[tuple[Layer, Shape | None]]:
        """Return each layer with the shape of its output, None if it is not built."""
        raise NotImplementedError

    # Running

    def flatten(self) -> list[Layer]:
        """Return the layers, those of models within the model in their place."""
        flat: list[Layer] = []
        for layer in self.layers:
            flat += layer.flatten() if isinstance(layer, Network) else [layer]
        return flat

    def plan(self, fused: bool = False) -> Plan:
        """Return the layers ready to run, see `Plan`."""
        return Plan(self.flatten(), fused)

    def run(self, x: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the output for a float32 batch of the right shape."""
        return self.forward(x, training)[0]

    def forward(self, x: np.ndarray, training: bool = False) -> tuple[np.ndarray, Backward | None]:
        """Return the output and, when training, the function that takes gradients back."""
        if not training:
            return self.plan().infer(x)[0], None
        y, _, take_back = Plan(self.flatten(), to_input=True).train(x)

        def backward(dy: np.ndarray, need_dx: bool = True) -> np.ndarray | None:
            dx = take_back(dy)
            return dx if need_dx else None

        return y, backward

    def __call__(self, x: Any, training: bool | None = None) -> np.ndarray:
        """Return the output for a batch `x`, building the model if need be.

        Raises
        ------
        TypeError
            `x` does not hold real numbers.
        ValueError
            The shape of `x` does not fit the model.
        """
        x = checks.as_float32(self.where, "input", x)
        if not self.built:
            self.build((None, *x.shape[1:]))
        x = np.ascontiguousarray(self.match_input(self.where, x))
        y = self.run(x, bool(training))
        return y.copy() if np.may_share_memory(x, y) else y

    def match_input(self, where: str, x: np.ndarray) -> np.ndarray:
        """Return `x` as a view with the rank of the model's input: a last axis of 1 is optional.

        Raises
        ------
        ValueError
            The shape of `x` does not fit the model.
        """
        wanted = self.input_shape
        shape: tuple[int, ...] = x.shape
        if len(shape) == len(wanted) - 1 and wanted[-1] == 1:
            x = x[..., None]
        elif len(shape) == len(wanted) + 1 and shape[-1] == 1:
            x = x[..., 0]
        if not _fits(x.shape, wanted):
            shown, got = (", ".join(map(str, ["N", *s[1:]])) for s in (wanted, shape))
            raise ValueError(
                f"{where}: the model was built for inputs of shape ({shown}), got ({got})."
                f"{_input_hint(shape, wanted)}"
            )
        return x

    # Weights

    @property
    def trainable(self) -> bool:
        """Whether training changes the weights; setting it sets it for every layer."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self.layers:
            layer.trainable = self._trainable

    @property
    def weights(self) -> list[Variable]:
        """All weights, layer by layer."""
        return self._collect(lambda layer: layer.weights)

    @property
    def trainable_weights(self) -> list[Variable]:
        """Weights that training changes, layer by layer."""
        return self._collect(lambda layer: layer.trainable_weights)

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """Weights that training leaves alone, layer by layer."""
        return self._collect(lambda layer: layer.non_trainable_weights)

    def _collect(self, of: Callable[[Layer], list[Variable]]) -> list[Variable]:
        return list({id(v): v for layer in self.layers for v in of(layer)}.values())

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Write the weights, and the optimizer's state, to a file that Keras reads too.

        Parameters
        ----------
        filepath : str or path
            Must end in .weights.h5.
        overwrite : bool

        Raises
        ------
        FileExistsError
            The file exists and `overwrite` is false.
        ValueError
            The model is not built, or the name ends otherwise.
        """
        saving.save_weights(self, filepath, overwrite)

    def load_weights(
        self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
    ) -> None:
        """Read the weights in a file of fastconv or Keras; all weights or none.

        Parameters
        ----------
        filepath : str or path
            .weights.h5, .keras, or an .h5 file of Keras 2 or of a whole model.
        skip_mismatch : bool
            Leave layers alone whose weights do not fit, with a warning.
        by_name : bool
            Match layers by name and leave the others alone; for .h5 files of Keras 2.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ValueError
            The model is not built, the file is damaged, or it does not fit the model.
        """
        saving.load_weights(self, filepath, skip_mismatch, by_name)

    def save_training_state(
        self, filepath: Any, position: Any = None, random_state: Any = None
    ) -> None:
        """Write all that training needs to go on bit for bit; see `saving.save_training_state`."""
        saving.save_training_state(self, filepath, position, random_state)

    def load_training_state(self, filepath: Any) -> dict[str, Any]:
        """Put back what `save_training_state` wrote, and return its `position`."""
        return saving.load_training_state(self, filepath)

    # Description

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by its name or its place.

        Raises
        ------
        ValueError
            There is none, or not exactly one of the two is given.
        """
        if (name is None) == (index is None):
            raise ValueError(f"{self.where}: get_layer needs either a name or an index.")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(
                    f"{self.where}: get_layer: index must be below {len(layers)}, got {index}."
                )
            return layers[index]
        names = [layer.name for layer in layers]
        if name not in names:
            raise ValueError(
                f"{self.where}: no such layer: {name}.{checks.did_you_mean(name, names)} Existing "
                f"layers are: {names}."
            )
        return layers[names.index(name)]

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print a table of the layers, their output shapes and numbers of parameters.

        Parameters
        ----------
        line_length : int, optional
            Width of the table; by default what fits the terminal.
        positions : list of float, optional
            Right edges of the columns, as parts of the width.
        print_fn : function of str, optional
            Gets the text instead of standard output.
        expand_nested : bool
            Show the layers of models within the model.
        show_trainable : bool
            Add a column that tells whether a layer learns.
        layer_range : pair of regular expressions, optional
            Names of the first and the last layer to show.
        """
        summary.show(
            self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range
        )


def _fits(shape: tuple[int, ...], wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(
        want in (None, size) for size, want in zip(shape[1:], wanted[1:], strict=True)
    )


def _input_hint(shape: tuple[int, ...], wanted: Shape) -> str:
    if _fits((1, *shape), wanted) or _fits((1, *shape, 1), wanted):
        return " A single sample? Use x[None]."
    if len(shape) == len(wanted) - 1:
        return " No channel axis? Use x[..., None]."
    if len(shape) == 4 and _fits((shape[0], *shape[2:], shape[1]), wanted):
        return " It looks like channels-first data: use x.transpose(0, 2, 3, 1)."
    return ""
