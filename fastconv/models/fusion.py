"""Rewritings of programs that give the same bits, or better ones, from less work.

Each rule is a function that changes a `Program`. All conditions stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..layers import (
    Activation,
    BatchNormalization,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    DepthwiseConv1D,
    DepthwiseConv2D,
    MaxPooling2D,
    Variable,
)
from ..layers.activation import ActivationLayer
from ..layers.weighted import KernelLayer
from ..ops.fusion import STORED
from .program import Program, Step

#: Layers whose output channels are the last axis of the kernel, or the last two.
FOLDABLE = (Conv1D, Conv2D, Conv3D, Dense, DepthwiseConv1D, DepthwiseConv2D)


def activation_after_pooling(program: Program) -> None:
    """Move relu behind the max-pooling that follows it: the same bits from fewer elements.

    The largest of some relus is the relu of the largest; where that is positive (and below 6, if
    it is relu6), its place is the same too, and elsewhere no gradient passes.
    """
    readers, producers = program.readers(), program.producers()
    steps: dict[int, list[Step]] = {}  # what takes the place of a step
    for i, step in enumerate(program.steps):
        if not isinstance(step.layer, MaxPooling2D) or step.inputs[0] not in producers:
            continue
        source = producers[step.inputs[0]]
        before = program.steps[source]
        if (
            isinstance(before.layer, KernelLayer)
            and before.layer.activation_name in STORED
            and before.layer.activity_regularizer is None
            and step.layer.activity_regularizer is None
            and readers[before.output] == 1
        ):
            steps[source] = [before._replace(layer=before.layer.without_activation())]
            pooled = program.new_slot()
            name = before.layer.activation_name
            steps[i] = [
                step._replace(output=pooled),
                Step(Activation(name, name=name), (pooled,), step.output, step.training),
            ]
    program.steps = [new for i, step in enumerate(program.steps) for new in steps.get(i, [step])]


class Folded:
    """A layer with kernel and bias multiplied by what the normalization behind it does.

    y = (z - mean) * s + beta with s = gamma / sqrt(variance + epsilon), z = x * kernel + bias.

    Attributes
    ----------
    layer : KernelLayer
    """

    def __init__(self, layer: KernelLayer, norm: BatchNormalization) -> None:
        self._norm = norm
        self._from = layer
        sources = (layer.kernel, layer.bias, norm.gamma, norm.beta)
        self._sources = [norm.moving_mean, norm.moving_variance, *filter(None, sources)]
        self._versions: list[int] = []
        self._kernel = Variable(layer.kernel.value, "kernel", path=layer.kernel.path)
        self._bias = Variable(norm.moving_mean.value, "bias", path=f"{layer.name}/bias")
        self.layer = layer.with_weights(self._kernel, self._bias)

    def update(self) -> None:
        """Derive kernel and bias anew if a weight has changed."""
        versions = [variable.version for variable in self._sources]
        if versions == self._versions:
            return
        norm, layer = self._norm, self._from
        mean, variance = (
            v.value.astype(np.float64) for v in (norm.moving_mean, norm.moving_variance)
        )
        with np.errstate(all="ignore"):  # NaN and infinity go their way
            scale = 1 / np.sqrt(variance + norm.epsilon)
            if norm.gamma is not None:
                scale = scale * norm.gamma.value
            shift = -mean if layer.bias is None else layer.bias.value - mean
            bias = shift * scale
            if norm.beta is not None:
                bias = bias + norm.beta.value
            kernel = layer.kernel.value
            depthwise = kernel.shape[-1] != scale.size
            last = kernel.shape[-2:] if depthwise else kernel.shape[-1:]
            self._kernel.assign((kernel * scale.reshape(last)).astype(np.float32))
            self._bias.assign(bias.astype(np.float32))
        self._versions = versions


def fold_batch_normalization(program: Program) -> None:
    """Give the layer before a normalization of inference its scale and shift."""
    readers, producers = program.readers(), program.producers()
    for i, step in enumerate(program.steps):
        norm = step.layer
        if type(norm) is not BatchNormalization or step.training:
            continue
        source = producers.get(step.inputs[0])
        if source is None or readers[step.inputs[0]] != 1:
            continue
        before = program.steps[source]
        layer = before.layer
        if (
            isinstance(layer, KernelLayer)
            and type(layer) in FOLDABLE
            and layer.activation_name == "linear"
            and layer.activity_regularizer is None
            and layer.compute_dtype == "float32"
            and not getattr(layer, "channels_first", False)
            and (norm.axis == -1 or (type(layer) is not Dense and norm.axis == _last(layer)))
        ):
            folded = Folded(layer, norm)
            program.derived.append(folded.update)
            program.steps[source] = before._replace(layer=folded.layer, output=step.output)
            program.steps[i] = step._replace(inputs=())
            producers[step.output] = source
    program.steps = [step for step in program.steps if step.inputs]


def _last(layer: KernelLayer) -> int:
    """Return the number of the last axis of a convolution's output."""
    return len(layer.kernel.shape) - 1


def activation_into_kernel(program: Program) -> None:
    """Let a layer with a kernel apply the relu that alone reads it, while it stores: same bits."""
    readers, producers = program.readers(), program.producers()
    for i, step in enumerate(program.steps):
        name = step.layer.activation_name
        if not isinstance(step.layer, ActivationLayer) or name not in STORED:
            continue
        source = producers.get(step.inputs[0])
        if source is None or readers[step.inputs[0]] != 1:
            continue
        before = program.steps[source]
        layer = before.layer
        if (
            isinstance(layer, KernelLayer)
            and layer.activation_name == "linear"
            and layer.activity_regularizer is None
            and step.layer.activity_regularizer is None
        ):
            program.steps[source] = before._replace(
                layer=layer.with_activation(name), output=step.output
            )
            program.steps[i] = step._replace(inputs=())
            producers[step.output] = source
    program.steps = [step for step in program.steps if step.inputs]


def activation_into_loss(program: Program, activations: Sequence[str | None]) -> list[bool]:
    """Leave out the last activation of each output whose loss has it built in.

    The value of such a loss is exact where probabilities round to 0, and its gradient never
    vanishes there.

    Parameters
    ----------
    activations : sequence of str or None
        For each output, the activation that its loss takes over, if any.

    Returns
    -------
    list of bool
        For which outputs it was done.
    """
    readers, producers = program.readers(), program.producers()
    done = [False] * len(program.outputs)
    for i, (slot, activation) in enumerate(zip(program.outputs, activations, strict=True)):
        if activation is None or slot not in producers or readers[slot] != 1:
            continue
        at = producers[slot]
        layer = program.steps[at].layer
        # An activity penalty is one of probabilities.
        if layer.activation_name == activation and layer.activity_regularizer is None:
            program.steps[at] = program.steps[at]._replace(layer=layer.without_activation())
            done[i] = True
    return done
