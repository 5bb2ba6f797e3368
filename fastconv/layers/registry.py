"""Layers by class name: the closed table that model files are read with."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from .. import custom_objects as customs
from .. import serialization
from ..custom_objects import in_safe_mode
from ..serialization import serialize
from .layer import Layer

#: Layers of Keras for other networks than convolutional ones, on purpose not here.
OUT_OF_SCOPE = frozenset(
    {
        *("RNN", "SimpleRNN", "SimpleRNNCell", "LSTM", "LSTMCell", "GRU", "GRUCell"),
        *("StackedRNNCells", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        *("Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"),
    }
)

#: Gives the models, which can be layers too; `fastconv.models`, a floor above, enters itself here.
model_classes: Callable[[], dict[str, type[Layer]]] = dict


@functools.cache
def table() -> dict[str, type[Layer]]:
    """Return all that can come out of a model file, by name, beside models.

    It is every class of `fastconv.layers` under its name and Keras's second names for it.
    """
    from .. import layers
    from .wrapper import Wrapper

    known = {name: getattr(layers, name) for name in layers.__all__}
    return {
        name: cls
        for name, cls in known.items()
        if isinstance(cls, type) and issubclass(cls, Layer) and cls not in (Layer, Wrapper)
    }


def out_of_scope(name: str) -> str:
    """Return what to say to those who want a layer of OUT_OF_SCOPE."""
    return (
        f"{name} is out of scope: fastconv has the layers of convolutional networks, no recurrent "
        f"and no attention layers. For sequences, Conv1D and pooling are here."
    )


def get(identifier: Any) -> Layer:
    """Return a layer for an instance or a config.

    Raises
    ------
    ValueError
        The identifier is a class, or does not name a layer.
    """
    if isinstance(identifier, type):
        name = identifier.__name__
        raise ValueError(f"Expected a layer, got the class {name}: use {name}(...).")
    if isinstance(identifier, Layer):
        return identifier
    return deserialize(identifier)


def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Layer:
    """Return the layer that `serialize` wrote, here or in Keras.

    Parameters
    ----------
    config : dict
    custom_objects : dict of str to class, optional
        The caller's own layer classes.

    Raises
    ------
    ValueError
        The class is unknown, or the config does not fit it.
    """
    if isinstance(config, Mapping) and config.get("class_name") == "Lambda" and in_safe_mode():
        raise ValueError(
            "A Lambda layer runs code of its own, which safe_mode refuses: give the layer a class "
            "and register it with register_keras_serializable(), or pass safe_mode=False, which "
            "finds its function, if that is registered, by name. Code in files is never run."
        )
    name = config.get("class_name") if isinstance(config, Mapping) else config
    if isinstance(name, str) and name in OUT_OF_SCOPE and name not in customs.known(custom_objects):
        raise ValueError(out_of_scope(name))
    layer = serialization.deserialize(
        config, {**table(), **model_classes()}, "layer", custom_objects
    )
    if not isinstance(layer, Layer):
        raise ValueError(f"{config['class_name']} is no layer.")
    return layer


__all__ = ["deserialize", "get", "serialize"]
