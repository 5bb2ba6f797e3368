"""ImageDataGenerator: random changes of images as many articles make them.

New code does better with the layers (`layers.RandomFlip` ...), which are part of the model.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import backend, progress
from ..arguments import as_real
from ..ops import checks
from ..ops.affine import FILL_MODES
from .changes import changed
from .iterators import DirectoryIterator, NumpyArrayIterator

_WHERE = "ImageDataGenerator"


class ImageDataGenerator:
    """Makes batches of images that are changed at random.

    Two mistakes of Keras are not repeated: there, `height_shift_range` moves along the width and
    the other way round, and images that are not square turn around a point beside their centre.

    Parameters
    ----------
    featurewise_center, featurewise_std_normalization : bool
        Subtract the mean and divide by the standard deviation of each channel, see `fit`.
    samplewise_center, samplewise_std_normalization : bool
        The same for each image by itself.
    zca_whitening : bool
        Not supported.
    zca_epsilon : float
        Kept for Keras's sake.
    rotation_range : float
        Largest angle in degrees.
    width_shift_range, height_shift_range : float, int or sequence
        Largest move: below 1 a part of the size, else pixels; an int gives whole pixels less than
        it, a sequence the moves to choose from.
    brightness_range : pair of float, optional
        Factors of the brightness.
    shear_range : float
        Largest angle in degrees.
    zoom_range : float or pair of float
        Factors of the part that is shown; a number z stands for [1 - z, 1 + z].
    channel_shift_range : float
        Largest number added.
    fill_mode : "nearest", "constant", "reflect" or "wrap"
        What lies outside of an image, see `ops.affine_transform`.
    cval : float
        Used by "constant".
    horizontal_flip, vertical_flip : bool
        Flip every other image.
    rescale : float, optional
        Multiply all values, after all changes.
    preprocessing_function : function of an image, optional
        Called after the random changes, before anything else.
    data_format : "channels_last", "channels_first" or None
    validation_split : float
        Fraction that `subset="validation"` takes.
    interpolation_order : 0 or 1
        Nearest or bilinear.
    dtype : dtype, optional
        "float32" if not given.

    Raises
    ------
    TypeError, ValueError
        An argument is none of those above.
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        zca_epsilon: float = 1e-6,
        rotation_range: float = 0,
        width_shift_range: Any = 0.0,
        height_shift_range: Any = 0.0,
        brightness_range: Any = None,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Callable[[np.ndarray], np.ndarray] | None = None,
        data_format: str | None = None,
        validation_split: float = 0.0,
        interpolation_order: int = 1,
        dtype: Any = None,
    ) -> None:
        if zca_whitening:
            raise ValueError(f"{_WHERE}: zca_whitening is not supported, leave it False.")
        self.featurewise_center = bool(featurewise_center or featurewise_std_normalization)
        self.featurewise_std_normalization = bool(featurewise_std_normalization)
        self.samplewise_center = bool(samplewise_center or samplewise_std_normalization)
        self.samplewise_std_normalization = bool(samplewise_std_normalization)
        self.zca_whitening = False
        self.zca_epsilon = zca_epsilon
        self.rotation_range = as_real(_WHERE, "rotation_range", rotation_range)
        self.width_shift_range = _as_shift("width_shift_range", width_shift_range)
        self.height_shift_range = _as_shift("height_shift_range", height_shift_range)
        self.brightness_range = (
            None if brightness_range is None else _as_pair("brightness_range", brightness_range)
        )
        self.shear_range = as_real(_WHERE, "shear_range", shear_range)
        if isinstance(zoom_range, (list, tuple)):
            self.zoom_range = _as_pair("zoom_range", zoom_range)
        else:
            zoom = as_real(_WHERE, "zoom_range", zoom_range)
            self.zoom_range = (1 - zoom, 1 + zoom)
        self.channel_shift_range = as_real(_WHERE, "channel_shift_range", channel_shift_range)
        self.fill_mode = checks.one_of(_WHERE, "fill_mode", fill_mode, FILL_MODES)
        self.cval = as_real(_WHERE, "cval", cval)
        self.horizontal_flip = bool(horizontal_flip)
        self.vertical_flip = bool(vertical_flip)
        self.rescale = None if rescale is None else as_real(_WHERE, "rescale", rescale)
        self.preprocessing_function = preprocessing_function
        self.data_format = backend.check_data_format(_WHERE, data_format)
        self.validation_split = as_real(_WHERE, "validation_split", validation_split, 0, 1)
        if interpolation_order not in (0, 1):
            raise ValueError(
                f"{_WHERE}: interpolation_order must be 0 or 1, got {interpolation_order!r}."
            )
        self.interpolation_order = interpolation_order
        self.dtype = np.dtype("float32" if dtype is None else dtype)
        self.mean: np.ndarray | None = None
        self.std: np.ndarray | None = None
        self._warned = False

    # Batches

    def flow(
        self,
        x: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        sample_weight: Any = None,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        ignore_class_split: bool = False,
        subset: str | None = None,
    ) -> NumpyArrayIterator:
        """Return endless batches of changed images, for `fit`.

        Parameters
        ----------
        x : array (N, H, W, C)
        y, sample_weight : arrays (N, ...), optional
        batch_size : int
        shuffle : bool
        seed : int, optional
        save_to_dir, save_prefix, save_format
            Folder to keep the changed images in, and how to name them.
        ignore_class_split : bool
            Kept for Keras's sake: parts with other classes give a warning, not an error.
        subset : "training" or "validation", optional

        Raises
        ------
        TypeError, ValueError
            The arrays do not fit together, or an argument is none of those above.
        """
        del ignore_class_split
        save = (save_to_dir, save_prefix, save_format)
        return NumpyArrayIterator(
            x, y, self, batch_size, shuffle, sample_weight, seed, save, subset
        )

    def flow_from_directory(
        self,
        directory: Any,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: Any = None,
        save_prefix: str = "",
        save_format: str = "png",
        follow_links: bool = False,
        subset: str | None = None,
        interpolation: str = "nearest",
        keep_aspect_ratio: bool = False,
    ) -> DirectoryIterator:
        """Return endless batches of changed images from a folder with one sub-folder per class.

        Parameters
        ----------
        directory : str or path
        target_size : (height, width)
        color_mode : "rgb", "rgba" or "grayscale"
        classes : list of str, optional
            Sub-folders to read; by default all, sorted.
        class_mode : "categorical", "binary", "sparse", "input" or None
            One-hot rows, class numbers (two names for them), the images themselves, or none.
        batch_size, shuffle, seed, save_to_dir, save_prefix, save_format, subset
            See `flow`. A subset is taken of each class: its first files for validation.
        follow_links : bool
        interpolation, keep_aspect_ratio
            See `utils.load_img`.

        Raises
        ------
        OSError
            There is no such folder.
        TypeError, ValueError
            An argument is none of those above.
        """
        save = (save_to_dir, save_prefix, save_format)
        return DirectoryIterator(
            directory, self, target_size, color_mode, classes, class_mode, batch_size, shuffle,
            seed, save, follow_links, subset, interpolation, keep_aspect_ratio,
        )  # fmt: skip

    def parts(self, n: int) -> tuple[slice, slice]:
        """Return the training and the validation part of n samples: the first are validated on."""
        cut = int(n * self.validation_split)
        return slice(cut, None), slice(None, cut)

    def part(self, where: str, subset: Any, n: int) -> slice:
        """Return the part of n samples that `subset` names."""
        names = ("training", "validation")
        chosen = checks.one_of(where, "subset", subset, names)
        if not 0 < self.validation_split < 1:
            raise ValueError(
                f"{where}: subset needs ImageDataGenerator(validation_split=...) between 0 and 1."
            )
        return self.parts(n)[names.index(chosen)]

    # One image

    def get_random_transform(
        self, img_shape: tuple[int, ...], seed: int | np.random.RandomState | None = None
    ) -> dict[str, Any]:
        """Return random numbers for an image of `img_shape`, see `apply_transform`.

        Parameters
        ----------
        img_shape : (H, W, C), or (C, H, W)
        seed : int or RandomState, optional
            By default NumPy's global generator is used.
        """
        rng: Any = np.random if seed is None else seed
        if isinstance(seed, (int, np.integer)):
            rng = np.random.RandomState(seed)
        channels_first = self.data_format == "channels_first"
        height, width = img_shape[1:3] if channels_first else img_shape[:2]

        def between(size: float) -> float:
            return float(rng.uniform(-size, size)) if size else 0.0

        def shift(choice: Any, size: int) -> float:
            if np.ndim(choice) == 0 and not choice:
                return 0.0
            if np.ndim(choice) or isinstance(choice, int):
                moved = float(rng.choice(choice)) * float(rng.choice([-1, 1]))
            else:
                moved = float(rng.uniform(-choice, choice))
            return moved * size if np.max(choice) < 1 else moved

        theta = between(self.rotation_range)
        tx = shift(self.height_shift_range, height)
        ty = shift(self.width_shift_range, width)
        shear = between(self.shear_range)
        zx, zy = (1.0, 1.0) if self.zoom_range == (1, 1) else rng.uniform(*self.zoom_range, 2)
        return {
            "theta": theta,
            "tx": tx,
            "ty": ty,
            "shear": shear,
            "zx": float(zx),
            "zy": float(zy),
            "flip_horizontal": bool(rng.random_sample() < 0.5) and self.horizontal_flip,
            "flip_vertical": bool(rng.random_sample() < 0.5) and self.vertical_flip,
            "channel_shift_intensity": (
                between(self.channel_shift_range) if self.channel_shift_range else None
            ),
            "brightness": (
                None
                if self.brightness_range is None
                else float(rng.uniform(*self.brightness_range))
            ),
        }

    def apply_transform(self, x: Any, transform_parameters: dict[str, Any]) -> np.ndarray:
        """Return an image, changed.

        Parameters
        ----------
        x : array (H, W, C), or (C, H, W)
        transform_parameters : dict
            "theta", "shear": angles in degrees; "tx", "ty": how far up and to the left, in pixels;
            "zx", "zy": parts of width and height that are shown; "flip_horizontal",
            "flip_vertical": bool; "channel_shift_intensity": number added; "brightness": factor.
        """
        image = checks.as_float32(_WHERE, "x", x, 3)
        if self.data_format == "channels_first":
            image = image.transpose(1, 2, 0)
        interpolation = ("nearest", "bilinear")[self.interpolation_order]
        image = changed(image, transform_parameters, interpolation, self.fill_mode, self.cval)
        if self.data_format == "channels_first":
            image = image.transpose(2, 0, 1)
        return image.astype(self.dtype)

    def random_transform(
        self, x: Any, seed: int | np.random.RandomState | None = None
    ) -> np.ndarray:
        """Return an image (H, W, C), changed at random."""
        x = np.asarray(x)
        return self.apply_transform(x, self.get_random_transform(x.shape, seed))

    def standardize(self, x: np.ndarray) -> np.ndarray:
        """Return an image or a batch after everything that is not random."""
        if self.preprocessing_function is not None:
            x = self.preprocessing_function(x)
        if self.rescale is not None:
            x = x * self.dtype.type(self.rescale)
        if self.samplewise_center:
            x = x - x.mean()
        if self.samplewise_std_normalization:
            x = x / (x.std() + 1e-6)
        if self.featurewise_center:
            if self.mean is None and not self._warned:
                self._warned = True
                progress.warn(f"{_WHERE}: featurewise_center has no effect before fit(x_train).")
            x = x if self.mean is None else x - self.mean
        if self.featurewise_std_normalization and self.std is not None:
            x = x / (self.std + 1e-6)
        return x

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Find the mean and standard deviation for featurewise normalization.

        Parameters
        ----------
        x : array (N, H, W, C)
        augment : bool
            Of changed images instead of the images themselves.
        rounds : int
            How often each image is changed for that.
        seed : int, optional

        Raises
        ------
        ValueError
            `x` has another rank.
        """
        x = np.array(x, self.dtype)
        if x.ndim != 4:
            raise ValueError(f"{_WHERE}.fit: x must have shape (N, H, W, C), got {x.shape}.")
        if self.rescale is not None:
            x *= self.rescale
        if augment:
            rng = np.random.RandomState(seed)
            x = np.stack([self.random_transform(image, rng) for _ in range(rounds) for image in x])
        axes = (0, 2, 3) if self.data_format == "channels_first" else (0, 1, 2)
        if self.featurewise_center:
            self.mean = x.mean(axes, keepdims=True, dtype=np.float64)[0].astype(self.dtype)
        if self.featurewise_std_normalization:
            self.std = x.std(axes, keepdims=True, dtype=np.float64)[0].astype(self.dtype)


def _as_shift(name: str, value: Any) -> Any:
    if isinstance(value, (list, tuple, np.ndarray)):
        return [as_real(_WHERE, name, item) for item in value]
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return checks.as_int(_WHERE, name, value, 0)
    return as_real(_WHERE, name, value)


def _as_pair(name: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise ValueError(f"{_WHERE}: {name} must be two numbers, got {value!r}.")
    return as_real(_WHERE, name, value[0]), as_real(_WHERE, name, value[1])
