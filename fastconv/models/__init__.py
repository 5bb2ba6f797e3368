"""Models: layers that form a whole, and the loops that train it. The top floor.

Sequential   a line of layers
`- Model     files; compile, fit, evaluate, predict (Compiled, Training)
   `- Network   weights, names, summary; a Layer
FrozenModel  what a model computes, with the weights of one moment

training   arguments of fit() ... -> inputs (checks) -> feeds (batches), advice (warnings)
fitting    epochs -> trainer: batches -> plan (layers, gradients), objective, optimizer
loops      batches -> plan -> objective (loss, metrics)
"""

from .. import lazy
from ..layers import registry as _registry
from .config import model_classes as _model_classes

__getattr__, __dir__, __all__ = lazy.names(__name__, __file__)

_registry.model_classes = _model_classes
