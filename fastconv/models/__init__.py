"""Models: layers that form a whole, and the loops that train it. The top floor.

Sequential   a line of layers
`- Model     compile, fit, evaluate, predict
   `- Network   weights, names, files, summary; a Layer
FrozenModel  what a model computes, with the weights of one moment

training   arguments of fit() ... -> inputs (checks), data (batches), advice (warnings)
loops      batches -> plan (layers, gradients) -> objective (loss, metrics), optimizer
"""

from __future__ import annotations

from ..layers.registry import MODELS as _MODELS
from ..saving import load_model, save_model
from .config import clone_model, model_classes, model_from_json
from .frozen import FrozenModel
from .sequential import Sequential
from .training import Model

__all__ = [
    "FrozenModel",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]

_MODELS.update(model_classes())
