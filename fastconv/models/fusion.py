"""Rewritings of programs that give the same bits, or better ones, from less work.

Each rule is a function that changes a `Program`. All conditions stand here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..layers import Activation, MaxPooling2D
from ..layers.weighted import KernelLayer
from .program import Program, Step


def relu_after_pooling(program: Program) -> None:
    """Move relu behind the max-pooling that follows it: the same bits from fewer elements.

    The largest of some relus is the relu of the largest; where that is positive, its place is the
    same too, and elsewhere no gradient passes.
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
            and before.layer.activation_name == "relu"
            and before.layer.activity_regularizer is None
            and step.layer.activity_regularizer is None
            and readers[before.output] == 1
        ):
            steps[source] = [before._replace(layer=before.layer.without_activation())]
            pooled = program.new_slot()
            relu = Activation("relu", name="relu")
            steps[i] = [
                step._replace(output=pooled),
                Step(relu, (pooled,), step.output, step.training),
            ]
    program.steps = [new for i, step in enumerate(program.steps) for new in steps.get(i, [step])]


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
