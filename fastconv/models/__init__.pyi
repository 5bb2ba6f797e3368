from ..saving import load_model, save_model
from .config import clone_model, model_from_json
from .frozen import FrozenModel
from .model import Model
from .sequential import Sequential

__all__ = [
    "FrozenModel",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
