"""Models in files, both ways: `.keras`, `.weights.h5` and the older `.h5`, as Keras has them.

    models.py           save_model, load_model: which format, from config to model
      archive.py          .keras: a ZIP of config.json and model.weights.h5
      legacy_model.py     .h5: a whole model in one HDF5 file
      legacy_config.py    configurations of Keras 2
    objects.py          any object to its config and back
    weights.py          .weights.h5 and the weights within .keras
      tree.py             names of groups: layers within layers
      legacy_weights.py   weights within .h5, by order or by name
    state.py            what training needs to go on bit for bit
    hdf5.py limits.py   nothing is read before it is checked
    paths.py            files are replaced whole or not at all

Loading a file cannot run code: classes come from closed tables and from what the user registered,
nothing is imported by name, nothing is unpickled, Python code in a file is never looked at.
"""

from __future__ import annotations

from ..custom_objects import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from .models import load_model, save_model
from .objects import deserialize_keras_object, serialize_keras_object
from .state import load_training_state, save_training_state
from .weights import load_weights, save_weights

__all__ = [
    "CustomObjectScope",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_training_state",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_training_state",
    "save_weights",
    "serialize_keras_object",
]
