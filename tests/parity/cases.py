"""The cases of the parity suite: random arguments and input shapes for every layer of Keras.

STRATEGIES is the one table: layer -> how to draw its arguments and the shapes of its inputs. Every
case has a seed of its own, so that a new layer or another count changes no other case.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any, NamedTuple

Shape = tuple[int, ...]
Arguments = dict[str, Any]

FORMATS = ("channels_last", "channels_last", "channels_first", None)
#: All but sparsemax, which in Keras is not that of the paper: its outputs do not sum to 1.
ACTIVATIONS = (
    *("relu", "tanh", "sigmoid", "elu", "gelu", "silu", "softplus", "softsign", "mish", "selu"),
    *("leaky_relu", "softmax", "hard_sigmoid", "hard_silu", "relu6", "celu", "log_softmax"),
    *("hard_tanh", "log_sigmoid", "squareplus", "tanh_shrink", "soft_shrink", "hard_shrink"),
    *("exponential", "linear", "sparse_plus", "swish", "sparse_sigmoid"),
)
INITIALIZERS = ("glorot_uniform", "he_normal", "lecun_uniform", "random_normal", "zeros", "ones")
REGULARIZERS = (None, None, "l1", "l2", "L1L2")
CONSTRAINTS = (None, None, None, "max_norm", "non_neg", "unit_norm")
#: Layers that Keras trains differently with TensorFlow and with JAX, where it forgets the kernel
#: that SpectralNormalization assigns. Here it is as with TensorFlow, whose numbers are stored.
AS_TENSORFLOW = {"SpectralNormalization"}


class Case(NamedTuple):
    """A layer, its arguments, the shapes of its inputs without the batch, and whether it trains.

    Layers with random numbers train only in the cases in which nothing is random.
    """

    id: str
    layer: str
    arguments: Arguments
    shapes: tuple[Shape, ...]
    trains: bool = True


def spatial(rng: Random, rank: int) -> Shape:
    low, high = ((7, 10), (5, 8), (4, 5))[rank - 1]
    return tuple(rng.randint(low, high) for _ in range(rank))


def image(rng: Random, rank: int, data_format: str | None = None, channels: int = 0) -> Shape:
    channels = channels or rng.randint(1, 4)
    size = spatial(rng, rank)
    return (channels, *size) if data_format == "channels_first" else (*size, channels)


def per_axis(rng: Random, rank: int, low: int, high: int) -> Any:
    """One number for all axes, or one for each."""
    if rng.random() < 0.5:
        return rng.randint(low, high)
    return tuple(rng.randint(low, high) for _ in range(rank))


def some(rng: Random, **choices: Any) -> Arguments:
    """Draw from the choices of each argument; None leaves it at its default."""
    drawn = {name: rng.choice(values) for name, values in choices.items()}
    return {name: value for name, value in drawn.items() if value is not None}


def weighted(rng: Random, *kernels: str) -> Arguments:
    """Draw what all layers with kernels take."""
    arguments = some(
        rng,
        use_bias=(None, True, False),
        activation=(None, *ACTIVATIONS[:17]),
        activity_regularizer=(None, None, None, "l2"),
        bias_regularizer=REGULARIZERS,
        bias_constraint=(None, None, "max_norm"),
    )
    for kernel in kernels:
        drawn = (INITIALIZERS, REGULARIZERS, CONSTRAINTS)
        names = ("initializer", "regularizer", "constraint")
        choices = {f"{kernel}_{name}": c for name, c in zip(names, drawn, strict=True)}
        arguments |= some(rng, **choices)
    return arguments


def strides_or_dilation(rng: Random, rank: int) -> Arguments:
    """Keras forbids both at once."""
    return rng.choice(
        [{}, {"strides": per_axis(rng, rank, 1, 3)}, {"dilation_rate": per_axis(rng, rank, 1, 2)}]
    )


def convolution(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    groups = rng.choice([1, 1, 2])
    options = some(rng, padding=("valid", "same", "causal" if rank == 1 else "SAME"))
    options |= some(rng, data_format=FORMATS)
    if options["padding"] == "causal":
        options.pop("data_format", None)
    arguments = {
        "filters": groups * rng.randint(1, 3),
        "kernel_size": per_axis(rng, rank, 1, 3 if rank < 3 else 2),
        **({"groups": groups} if groups > 1 else {}),
        **options,
        **strides_or_dilation(rng, rank),
        **weighted(rng, "kernel"),
    }
    shape = image(rng, rank, options.get("data_format"), groups * rng.randint(1, 2))
    return arguments, shape


def transposed(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    kernel = rng.randint(1, 3)
    stride = rng.randint(1, 3)
    arguments = {"filters": rng.randint(1, 3), "kernel_size": kernel, "strides": stride}
    arguments |= some(rng, padding=("valid", "same"), data_format=FORMATS)
    if stride == 1:
        arguments |= some(rng, dilation_rate=(None, 1, 2))
    elif rng.random() < 0.4 and kernel >= stride:
        arguments["output_padding"] = rng.randint(0, stride - 1)
    arguments |= weighted(rng, "kernel")
    shape = image(rng, rank, arguments.get("data_format"))
    if rank == 3:
        shape = tuple(min(size, 4) for size in shape)
    return arguments, shape


def depthwise(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    arguments = {"kernel_size": rng.randint(1, 3), "depth_multiplier": rng.randint(1, 3)}
    arguments |= some(rng, padding=("valid", "same"), data_format=FORMATS)
    arguments |= rng.choice([{}, {"strides": 2}, {"dilation_rate": 2}])
    return arguments | weighted(rng, "depthwise"), image(rng, rank, arguments.get("data_format"))


def separable(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    arguments, shape = depthwise(rng, rank)
    drawn = weighted(rng, "pointwise")
    return {"filters": rng.randint(1, 3), **arguments, **drawn}, shape


def pooling(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    arguments = {"pool_size": per_axis(rng, rank, 1, 3)}
    arguments |= some(rng, padding=("valid", "same"), data_format=FORMATS)
    if rng.random() < 0.5:
        arguments["strides"] = per_axis(rng, rank, 1, 3)
    return arguments, image(rng, rank, arguments.get("data_format"))


def global_pooling(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    arguments = some(rng, keepdims=(None, True, False), data_format=FORMATS)
    return arguments, image(rng, rank, arguments.get("data_format"))


def adaptive(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    arguments = {"output_size": per_axis(rng, rank, 1, 4), **some(rng, data_format=FORMATS)}
    return arguments, image(rng, rank, arguments.get("data_format"))


def borders(rng: Random, rank: int, name: str) -> tuple[Arguments, Shape]:
    """Cropping and padding."""
    form = rng.randrange(3 if rank > 1 else 2)
    pairs = tuple((rng.randint(0, 2), rng.randint(0, 1)) for _ in range(rank))
    plain = tuple(pair[0] for pair in pairs)
    value: Any = (1, pairs[0] if rank == 1 else pairs, plain)[form]
    arguments = {name: value}
    if (rank, name) != (1, "cropping"):
        arguments |= some(rng, data_format=FORMATS)
    return arguments, image(rng, rank, arguments.get("data_format"))


def upsampling(rng: Random, rank: int) -> tuple[Arguments, Shape]:
    arguments: Arguments = {"size": rng.randint(1, 3) if rank == 1 else per_axis(rng, rank, 1, 3)}
    if rank > 1:
        arguments |= some(rng, data_format=FORMATS)
    if rank == 2:
        arguments |= some(rng, interpolation=(None, "nearest", "bilinear", "bicubic"))
    return arguments, image(rng, rank, arguments.get("data_format"))


def dense(rng: Random) -> tuple[Arguments, Shape]:
    shape = image(rng, rng.choice([1, 1, 2]), channels=rng.randint(2, 5))
    arguments = {"units": rng.randint(1, 5), **weighted(rng, "kernel")}
    return arguments, shape if rng.random() < 0.5 else shape[-1:]


def embedding(rng: Random) -> tuple[Arguments, Shape]:
    arguments = {"input_dim": rng.randint(5, 9), "output_dim": rng.randint(1, 4)}
    arguments |= some(rng, embeddings_regularizer=REGULARIZERS, embeddings_constraint=CONSTRAINTS)
    return arguments, rng.choice([(4,), (3, 2)])


def anywhere(rng: Random) -> Shape:
    """A shape of one to four axes."""
    rank = rng.randint(0, 3)
    return image(rng, rank, channels=rng.randint(2, 5)) if rank else (rng.randint(2, 7),)


def activation(rng: Random) -> tuple[Arguments, Shape]:
    return {"activation": rng.choice(ACTIVATIONS)}, anywhere(rng)


def pointwise(rng: Random, **choices: Any) -> tuple[Arguments, Shape]:
    return some(rng, **choices), anywhere(rng)


def prelu(rng: Random) -> tuple[Arguments, Shape]:
    shape = image(rng, 2)
    shared = rng.choice([None, [1, 2], [1], (2, 3)])
    arguments = some(rng, alpha_regularizer=REGULARIZERS, alpha_constraint=CONSTRAINTS)
    return arguments | ({"shared_axes": shared} if shared else {}), shape


def softmax(rng: Random) -> tuple[Arguments, Shape]:
    return some(rng, axis=(None, -1, 1, 2, [1, 2])), image(rng, rng.choice([1, 2]), channels=3)


def batch_normalization(rng: Random) -> tuple[Arguments, Shape]:
    shape = rng.choice([image(rng, 2, channels=3), image(rng, 1, channels=2), (4,)])
    axis = rng.choice([None, -1, 1, len(shape)])
    arguments = some(
        rng,
        momentum=(None, 0.9, 0.5),
        epsilon=(None, 0.01, 0.1),
        center=(None, False),
        scale=(None, False),
        beta_regularizer=REGULARIZERS,
        gamma_regularizer=REGULARIZERS,
        gamma_constraint=CONSTRAINTS[:5],
    )
    return arguments | ({"axis": axis} if axis else {}), shape


def layer_normalization(rng: Random) -> tuple[Arguments, Shape]:
    arguments = some(
        rng,
        axis=(None, -1, 1, [1, 2], [1, 2, 3], (1, 3)),
        epsilon=(None, 0.01, 0.1),
        center=(None, False),
        scale=(None, False),
        beta_regularizer=REGULARIZERS,
        gamma_constraint=CONSTRAINTS[:5],
    )
    return arguments, image(rng, 2, channels=3)


def group_normalization(rng: Random) -> tuple[Arguments, Shape]:
    groups, first = rng.choice([1, 2, 3, 6, -1]), rng.random() < 0.3
    arguments = {"groups": groups, **({"axis": 1} if first else {})}
    arguments |= some(rng, epsilon=(None, 0.01), center=(None, False), scale=(None, False))
    return arguments, image(rng, rng.choice([1, 2]), "channels_first" if first else None, 6)


def normalization(rng: Random) -> tuple[Arguments, Shape]:
    arguments: Arguments = some(rng, invert=(None, True, False))
    form = rng.randrange(3)
    if form == 0:
        arguments |= {"axis": None, "mean": rng.uniform(-1, 1), "variance": rng.uniform(0.1, 2)}
    elif form == 1:
        arguments |= {"mean": [0.5, -1.0, 2.0], "variance": [1.0, 0.25, 4.0]}
    return arguments, image(rng, 2, channels=3)


def noise(rng: Random, name: str, rank: int | None = None) -> tuple[Arguments, Any, bool]:
    """Dropout and the like: without noise in half of the cases, which can be trained."""
    trains = rng.random() < 0.5
    arguments = {name: 0.0 if trains else round(rng.uniform(0.1, 0.9), 3)}
    arguments |= some(rng, seed=(None, rng.randrange(1000)))
    return arguments, image(rng, rank) if rank else anywhere(rng), trains


def merge(rng: Random, fewest: int = 1, most: int = 4) -> tuple[Arguments, tuple[Shape, ...]]:
    shape = anywhere(rng)
    count = rng.randint(max(fewest, 2), most)
    shapes = [shape] * count
    if len(shape) > 2 and rng.random() < 0.4:  # broadcasting
        shapes[rng.randrange(count)] = (*[1] * (len(shape) - 1), shape[-1])
    return {}, tuple(shapes)


def concatenate(rng: Random) -> tuple[Arguments, tuple[Shape, ...]]:
    shape = list(image(rng, rng.choice([1, 2])))
    axis = rng.choice([None, -1, *range(1, len(shape) + 1)])
    at = len(shape) - 1 if axis in (None, -1) else axis - 1
    shapes = []
    for _ in range(rng.randint(2, 4)):
        shape[at] = rng.randint(1, 4)
        shapes.append(tuple(shape))
    return ({} if axis is None else {"axis": axis}), tuple(shapes)


def dot(rng: Random) -> tuple[Arguments, tuple[Shape, ...]]:
    a, b, c = (rng.randint(2, 5) for _ in range(3))
    axes, shapes = rng.choice(
        [
            (1, ((a,), (a,))),
            (-1, ((a, b), (c, b))),
            ((1, 2), ((a, b), (c, a))),
            ((2, 1), ((a, b), (b, c))),
            ((2, 2), ((a, b), (c, b))),
        ]
    )
    return {"axes": axes, **some(rng, normalize=(None, True, False))}, shapes


def reshape(rng: Random) -> tuple[Arguments, Shape]:
    a, b = rng.randint(2, 4), rng.randint(2, 4)
    target = rng.choice([(-1,), (a, -1), (-1, b), (b, a, 2), (2 * a * b,), (b, 1, -1)])
    return {"target_shape": target}, rng.choice([(a, b, 2), (2 * a, b), (a * b * 2,)])


def permute(rng: Random) -> tuple[Arguments, Shape]:
    shape = image(rng, rng.choice([1, 2, 3]))
    return {"dims": tuple(rng.sample(range(1, len(shape) + 1), len(shape)))}, shape


def resizing(rng: Random) -> tuple[Arguments, Shape]:
    arguments = {"height": rng.randint(2, 9), "width": rng.randint(2, 9)}
    arguments |= some(rng, interpolation=(None, "bilinear", "nearest", "bicubic"))
    arguments |= some(rng, data_format=FORMATS)
    arguments |= rng.choice(
        [{}, {}, {"crop_to_aspect_ratio": True}, {"pad_to_aspect_ratio": True, "fill_value": 0.5}]
    )
    return arguments, image(rng, 2, arguments.get("data_format"), 3)


def center_crop(rng: Random) -> tuple[Arguments, Shape]:
    arguments = {"height": rng.randint(1, 5), "width": rng.randint(1, 5)}
    arguments |= some(rng, data_format=FORMATS)
    return arguments, image(rng, 2, arguments.get("data_format"))


def augmentation(rng: Random, **choices: Any) -> tuple[Arguments, Shape, bool]:
    """At inference: what is random lets the images pass."""
    return some(rng, seed=(None, 3), **choices), image(rng, 2, channels=3), False


def time_distributed(rng: Random) -> tuple[Arguments, Shape, bool]:
    """BatchNormalization does not train: Keras normalizes one step after the other."""
    inner: tuple[str, Arguments, Shape] = rng.choice(
        [
            ("Dense", {"units": 3, "activation": "tanh"}, (4,)),
            ("Conv2D", {"filters": 2, "kernel_size": 2}, (4, 5, 2)),
            ("MaxPooling2D", {}, (4, 5, 2)),
            ("Flatten", {}, (3, 2)),
            ("BatchNormalization", {}, (3, 2)),
        ]
    )
    shape = (rng.randint(2, 4), *inner[2])
    return {"layer": inner[:2]}, shape, inner[0] != "BatchNormalization"


def spectral(rng: Random) -> tuple[Arguments, Shape]:
    inner, shape = rng.choice(
        [
            (("Dense", {"units": 3}), (4,)),
            (("Conv2D", {"filters": 3, "kernel_size": 2}), (4, 5, 2)),
            (("Conv1D", {"filters": 2, "kernel_size": 3, "padding": "same"}), (6, 3)),
        ]
    )
    return {"layer": inner, **some(rng, power_iterations=(None, 2, 3))}, shape


SLOPES = (None, 0.0, 0.1, 0.5)
FACTORS = (0.1, 0.3, (-0.2, 0.2))
RANKED = {
    "Conv{}D": (convolution, (16, 26, 10)),
    "Conv{}DTranspose": (transposed, (12, 20, 8)),
    "MaxPooling{}D": (pooling, (8, 12, 6)),
    "AveragePooling{}D": (pooling, (8, 12, 6)),
    "GlobalAveragePooling{}D": (global_pooling, (4, 5, 4)),
    "GlobalMaxPooling{}D": (global_pooling, (4, 5, 4)),
    "AdaptiveAveragePooling{}D": (adaptive, (5, 6, 4)),
    "AdaptiveMaxPooling{}D": (adaptive, (5, 6, 4)),
    "Cropping{}D": (partial(borders, name="cropping"), (5, 7, 5)),
    "ZeroPadding{}D": (partial(borders, name="padding"), (5, 7, 5)),
    "UpSampling{}D": (upsampling, (4, 10, 5)),
    "SpatialDropout{}D": (lambda rng, rank: noise(rng, "rate", rank), (4, 4, 4)),
    "DepthwiseConv{}D": (depthwise, (10, 14)),
    "SeparableConv{}D": (separable, (10, 12)),
}
#: Layer: how to draw arguments, one shape or several, and whether it trains; number of cases.
STRATEGIES: dict[str, tuple[Callable[[Random], tuple[Any, ...]], int]] = {
    **{
        pattern.format(rank): (partial(draw, rank=rank), count)
        for pattern, (draw, counts) in RANKED.items()
        for rank, count in enumerate(counts, 1)
    },
    "Activation": (activation, 34),
    "ActivityRegularization": (partial(pointwise, l1=(None, 0.1), l2=(None, 0.2)), 5),
    "Add": (merge, 6),
    "AlphaDropout": (partial(noise, name="rate"), 5),
    "Average": (merge, 5),
    "BatchNormalization": (batch_normalization, 22),
    "CenterCrop": (center_crop, 8),
    "Concatenate": (concatenate, 8),
    "CutMix": (augmentation, 2),
    "Dense": (dense, 20),
    "Dot": (dot, 8),
    "Dropout": (partial(noise, name="rate"), 6),
    "ELU": (partial(pointwise, alpha=(None, 0.3, 2.0)), 5),
    "Embedding": (embedding, 6),
    "Flatten": (lambda rng: (some(rng, data_format=FORMATS), anywhere(rng)), 6),
    "GaussianDropout": (partial(noise, name="rate"), 5),
    "GaussianNoise": (partial(noise, name="stddev"), 5),
    "GroupNormalization": (group_normalization, 10),
    "Identity": (pointwise, 3),
    "LayerNormalization": (layer_normalization, 12),
    "LeakyReLU": (partial(pointwise, negative_slope=SLOPES), 5),
    "Masking": (
        lambda rng: (some(rng, mask_value=(None, 0.5)), (rng.randint(2, 5), 3), False),
        3,
    ),
    "MixUp": (augmentation, 2),
    "Maximum": (merge, 5),
    "Minimum": (merge, 5),
    "Multiply": (merge, 5),
    "Normalization": (normalization, 8),
    "PReLU": (prelu, 7),
    "Permute": (permute, 6),
    "RMSNormalization": (
        # Keras multiplies other axes than the last ones by the wrong numbers, or fails.
        lambda rng: (some(rng, axis=(None, -1, [2, 3]), epsilon=(None, 0.1)), image(rng, 2)),
        7,
    ),
    "RandomBrightness": (partial(augmentation, factor=FACTORS, value_range=((-9, 9),)), 3),
    "RandomContrast": (partial(augmentation, factor=FACTORS[:2], value_range=((-9, 9),)), 3),
    "RandomErasing": (partial(augmentation, factor=(None, 0.5), value_range=((-9, 9),)), 3),
    "RandomFlip": (partial(augmentation, mode=(None, "horizontal", "vertical")), 3),
    "RandomRotation": (partial(augmentation, factor=FACTORS, fill_mode=(None, "wrap")), 3),
    "RandomTranslation": (
        partial(augmentation, height_factor=FACTORS, width_factor=FACTORS),
        3,
    ),
    "RandomZoom": (partial(augmentation, height_factor=FACTORS, width_factor=(None, 0.2)), 3),
    "RandomCrop": (lambda rng: ({"height": 5, "width": 4}, (5, 4, 3), True), 2),
    "ReLU": (
        partial(pointwise, max_value=(None, 1.0), negative_slope=SLOPES, threshold=(None, 0.2)),
        7,
    ),
    "RepeatVector": (lambda rng: ({"n": rng.randint(1, 5)}, (rng.randint(1, 6),)), 3),
    "Rescaling": (
        lambda rng: ({"scale": rng.uniform(-2, 2), **some(rng, offset=(None, 0.5))}, anywhere(rng)),
        4,
    ),
    "Reshape": (reshape, 8),
    "Resizing": (resizing, 14),
    "Softmax": (softmax, 6),
    "SpectralNormalization": (spectral, 6),
    "Subtract": (partial(merge, fewest=2, most=2), 5),
    "TimeDistributed": (time_distributed, 8),
    "UnitNormalization": (lambda rng: (some(rng, axis=(None, 1, [1, 2])), image(rng, 2)), 5),
}


def off_the_kinks(arguments: Arguments) -> Arguments:
    """Return arguments with which no weight stays where |x| or leaky_relu has a kink.

    At 0 their slope is 1 with JAX, and 0 and `negative_slope` here and with TensorFlow. Kernels get
    there by non_neg, and the outputs of such a kernel if there is no bias.
    """
    result = dict(arguments)
    for name in arguments:
        if arguments[name] == "non_neg":
            result.pop("use_bias", None)
            regularizer = name.replace("constraint", "regularizer")
            if arguments.get(regularizer) == "l1":
                result[regularizer] = "l2"
    return result


def draw(layer: str, number: int) -> Case:
    strategy, _ = STRATEGIES[layer]
    arguments, shapes, *trains = strategy(Random(f"{layer} {number}"))
    arguments = off_the_kinks(arguments)
    if not isinstance(shapes[0], tuple):
        shapes = (shapes,)
    return Case(f"{layer}_{number}", layer, arguments, shapes, *trains)


CASES = [draw(layer, i) for layer, (_, count) in STRATEGIES.items() for i in range(count)]
