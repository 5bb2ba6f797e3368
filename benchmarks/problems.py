"""Named real problems: the convolutions and matrix products of well-known networks.

Layouts are fastconv's: x (N, H, W, C), kernel (KH, KW, C // groups, F), y (N, OH, OW, F).
Strided convolutions of ResNet-50 and MobileNetV2 pad alike on both sides (as torchvision's do),
which every library supports without a separate padding pass.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

from fastconv.ops import checks, shapes


@dataclass(frozen=True)
class Problem:
    """One convolution. `padding` is Keras's word or ((top, bottom), (left, right))."""

    name: str
    N: int
    H: int
    W: int
    C: int
    F: int
    KH: int
    KW: int
    strides: tuple[int, int] = (1, 1)
    padding: str | shapes.Pads = "valid"
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    net: str = ""

    @property
    def pads(self) -> shapes.Pads:
        return shapes.resolve_padding(
            self.name,
            self.padding,
            (self.H, self.W),
            (self.KH, self.KW),
            self.strides,
            self.dilation,
        )

    @property
    def input_shape(self) -> tuple[int, int, int, int]:
        return self.N, self.H, self.W, self.C

    @property
    def kernel_shape(self) -> tuple[int, int, int, int]:
        return self.KH, self.KW, self.C // self.groups, self.F

    @property
    def output_shape(self) -> tuple[int, int, int, int]:
        size, window = (self.H, self.W), (self.KH, self.KW)
        out = shapes.output_shape(self.name, size, window, self.strides, self.dilation, self.pads)
        return self.N, *out, self.F

    @property
    def flops(self) -> int:
        """2 * multiply-adds of the plain convolution; either gradient costs as many."""
        n, oh, ow, f = self.output_shape
        return 2 * n * oh * ow * f * self.KH * self.KW * (self.C // self.groups)

    def summed(self, result: str) -> int:
        """Return how many products one element of `result` sums: of "y", "dx" or "dkernel"."""
        n, oh, ow, f = self.output_shape
        if result == "dkernel":
            return n * oh * ow
        taps = self.KH * self.KW
        if result == "y":
            return taps * self.C // self.groups
        return max(taps // (self.strides[0] * self.strides[1]), 1) * f // self.groups

    @property
    def kind(self) -> str:
        return "depthwise" if self.groups == self.C > 1 else f"{self.KH}x{self.KW}"

    @property
    def geometry(self) -> dict[str, Any]:
        """The keyword arguments of `fastconv.ops.conv2d`."""
        return {
            "strides": self.strides,
            "padding": self.padding,
            "dilation": self.dilation,
            "groups": self.groups,
        }

    def spec(self) -> dict[str, Any]:
        """Return all that a worker needs; it must not import fastconv to resolve the padding."""
        return asdict(self) | {
            "pads": self.pads,
            "input_shape": self.input_shape,
            "kernel_shape": self.kernel_shape,
            "output_shape": self.output_shape,
            "depthwise": self.kind == "depthwise",
        }


@dataclass(frozen=True)
class GemmProblem:
    """One matrix product a (M, K) @ b (K, N)."""

    name: str
    M: int
    K: int
    N: int
    kind: str
    net: str = ""

    @property
    def flops(self) -> int:
        return 2 * self.M * self.K * self.N

    def spec(self) -> dict[str, Any]:
        return asdict(self)


def _square(
    net: str, layer: str, batch: int, size: int, c: int, f: int, k: int, **geometry: Any
) -> Problem:
    """Return a problem with square image, window and stride."""
    stride = geometry.pop("stride", 1)
    return Problem(
        f"{net}_{layer}", batch, size, size, c, f, k, k, (stride, stride), net=net, **geometry
    )


def _around(pad: int) -> shapes.Pads:
    return (pad, pad), (pad, pad)


def _resnet50() -> Iterator[Problem]:
    """Yield ResNet-50 v1.5 (He et al., arXiv:1512.03385; the stride sits in the 3x3) at 224x224."""
    net = "resnet50"
    yield _square(net, "conv1_7x7", 1, 224, 3, 64, 7, stride=2, padding=_around(3))
    channels, size = 64, 56
    for stage, width in enumerate((64, 128, 256, 512), start=2):
        layer, wide, stride = f"conv{stage}", 4 * width, 1 if stage == 2 else 2
        yield _square(net, f"{layer}_1x1_enter", 1, size, channels, width, 1)
        if stride == 2:
            yield _square(
                net, f"{layer}_3x3_stride2", 1, size, width, width, 3, stride=2, padding=_around(1)
            )
        yield _square(net, f"{layer}_1x1_shortcut", 1, size, channels, wide, 1, stride=stride)
        size //= stride
        yield _square(net, f"{layer}_3x3", 1, size, width, width, 3, padding="same")
        yield _square(net, f"{layer}_1x1_expand", 1, size, width, wide, 1)
        yield _square(net, f"{layer}_1x1_reduce", 1, size, wide, width, 1)
        channels = wide


def _vgg16() -> Iterator[Problem]:
    """Yield VGG-16 (Simonyan & Zisserman, arXiv:1409.1556, table 1, D) at 224x224."""
    channels, size = 3, 224
    for stage, (width, depth) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), 1):
        for layer in range(1, depth + 1):
            yield _square(
                "vgg16", f"conv{stage}_{layer}_3x3", 1, size, channels, width, 3, padding="same"
            )
            channels = width
        size //= 2


def _mobilenetv2() -> Iterator[Problem]:
    """Yield MobileNetV2 (Sandler et al., arXiv:1801.04381, table 2) at 224x224."""
    net = "mobilenetv2"
    yield _square(net, "conv1_3x3", 1, 224, 3, 32, 3, stride=2, padding=_around(1))
    channels, size, block = 32, 112, 0
    stages = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )
    for factor, width, repeats, first_stride in stages:
        for repeat in range(repeats):
            layer, wide = f"block{block}", factor * channels
            stride = first_stride if repeat == 0 else 1
            if factor > 1:
                yield _square(net, f"{layer}_expand", 1, size, channels, wide, 1)
            yield _square(
                net,
                f"{layer}_depthwise",
                1,
                size,
                wide,
                wide,
                3,
                stride=stride,
                padding=_around(1),
                groups=wide,
            )
            size //= stride
            yield _square(net, f"{layer}_project", 1, size, wide, width, 1)
            channels, block = width, block + 1
    yield _square(net, "conv_last_1x1", 1, size, channels, 1280, 1)


def _resnet20() -> Iterator[Problem]:
    """Yield the CIFAR-10 ResNet-20 (arXiv:1512.03385, section 4.2) at 32x32, 3 channels."""
    net = "resnet20"
    yield _square(net, "conv1_3x3", 32, 32, 3, 16, 3, padding="same")
    size = 32
    for stage, width in enumerate((16, 32, 64), start=2):
        if stage > 2:
            yield _square(
                net,
                f"conv{stage}_3x3_stride2",
                32,
                size,
                width // 2,
                width,
                3,
                stride=2,
                padding=_around(1),
            )
            size //= 2
        yield _square(net, f"conv{stage}_3x3", 32, size, width, width, 3, padding="same")


def _inceptionv3() -> Iterator[Problem]:
    """Yield InceptionV3 (Szegedy et al., arXiv:1512.00567) at 299x299, as Keras builds it."""

    def conv(
        layer: str, size: int, c: int, f: int, kh: int, kw: int, stride: int = 1, pad: str = "same"
    ) -> Problem:
        name, strides = f"inceptionv3_{layer}_{kh}x{kw}", (stride, stride)
        return Problem(name, 1, size, size, c, f, kh, kw, strides, pad, net="inceptionv3")

    yield conv("stem1_stride2", 299, 3, 32, 3, 3, 2, "valid")
    yield conv("stem2", 149, 32, 32, 3, 3, pad="valid")
    yield conv("stem3", 147, 32, 64, 3, 3)
    yield conv("stem4", 73, 64, 80, 1, 1)
    yield conv("stem5", 73, 80, 192, 3, 3, pad="valid")
    for block, channels in enumerate((192, 256, 288)):
        yield conv(f"mixed{block}_enter64", 35, channels, 64, 1, 1)
        yield conv(f"mixed{block}_enter48", 35, channels, 48, 1, 1)
    yield conv("mixed0_pooled", 35, 192, 32, 1, 1)
    yield conv("mixed0", 35, 48, 64, 5, 5)
    yield conv("mixed0_first", 35, 64, 96, 3, 3)
    yield conv("mixed0_second", 35, 96, 96, 3, 3)
    yield conv("mixed3_stride2", 35, 288, 384, 3, 3, 2, "valid")
    yield conv("mixed3_deep_stride2", 35, 96, 96, 3, 3, 2, "valid")
    for block, width in ((4, 128), (5, 160), (7, 192)):
        yield conv(f"mixed{block}_enter", 17, 768, width, 1, 1)
        yield conv(f"mixed{block}", 17, width, width, 1, 7)
        yield conv(f"mixed{block}", 17, width, width, 7, 1)
        yield conv(f"mixed{block}_last", 17, width, 192, 1, 7)
        yield conv(f"mixed{block}_last", 17, width, 192, 7, 1)
    yield conv("mixed8_stride2", 17, 192, 320, 3, 3, 2, "valid")
    yield conv("mixed8_deep_stride2", 17, 192, 192, 3, 3, 2, "valid")
    for block, channels in ((9, 1280), (10, 2048)):
        for width in (192, 320, 384, 448):
            yield conv(f"mixed{block}_enter{width}", 8, channels, width, 1, 1)
    yield conv("mixed9", 8, 384, 384, 1, 3)
    yield conv("mixed9", 8, 384, 384, 3, 1)
    yield conv("mixed9", 8, 448, 384, 3, 3)


def _unet() -> Iterator[Problem]:
    """Yield U-Net (Ronneberger et al., arXiv:1505.04597) at 128x128, with "same" padding.

    Going up, 2x2 convolutions follow a plain enlargement.
    """

    def conv(layer: str, size: int, c: int, f: int, k: int) -> Problem:
        return _square("unet", f"{layer}_{k}x{k}", 1, size, c, f, k, padding="same")

    channels, size = 3, 128
    for level, width in enumerate((64, 128, 256, 512, 1024), 1):
        yield conv(f"down{level}_first", size, channels, width, 3)
        yield conv(f"down{level}_second", size, width, width, 3)
        channels, size = width, size // 2
    size = 16
    for level, width in enumerate((512, 256, 128, 64), 1):
        yield conv(f"up{level}_enlarged", size, channels, width, 2)
        yield conv(f"up{level}_joined", size, channels, width, 3)
        channels, size = width, 2 * size
    yield conv("classes", 128, 64, 2, 1)


def _small() -> Iterator[Problem]:
    """Yield LeNet-5 (LeCun et al., 1998) at 32x32 and the usual MNIST tutorial network."""
    yield _square("lenet5", "c1_5x5", 32, 32, 1, 6, 5)
    yield _square("lenet5", "c3_5x5", 32, 14, 6, 16, 5)
    yield _square("lenet5", "c5_5x5", 32, 5, 16, 120, 5)
    yield _square("article", "conv1_3x3", 32, 28, 1, 32, 3)
    yield _square("article", "conv2_3x3", 32, 13, 32, 64, 3)


def _distinct(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Drop convolutions a network repeats; the first name stays."""
    seen: dict[Problem, Problem] = {}
    for problem in problems:
        seen.setdefault(replace(problem, name=""), problem)
    return tuple(seen.values())


#: Every distinct convolution of each network; batch 1 for ImageNet sizes, 32 for small images.
CONVOLUTIONS: tuple[Problem, ...] = _distinct(
    [
        *_small(),
        *_resnet20(),
        *_resnet50(),
        *_vgg16(),
        *_mobilenetv2(),
        *_inceptionv3(),
        *_unet(),
    ]
)

#: What `--quick` takes when nothing is selected: one problem per family of algorithms.
QUICK_CONVOLUTIONS = (
    "article_conv?_3x3",
    "resnet50_conv1_7x7",
    "resnet50_conv4_3x3",
    "resnet50_conv4_1x1_expand",
    "mobilenetv2_block4_depthwise",
)

#: Square products, Dense layers (M = batch), and 1x1 convolutions (M = pixels).
GEMMS: tuple[GemmProblem, ...] = (
    GemmProblem("square_256", 256, 256, 256, "square"),
    GemmProblem("square_512", 512, 512, 512, "square"),
    GemmProblem("square_1024", 1024, 1024, 1024, "square"),
    GemmProblem("article_dense1_b32", 32, 1600, 128, "dense", "article"),
    GemmProblem("article_dense1_b256", 256, 1600, 128, "dense", "article"),
    GemmProblem("article_dense2_b32", 32, 128, 10, "dense", "article"),
    GemmProblem("resnet50_dense_b1", 1, 2048, 1000, "dense", "resnet50"),
    GemmProblem("resnet50_dense_b32", 32, 2048, 1000, "dense", "resnet50"),
    GemmProblem("vgg16_fc2_b1", 1, 4096, 4096, "dense", "vgg16"),
    GemmProblem("vgg16_fc2_b32", 32, 4096, 4096, "dense", "vgg16"),
    GemmProblem("resnet50_conv2_1x1_expand", 56 * 56, 64, 256, "1x1", "resnet50"),
    GemmProblem("resnet50_conv3_1x1_expand", 28 * 28, 128, 512, "1x1", "resnet50"),
    GemmProblem("resnet50_conv4_1x1_expand", 14 * 14, 256, 1024, "1x1", "resnet50"),
    GemmProblem("resnet50_conv5_1x1_expand", 7 * 7, 512, 2048, "1x1", "resnet50"),
    GemmProblem("mobilenetv2_block0_project", 112 * 112, 32, 16, "1x1", "mobilenetv2"),
)

#: What `--quick` takes when nothing is selected.
QUICK_GEMMS = ("square_*", "article_dense1_b32", "resnet50_conv4_1x1_expand")

P = TypeVar("P", Problem, GemmProblem)


def select(
    problems: Sequence[P],
    patterns: Sequence[str] = (),
    sets: Sequence[str] = (),
    kinds: Sequence[str] = (),
) -> list[P]:
    """Return the problems whose name fits a glob pattern, whose network is in `sets` and so on.

    An empty condition lets everything pass.

    Raises
    ------
    ValueError
        A pattern, network or kind fits nothing, or all conditions together do.
    """
    names = [p.name for p in problems]
    for pattern in patterns:
        if not fnmatch.filter(names, pattern):
            hint = checks.did_you_mean(pattern, names)
            raise ValueError(f"select: no problem is called {pattern!r}.{hint}")
    for what, wanted, present in (
        ("set", sets, {p.net for p in problems if p.net}),
        ("kind", kinds, {p.kind for p in problems}),
    ):
        for item in wanted:
            checks.one_of("select", what, item, sorted(present))
    chosen = [
        p
        for p in problems
        if (not patterns or any(fnmatch.fnmatchcase(p.name, pattern) for pattern in patterns))
        and (not sets or p.net in sets)
        and (not kinds or p.kind in kinds)
    ]
    if not chosen:
        raise ValueError("select: no problem fits all of the names, sets and kinds asked for.")
    return chosen


def at_batches(problems: Iterable[Problem], batches: Sequence[int]) -> list[Problem]:
    """Return each problem at each batch size; as named when `batches` is empty."""
    return [replace(p, N=n) for p in problems for n in (batches or (p.N,))]
