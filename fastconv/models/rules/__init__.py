"""Rules: how each kind of layer is lowered to instructions.

    products.py        convolutions and Dense, with their activations
    pooling.py         maxima and means of windows
    normalization.py   batch normalization
    elementwise.py     activations and sums
    moving.py          what computes nothing: shapes, movements of axes, concatenations
    as_it_is.py        all other layers

A rule emits what computes a step's output, and returns what emits its gradients: a function of the
buffer that holds the gradient of the output. Layers know nothing of this; one without a rule, your
own for example, is run as it is.
"""

from __future__ import annotations

from collections.abc import Callable

from ...layers import (
    Add,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Identity,
    MaxPooling2D,
    Reshape,
)
from ...layers.activation import ActivationLayer
from ..layouts import Move
from ..lowering import Backward, Builder, CannotLowerError, follows_rules
from ..program import Step
from . import elementwise, moving, normalization, pooling, products
from .as_it_is import as_it_is

__all__ = ["RULES", "Backward", "CannotLowerError", "lower_step"]

#: Gets whether gradients will be asked for; returns None to have the layer run as it is.
Rule = Callable[[Builder, Step, bool], "Backward | None"]

#: THE RULES. A class without one has that of its base.
RULES: dict[type, Rule] = {
    ActivationLayer: elementwise.activation,
    Add: elementwise.add,
    AveragePooling2D: pooling.average_pooling,
    BatchNormalization: normalization.batch_normalization,
    Concatenate: moving.concatenate,
    Conv2D: products.conv2d,
    Dense: products.dense,
    DepthwiseConv2D: products.conv2d,
    Dropout: moving.dropout,
    Flatten: moving.reshape,
    GlobalAveragePooling2D: pooling.global_average_pooling,
    Identity: moving.identity,
    MaxPooling2D: pooling.max_pooling,
    Move: moving.move,
    Reshape: moving.reshape,
}


def lower_step(b: Builder, step: Step, taped: bool) -> Backward:
    """Emit a step; `taped` tells whether its gradients will be asked for."""
    layer = step.layer
    if follows_rules(layer):
        for kind in type(layer).__mro__:
            rule = RULES.get(kind)
            backward = None if rule is None else rule(b, step, taped)
            if backward is not None:
                return backward
    return as_it_is(b, step, taped)
