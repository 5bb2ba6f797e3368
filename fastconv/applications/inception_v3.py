"""Inception V3: blocks of parallel branches whose channels are put side by side.

Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, "Rethinking the Inception Architecture for Computer
Vision", arXiv:1512.00567.
"""

from __future__ import annotations

import re
from typing import Any

from .. import layers
from .blocks import chain, channel_axis
from .imagenet_utils import decode_predictions, preprocessor
from .network import Network, classifier

# A branch is a line of steps: "96" is a 1x1 convolution with 96 filters, "96@3x3" one of 3x3, both
# with padding "same"; "v" makes it "valid", "/2" "valid" with stride 2. "max" halves the image,
# "avg" does not, "split" is the end of a branch that forks into 1x3 and 3x1.
_STEM = "32@3x3/2 32@3x3v 64@3x3 max 80v 192@3x3v max"
_SIDE_BY_SIDE = ("64", "48 64@5x5", "64 96@3x3 96@3x3")
_FORKED = ("320", "384 split", "448 384@3x3 split", "avg 192")


def _factorized(n: int) -> tuple[str, ...]:
    """Return branches whose 7x7 convolutions are pairs of 1x7 and 7x1."""
    long = f"{n} {n}@7x1 {n}@1x7 {n}@7x1 192@1x7"
    return ("192", f"{n} {n}@1x7 192@7x1", long, "avg 192")


_BLOCKS = (
    (*_SIDE_BY_SIDE, "avg 32"),
    (*_SIDE_BY_SIDE, "avg 64"),
    (*_SIDE_BY_SIDE, "avg 64"),
    ("384@3x3/2", "64 96@3x3 96@3x3/2", "max"),
    _factorized(128),
    _factorized(160),
    _factorized(160),
    _factorized(192),
    ("192 320@3x3/2", "192 192@1x7 192@7x1 192@3x3/2", "max"),
    _FORKED,
    _FORKED,
)


def _convolve(x: Any, step: str) -> Any:
    parts = re.fullmatch(r"(\d+)(?:@(\d)x(\d))?(v|/2)?", step)
    assert parts is not None, step
    filters, height, width, ending = parts.groups()
    conv = layers.Conv2D(
        int(filters),
        (int(height or 1), int(width or 1)),
        strides=2 if ending == "/2" else 1,
        padding="valid" if ending else "same",
        use_bias=False,
    )
    norm = layers.BatchNormalization(axis=channel_axis(), scale=False)
    return chain(x, conv, norm, layers.Activation("relu"))


def _branch(x: Any, steps: str, split_name: str | None = None) -> Any:
    for step in steps.split():
        if step == "max":
            x = layers.MaxPooling2D(3, strides=2)(x)
        elif step == "avg":
            x = layers.AveragePooling2D(3, strides=1, padding="same")(x)
        elif step == "split":
            ends = [_convolve(x, "384@1x3"), _convolve(x, "384@3x1")]
            x = layers.Concatenate(axis=channel_axis(), name=split_name)(ends)
        else:
            x = _convolve(x, step)
    return x


def _features(x: Any) -> Any:
    x = _branch(x, _STEM)
    for i, branches in enumerate(_BLOCKS):
        # Only the first of two forks has a name of its own: mixed9_0, mixed9_1.
        names = [f"mixed9_{i - 9}" if j == 1 else None for j in range(len(branches))]
        ends = [_branch(x, steps, name) for steps, name in zip(branches, names, strict=True)]
        x = layers.Concatenate(axis=channel_axis(), name=f"mixed{i}")(ends)
    return x


InceptionV3 = classifier(
    Network("InceptionV3", _features, size=299, smallest=75, names_pooling=False),
    "inception_v3",
    "Return Inception V3.\n\n    Szegedy et al., arXiv:1512.00567.",
)
preprocess_input = preprocessor("tf")

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]
