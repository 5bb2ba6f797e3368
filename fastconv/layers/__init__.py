"""Layers: objects that own weights, each with one computation and its gradient.

    Layer
    |- KernelLayer        Dense, and with ImageLayer: Conv, ConvTranspose, DepthwiseConv ...
    |- ImageLayer         pooling, cropping, padding, upsampling: channels last or first
    |- ActivationLayer    Activation, ReLU, LeakyReLU, ELU, Softmax
    |- Wrapper            TimeDistributed, SpectralNormalization
    |- Merge              Add, Multiply, Maximum ...; Concatenate and Dot take lists too
    `- the others         reshaping, Dropout, BatchNormalization, Rescaling, InputLayer

Names, arguments, configs and weight order are those of Keras 3.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from .. import deprecation, lazy
from ..ops import checks

_load, __dir__, __all__ = lazy.names(__name__, __file__)


def __getattr__(name: str) -> Any:
    """Load a layer on first use; say what is missing on purpose, or misspelt."""
    if name in __all__:
        return _load(name)
    path = os.path.join(__path__[0], name)
    if name[:1] == "_" or os.path.exists(f"{path}.py") or os.path.isdir(path):  # a module
        return _load(name)
    from .registry import OUT_OF_SCOPE, out_of_scope

    if name in OUT_OF_SCOPE:
        message = out_of_scope(name)
    else:
        message = checks.no_attribute(__name__, name, __all__)
    # `from ... import` shows no other message than that of an ImportError.
    importing = sys._getframe(1).f_globals.get("__name__") == "importlib._bootstrap"
    raise (ImportError if importing else AttributeError)(message)


deprecation.add_modules(__name__)
