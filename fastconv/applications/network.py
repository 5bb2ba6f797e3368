"""What all networks share: their arguments, the input, the head, and the weights file."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .. import backend, layers
from ..layers.arguments import Shape, as_shape
from ..models import Model
from ..ops import checks

#: A function from a symbolic tensor to a symbolic tensor.
Part = Callable[[Any], Any]


def average_head(x: Any, classes: int, activation: Any) -> Any:
    """Average over the image, then classify with one Dense layer."""
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    return layers.Dense(classes, activation=activation, name="predictions")(x)


@dataclass(frozen=True)
class Network:
    """A network without the arguments that all networks take.

    Parameters
    ----------
    title : str
        Name of the public function, for messages.
    features : function of a tensor
        The layers from the image to the last feature map.
    size, smallest : int
        Height and width of its images by default, and at least.
    head : function of (features, classes, activation)
        The layers that classify.
    names_pooling : bool
        Whether the pooling layer of `pooling="avg"` is called "avg_pool".
    any_size : bool
        Whether the head takes images of unknown size.
    weights_alone : bool
        False if Keras's model with ImageNet weights has a layer that it has not without them.
    sized_name : str
        What the model's name begins with if it ends with the height of the image.
    """

    title: str
    features: Part
    size: int = 224
    smallest: int = 32
    head: Callable[[Any, int, Any], Any] = average_head
    names_pooling: bool = True
    any_size: bool = False
    weights_alone: bool = True
    sized_name: str = ""

    def build(
        self,
        name: str | None,
        include_top: bool,
        weights: Any,
        input_tensor: Any,
        input_shape: Any,
        pooling: str | None,
        classes: int,
        classifier_activation: Any,
    ) -> Model:
        """Return the model, with the weights of the file if one is given; see `classifier`."""
        self._check_weights(weights, name or self.title.lower())
        classes = checks.as_int(self.title, "classes", classes)
        if pooling is not None:
            checks.one_of(self.title, "pooling", pooling, ("avg", "max"))
        inputs: Any
        if input_tensor is None:
            shape = self._image_shape(input_shape, include_top)
            input_tensor = inputs = layers.Input(shape)
        else:
            shape = self._tensor_shape(input_tensor, input_shape)
            sources = _sources(input_tensor)
            inputs = sources if len(sources) > 1 else sources[0]
        x = self.features(input_tensor)
        if include_top:
            x = self.head(x, classes, classifier_activation)
        elif pooling is not None:
            kind = layers.GlobalAveragePooling2D if pooling == "avg" else layers.GlobalMaxPooling2D
            x = kind(name=f"{pooling}_pool" if self.names_pooling else None)(x)
        model = Model(inputs, x, name=name or f"{self.sized_name}_{shape[_first_side()]}")
        if weights is not None:
            model.load_weights(weights)
        return model

    def _image_shape(self, input_shape: Any, include_top: bool) -> Shape:
        """Return the shape of one image.

        Raises
        ------
        ValueError
            `input_shape` is too small, or leaves open what the head must know.
        """
        first = _first_side()
        known = include_top and not self.any_size
        if input_shape is None:
            side = self.size if known else None
            return (3, side, side) if first else (side, side, 3)
        shape = as_shape(self.title, "input_shape", input_shape)
        axes = "(C, H, W)" if first else "(H, W, C)"
        if len(shape) != 3:
            raise ValueError(f"{self.title}: input_shape must be {axes}, got {shape}.")
        sides = shape[first : first + 2]
        if any(side is not None and side < self.smallest for side in sides):
            raise ValueError(
                f"{self.title}: input_shape must be {axes} with images of at least "
                f"{self.smallest}x{self.smallest}, got {shape}."
            )
        if known and None in shape:
            raise ValueError(
                f"{self.title}: input_shape must be known with include_top=True, got {shape}; "
                f"give sizes, or include_top=False."
            )
        return shape

    def _tensor_shape(self, input_tensor: Any, input_shape: Any) -> Shape:
        """Return the shape of one image of a tensor, if it is `input_shape` or that is None."""
        if not isinstance(input_tensor, layers.KerasTensor):
            raise ValueError(
                f"{self.title}: input_tensor must be what Input() or a layer returned, got "
                f"{type(input_tensor).__name__}."
            )
        shape = tuple(input_tensor.shape[1:])
        if input_shape is not None and as_shape(self.title, "input_shape", input_shape) != shape:
            raise ValueError(
                f"{self.title}: input_shape must be that of input_tensor, {shape}, got "
                f"{tuple(input_shape)}; give only one of them."
            )
        return shape

    def _check_weights(self, weights: Any, name: str) -> None:
        """Raise ValueError unless `weights` is None or the path of a file."""
        if weights is None:
            return
        rule = f"{self.title}: weights must be None or the path of a weights file"
        if weights == "imagenet":
            alone = (
                f', .save_weights("{name}.weights.h5") one for weights="{name}.weights.h5"'
                if self.weights_alone
                else ""
            )
            raise ValueError(
                f'{rule}, got "imagenet". Weights are not downloaded; where Keras is installed, '
                f'keras.applications.{self.title}(...).save("{name}.keras") writes a file for '
                f'fastconv.models.load_model("{name}.keras"){alone}.'
            )
        if not isinstance(weights, (str, os.PathLike)):
            raise ValueError(f"{rule}, got {type(weights).__name__}.")
        if not os.path.isfile(weights):
            raise ValueError(f"{rule}; there is no file {os.fspath(weights)!r}.")


def _first_side() -> int:
    """Return the axis of an image's height."""
    return 1 if backend.image_data_format() == "channels_first" else 0


def _sources(tensor: layers.KerasTensor) -> list[layers.KerasTensor]:
    """Return what Input() returned among all that a tensor is made of."""
    stack, seen = [tensor], set()
    found: list[layers.KerasTensor] = []
    while stack:
        node = stack.pop().node
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.is_input:
            found += node.outputs
        stack += reversed(node.inputs)
    return found


def classifier(network: Network, name: str, about: str) -> Callable[..., Model]:
    """Return the public function of a network that takes the usual arguments.

    Parameters
    ----------
    network : Network
    name : str
        The name of the model unless another is given.
    about : str
        The first lines of the function's documentation.
    """

    def build(
        include_top: bool = True,
        weights: Any = "imagenet",
        input_tensor: Any = None,
        input_shape: Any = None,
        pooling: str | None = None,
        classes: int = 1000,
        classifier_activation: Any = "softmax",
        name: str = name,
    ) -> Model:
        return network.build(
            name,
            include_top,
            weights,
            input_tensor,
            input_shape,
            pooling,
            classes,
            classifier_activation,
        )

    build.__name__ = build.__qualname__ = network.title
    build.__doc__ = f"{about}\n{_ARGUMENTS.format(size=network.size, smallest=network.smallest)}"
    return build


_ARGUMENTS = """
    Parameters
    ----------
    include_top : bool
        Whether the model ends with its classifier.
    weights : None or path
        None for random weights, or a file that Keras or fastconv wrote: `.keras`, `.weights.h5` or
        `.h5`. "imagenet", the default, is an error: nothing is downloaded.
    input_tensor : KerasTensor, optional
        What Input() or a layer returned, to use as the image.
    input_shape : tuple, optional
        Shape of one image, by default ({size}, {size}, 3), or any size without the classifier; at
        least {smallest}x{smallest}.
    pooling : None, "avg" or "max"
        Without the classifier: how to pool the last feature map to a vector.
    classes : int
    classifier_activation : str, function or None
        None to get logits.
    name : str

    Returns
    -------
    model : Model

    Raises
    ------
    ValueError
        `weights` is no file, or an argument has a wrong value.
    """
