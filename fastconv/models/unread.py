"""Outputs of convolutions that no window behind them reads are not computed.

A pooling of 2x2 over 11x11 pixels reads 10x10 of them. So the convolution before it need not
compute the last row and column, nor the pooling before that what only they read, and so on: it is
enough that the first convolution of such a row of layers leaves out what nobody reads in the end,
and all images behind it are smaller. The results are the same, as are the gradients: those of the
outputs that are left out are zero.
"""

from __future__ import annotations

from ..layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    Layer,
    MaxPooling2D,
)
from ..layers.activation import ActivationLayer, is_elementwise
from ..layers.convolution import Windows
from .program import Program, Step, is_known


def leave_out_unread_outputs(program: Program) -> None:
    """Let convolutions know which windows slide over their outputs."""
    readers = program.readers()
    reading = {slot: step for step in program.steps for slot in step.inputs}
    for i, step in enumerate(program.steps):
        layer = step.layer
        if not isinstance(layer, Conv2D) or not is_known(layer) or not _is_plain(layer):
            continue
        windows: list[Windows] = []
        slot, last = step.output, 0
        while readers[slot] == 1 and slot in reading:
            reader = reading[slot]
            if _is_pixelwise(reader):
                pass
            elif (seen := _windows(reader.layer)) is not None:
                windows.append(seen)
                if max(seen[1]) > 1:
                    last = len(windows)
            else:
                break
            slot = reader.output
        if last:
            program.steps[i] = step._replace(layer=layer.read_by(windows[:last]))


def _is_plain(layer: Layer) -> bool:
    """Return whether no function of all outputs at once is applied to them."""
    activation = getattr(layer, "activation", None)
    return (
        layer.activity_regularizer is None
        and not getattr(layer, "channels_first", False)
        and (activation is None or is_elementwise(activation))
    )


def _is_pixelwise(step: Step) -> bool:
    """Return whether a step does the same with each pixel, without looking at the others."""
    layer = step.layer
    if layer.activity_regularizer is not None:
        return False
    if type(layer) in (BatchNormalization, Dropout):
        return not step.training and getattr(layer, "axis", -1) in (-1, 3)
    return isinstance(layer, ActivationLayer) and is_elementwise(layer)


def _windows(layer: Layer) -> Windows | None:
    """Return the windows that a layer slides over images without padding, None if it does not."""
    if isinstance(layer, (MaxPooling2D, AveragePooling2D)):
        windows: Windows = (layer.pool_size, layer.strides, (1, 1))
    elif isinstance(layer, (Conv2D, DepthwiseConv2D)):
        windows = (layer.kernel_size, layer.strides, layer.dilation_rate)
    else:
        return None
    return windows if is_known(layer) and _is_plain(layer) and layer.padding == "valid" else None
