"""Model: a network made of symbolic tensors, or a class with `call`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import saving
from ..layers import calls
from ..layers.symbolic import Graph, KerasTensor
from . import config
from .former import Former
from .training import Training

if TYPE_CHECKING:
    from .inspection import Explanation


class Model(Former, Training):
    """A network that is trained: `Model(inputs, outputs)`, or the base of your own classes.

    ::

        inputs = Input((28, 28, 1))
        x = Conv2D(8, 3, activation="relu")(inputs)
        outputs = Dense(10, activation="softmax")(Flatten()(x))
        model = Model(inputs, outputs)

    Inputs and outputs may be lists, tuples or dictionaries of symbolic tensors. A class of your own
    makes its layers in `__init__` and calls them in `call(self, inputs)`, or `call(self, inputs,
    training)`. `call` is run once, with symbolic tensors: it may call layers and use `+ - * /`.

    Parameters
    ----------
    inputs, outputs : KerasTensor, or nested lists, tuples, dictionaries of them
        Both or neither.
    trainable : bool
        False freezes all weights.
    name : str, optional

    Attributes
    ----------
    optimizer : Optimizer or None
        None before compile().
    history : History or None
        That of the last fit().
    stop_training : bool
        A callback sets it to end training after the epoch.

    Raises
    ------
    ValueError
        An output does not depend on the inputs alone, or two layers have the same name.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Model:
        """Return a `Functional` for `Model(inputs, outputs)`."""
        if cls is Model and (args or "inputs" in kwargs or "outputs" in kwargs):
            from .functional import Functional  # which is a Model

            return super().__new__(Functional)
        return super().__new__(cls)

    def __init__(
        self,
        inputs: Any = None,
        outputs: Any = None,
        *,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(trainable=trainable, name=name, **kwargs)
        if inputs is not None or outputs is not None:
            self.graph = Graph(self.where, inputs, outputs)
            self.built = True
            if not trainable:
                self.trainable = False

    def build(self, input_shape: Any = None) -> None:
        """Create the weights of a model whose class defines `call`.

        Parameters
        ----------
        input_shape : tuple of int or None, or list or dictionary of them
            With the batch axis: (None, 28, 28, 1).

        Raises
        ------
        NotImplementedError
            The class does not define `call`.
        TypeError, ValueError
            `call` does something else than calling layers, or they do not take such an input.
        """
        if self.graph is not None:
            return
        if not self.is_traced:
            raise NotImplementedError(
                f"{self.where}: use Model(inputs, outputs), or define call(self, inputs)."
            )
        if input_shape is None:
            raise ValueError(f"{self.where}: build needs the input shape.")
        calls.trace(self, (calls.map_shapes(KerasTensor, input_shape),), {})
        self.built = True

    def build_symbolic(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Build the model for a call with symbolic tensors."""
        if type(self).build is not Model.build:
            super().build_symbolic(args, kwargs)  # calls the build of a subclass
        if self.graph is None:
            calls.trace(self, args, kwargs)
        self.built = True

    # Files

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture, and the arguments of compile(), as JSON that Keras reads too.

        Parameters
        ----------
        **kwargs
            Passed on to `json.dumps`.
        """
        return config.to_json(self, **kwargs)

    def save(
        self,
        filepath: Any,
        overwrite: bool = True,
        zipped: Any = None,
        include_optimizer: bool = True,
        save_format: Any = None,
    ) -> None:
        """Write the model to a `.keras` or `.h5` file; see `saving.save_model`."""
        saving.save_model(self, filepath, overwrite, zipped, include_optimizer, save_format)

    def save_weights(self, filepath: Any, overwrite: bool = True, save_format: Any = None) -> None:
        """Write the weights, and the optimizer's state, to a file that Keras reads too.

        Parameters
        ----------
        filepath : str or path
            Must end in .weights.h5.
        overwrite : bool
        save_format : "h5", optional
            Of older versions of Keras.

        Raises
        ------
        FileExistsError
            The file exists and `overwrite` is false.
        ValueError
            The model is not built, or the name ends otherwise.
        """
        saving.save_weights(self, filepath, overwrite, save_format=save_format)

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

    # What it does

    def explain(self, batch_size: Any = 1, training: bool = False) -> Explanation:
        """Print the instructions that a batch runs through, and return them.

        Parameters
        ----------
        batch_size : int
        training : bool
            Those of a training step, without loss and optimizer; needs compile(). The products
            run once, on zeros, to see what memory they take.

        Returns
        -------
        list of dict
            For each instruction its layer, what it computes, the algorithm of a convolution,
            MFLOP, megabytes of the buffers that it touches, and where it writes. With `training`
            its attribute `memory` has the megabytes that are kept from step to step: "weights",
            "kernel copies" (as convolutions read them), "optimizer", "activations" (and the
            inputs), "gradients" (those of activations as far as they do not fit where activations
            were, and those of weights), "workspaces" (of the kernels, on so many threads as are
            set), "unfilled pages" (what is left of huge pages) and "total". Loss and metrics add
            some arrays of the outputs' size.

        Raises
        ------
        ValueError
            The model is not built, or a size of its input is unknown.
        """
        from . import inspection

        return inspection.explain(self, batch_size, training)

    def profile(self, x: Any, y: Any = None) -> list[dict[str, Any]]:
        """Time the instructions for one batch, print and return them; weights stay as they are.

        Parameters
        ----------
        x : array (N, ...)
        y : array (N, ...), optional
            Targets; with them the instructions of a training step are timed.

        Returns
        -------
        list of dict
            As from `explain`, with microseconds (median), GF/s, their share of the peak of
            multiply-adds, and gigabytes per second.
        """
        from . import inspection

        return inspection.profile(self, x, y)
