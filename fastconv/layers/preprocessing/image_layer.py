"""What layers on images share: single images, dicts, channels-first data, and randomness."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ...arguments import as_real
from ...ops import checks
from ...ops.axes import AxesLast
from ...random import SeedGenerator
from .. import image
from ..arguments import Shape
from ..input import KerasTensor
from ..layer import Backward, weightless_backward

#: A gradient: a function dy -> dx.
Gradient = Callable[[np.ndarray], Any]

_KEYS = ("images", "labels", "segmentation_masks")


class ImageLayer(image.ImageLayer):
    """Base of layers on images. A subclass defines `transform`.

    Parameters
    ----------
    data_format : "channels_last", "channels_first" or None
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_data_format(data_format)

    # What a subclass defines

    def draw(self, shape: tuple[int, ...], training: bool) -> Any:
        """Return what `transform` is to do with images of `shape` (N, H, W, C)."""
        return None

    def transform(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient | None]:
        """Return the changed images and the gradient of that, None if there is none.

        Parameters
        ----------
        x : float32 array (N, H, W, C)
        drawn : what `draw` returned
        """
        raise checks.must_define(self, "transform(x, drawn)")

    def transform_masks(self, masks: np.ndarray, drawn: Any) -> np.ndarray:
        """Return segmentation masks (N, H, W, C), changed as their images are."""
        return self.transform(masks, drawn)[0]

    def transform_labels(self, labels: np.ndarray, drawn: Any) -> np.ndarray:
        """Return the labels (N, ...) of the changed images."""
        return labels

    def infer_size(self, height: int | None, width: int | None) -> Shape:
        """Return the height and width of the output."""
        return height, width

    # What all of them do

    def compute_output_shape(self, input_shape: Any) -> Shape:
        """Return the output shape for the shape of a batch, or of a single image."""
        if len(input_shape) == 3:
            return super().compute_output_shape((None, *input_shape))[1:]
        return super().compute_output_shape(input_shape)

    def infer_last(self, input_shape: Shape) -> Shape:
        """Return the input shape with the height and width of the output."""
        return (input_shape[0], *self.infer_size(*input_shape[1:3]), input_shape[3])

    def compute(self, x: np.ndarray, training: bool) -> tuple[np.ndarray, Backward | None]:
        """Return the changed images, with channels last as `x` has them."""
        y, gradient = self.transform(x, self.draw(x.shape, training))

        def take_back(dy: np.ndarray) -> Any:
            if gradient is None:
                raise NotImplementedError(
                    f"{self.where}: the gradient with respect to its input is not defined; put "
                    f"the layer before the first layer that learns."
                )
            return np.ascontiguousarray(gradient(dy))

        return np.ascontiguousarray(y), weightless_backward(training, take_back)

    def __call__(self, *inputs: Any, training: bool | None = None, **kwargs: Any) -> Any:
        """Return the changed images; random layers are active unless `training` is False.

        Parameters
        ----------
        *inputs : one array (N, H, W, C) or (H, W, C), dict or KerasTensor
            A dict has "images", and may have "labels" and "segmentation_masks".
        training : bool, optional

        Returns
        -------
        y : float32 array, or a new dict

        Raises
        ------
        ValueError
            The shape does not fit, or the dict has other keys.
        TypeError
            There are no real numbers.
        """
        if len(inputs) != 1 or isinstance(inputs[0], KerasTensor):
            return super().__call__(*inputs, training=training, **kwargs)
        x = inputs[0]
        training = training is not False
        if isinstance(x, Mapping):
            return self._call_on_dict(x, training)
        images, single = self._as_batch("input", x)
        y = super().__call__(images, training=training, **kwargs)
        return y[0] if single else y

    def _call_on_dict(self, data: Mapping[str, Any], training: bool) -> dict[str, Any]:
        unknown = sorted(set(data) - set(_KEYS))
        if unknown or "images" not in data:
            raise ValueError(
                f"{self.where}: a dict must have images, and may have labels and "
                f"segmentation_masks, got {sorted(data)}."
            )
        images, single = self._as_batch("images", data["images"])
        self.build(images.shape)
        images = self._to_last(images)
        drawn = self.draw(images.shape, training)
        result: dict[str, Any] = {"images": self.transform(images, drawn)[0]}
        if "segmentation_masks" in data:
            masks, _ = self._as_batch("segmentation_masks", data["segmentation_masks"])
            result["segmentation_masks"] = self.transform_masks(self._to_last(masks), drawn)
        result = {key: self._from_last(value) for key, value in result.items()}
        if "labels" in data:
            labels = np.asarray(data["labels"])
            result["labels"] = self.transform_labels(labels[None] if single else labels, drawn)
        return {key: value[0] for key, value in result.items()} if single else result

    def _as_batch(self, name: str, x: Any) -> tuple[np.ndarray, bool]:
        """Return `x` with a batch axis, and whether that was added."""
        x = checks.as_float32(self.where, name, x)
        single = x.ndim == 3
        return (x[None] if single else x), single

    def _to_last(self, x: np.ndarray) -> np.ndarray:
        return AxesLast(x.ndim, [1]).move(x) if self.channels_first else x

    def _from_last(self, x: np.ndarray) -> np.ndarray:
        return AxesLast(x.ndim, [1]).back(x) if self.channels_first else np.ascontiguousarray(x)

    def get_config(self) -> dict[str, Any]:
        """Return the configuration under Keras's keys, ready for JSON."""
        return {**super().get_config(), "data_format": self.data_format}


class RandomImageLayer(ImageLayer):
    """Base of layers that vary images in training. A subclass defines `sample` and `vary`.

    Parameters
    ----------
    seed : int, optional
        Selects the random numbers; None draws a seed from Python's `random`.
    data_format : "channels_last", "channels_first" or None
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = None if seed is None else checks.as_int(self.where, "seed", seed, 0)
        self.seed_generator = SeedGenerator(self.seed, name=f"{self.name}/seed_generator")

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
        """Return random numbers for a batch of images of `shape` (N, H, W, C)."""
        raise checks.must_define(self, "sample(rng, shape)")

    def vary(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient | None]:
        """Return the changed images and the gradient, as `transform` does, in training."""
        raise checks.must_define(self, "vary(x, drawn)")

    def draw(self, shape: tuple[int, ...], training: bool) -> Any:
        """Return random numbers in training, None otherwise."""
        if not training:
            return None
        return self.sample(np.random.default_rng(self.seed_generator.next()), shape)

    def transform(self, x: np.ndarray, drawn: Any) -> tuple[np.ndarray, Gradient | None]:
        """Return the changed images, or `x` itself outside of training."""
        return (x, None) if drawn is None else self.vary(x, drawn)


class ColorLayer(RandomImageLayer):
    """Base of random layers that change colors only: masks stay as they are.

    Parameters
    ----------
    value_range : pair of float
        Darkest and brightest value; results are clipped to it.
    """

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = as_range(self.where, "value_range", value_range)

    def transform_masks(self, masks: np.ndarray, drawn: Any) -> np.ndarray:
        """Return the masks themselves."""
        return masks

    def clip(self, x: np.ndarray) -> np.ndarray:
        """Return `x` clipped to the value range."""
        low, high = self.value_range
        clipped: np.ndarray = np.clip(x, np.float32(low), np.float32(high))
        return clipped

    def within(self, x: np.ndarray) -> np.ndarray:
        """Return where `clip` leaves `x` alone."""
        low, high = self.value_range
        return (x >= low) & (x <= high)


def per_image(values: Any) -> np.ndarray:
    """Return numbers (N,) as float32 (N, 1, 1, 1), to be combined with images."""
    return np.asarray(values, np.float32).reshape(-1, 1, 1, 1)


def as_range(where: str, name: str, value: Any) -> tuple[float, float]:
    """Return two different numbers, the smaller first.

    Raises
    ------
    TypeError, ValueError
        There are not two numbers, or they are equal.
    """
    if isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) != 2:
        raise ValueError(f"{where}: {name} must be two numbers, got {value!r}.")
    low, high = sorted(as_real(where, name, item) for item in value)
    if low == high:
        raise ValueError(f"{where}: {name} must be two different numbers, got {low:g} twice.")
    return low, high


def as_factor(
    where: str, name: str, value: Any, minimum: float = -1.0, maximum: float = 1.0
) -> tuple[float, float]:
    """Return the range that a random factor is drawn from.

    Parameters
    ----------
    value : float or pair of float
        A pair is the range; a number f stands for (-|f|, |f|), or (0, f) if `minimum` is 0.

    Raises
    ------
    TypeError, ValueError
        It is neither, or out of [minimum, maximum].
    """
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ValueError(f"{where}: {name} must be a number or two numbers, got {value!r}.")
        low, high = sorted(as_real(where, name, item, minimum, maximum) for item in value)
        return low, high
    size = abs(as_real(where, name, value, minimum, maximum))
    return max(-size, minimum), size
