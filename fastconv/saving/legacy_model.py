"""Whole models in the older HDF5 format, as Keras 2 and 3 write them to `.h5`.

attribute model_config       JSON: class, arguments
attribute training_config    JSON: arguments of compile(), optimizer_config
/model_weights               see legacy_weights.py
/optimizer_weights           attribute weight_names, data sets
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import losses, metrics
from ..layers.budget import WeightBudget
from ..naming import to_snake_case
from . import hdf5, legacy_config, legacy_weights, limits, state
from .archive import KERAS_VERSION
from .hdf5 import Misfit
from .portable import portable
from .weights import build_optimizer, warn_of_optimizer

if TYPE_CHECKING:
    from ..models.model import Model

OPTIMIZER = "optimizer_weights"


def write(path: str, model: Model, include_optimizer: bool = True) -> None:
    """Write a model to a file."""
    from ..models import config

    description = portable(config.to_config(model, compiled=include_optimizer))
    arguments = description.pop("compile_config", None)
    with hdf5.h5py().File(path, "w") as file:
        file.attrs["keras_version"] = KERAS_VERSION
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(
            {key: description[key] for key in ("class_name", "config")}
        )
        if arguments:
            optimizer = arguments.pop("optimizer")
            arguments["optimizer_config"] = {
                key: optimizer[key] for key in ("class_name", "config")
            }
            for key, family in (
                ("loss", losses),
                ("metrics", metrics),
                ("weighted_metrics", metrics),
            ):
                arguments[key] = _full_names(arguments.get(key), family)
            file.attrs["training_config"] = json.dumps(arguments)
        group = file.create_group("model_weights")
        group.attrs["keras_version"] = KERAS_VERSION
        group.attrs["backend"] = "tensorflow"
        legacy_weights.write(group, model)
        if arguments and model.optimizer is not None:
            _write_optimizer(file.create_group(OPTIMIZER), model.optimizer)
        state.write(file, model)


def _full_names(value: Any, family: Any) -> Any:
    """Return the names of losses or metrics without "mse" and its like.

    Keras cannot read these words in files of this format.
    """
    if isinstance(value, str) and value not in ("accuracy", "acc", "crossentropy", "ce"):
        return to_snake_case(type(family.get(value)).__name__)
    if isinstance(value, list):
        return [_full_names(item, family) for item in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _full_names(item, family) for key, item in value.items()}
    return value


def _write_optimizer(group: Any, optimizer: Any) -> None:
    names = [f"{optimizer.name}/{i}" for i in range(len(optimizer.variables))]
    legacy_weights.write_texts(group, "weight_names", names)
    for name, array in zip(names, optimizer.variables, strict=True):
        group[name] = array


def read(
    where: str,
    source: Any,
    name: str,
    size: int,
    custom_objects: Mapping[str, Any] | None,
    compile: bool,
    safe_mode: bool,
) -> Model:
    """Read a model from a path or an open file of `size` bytes."""
    from ..models import config

    what = f"{where}: {name}"
    with hdf5.opened(where, source, name) as file:
        description = _json(what, file, "model_config")
        if description is None:
            raise ValueError(
                f"{what} holds no model, only weights: build the model and use load_weights()."
            )
        arguments = _json(what, file, "training_config") if compile else None
        description = legacy_config.model(what, description)
        if arguments is not None:
            description["compile_config"] = legacy_config.compile_arguments(what, arguments)
        with WeightBudget(limits.allowance(size), what):
            model = config.from_config(what, description, custom_objects, compile, safe_mode)
        if model.weights:
            legacy_weights.read(what, file, model)
        rest = state.read(file)
        if model.compiled:
            _read_optimizer(file, model)
    state.set_counters(model, rest)
    return model


def _json(where: str, file: Any, name: str) -> Any:
    text = hdf5.text(file, name, limits.JSON_BYTES)
    return None if text is None else limits.parse_json(f"{where}: {name}", text)


def _read_optimizer(file: Any, model: Any) -> None:
    group = hdf5.group(file, OPTIMIZER)
    if group is None or not model.trainable_weights:
        return
    names = hdf5.texts(group, "weight_names", legacy_weights.NAMES_BYTES) or []
    build_optimizer(model)
    wanted = model.optimizer.variables
    if len(names) <= 2 < len(wanted):
        return  # saved before the first step
    try:
        # Keras 2 keeps the learning rate with the arguments only.
        rate = [wanted[1]] if len(names) == len(wanted) - 1 else []
        if rate:
            slots = _in_order(names[1:], len(model.trainable_weights))
            names, wanted = [names[0], *slots], [wanted[0], *wanted[2:]]
        values: list[np.ndarray] = legacy_weights.read_arrays(group, names, wanted)
        model.optimizer.set_weights([values[0], *rate, *values[1:]])
    except Misfit as error:
        warn_of_optimizer(model, error)


def _in_order(names: list[str], count: int) -> list[str]:
    """Return the names of slots, those of a variable side by side.

    The first optimizers of Keras 2 have all slots of one kind, .../m:0, before those of the next.
    """
    kinds = [name.rpartition("/")[2] for name in names]
    if len(names) == 2 * count and len(set(kinds[:count])) == 1 and count > 1:
        return [name for pair in zip(names[:count], names[count:], strict=True) for name in pair]
    return names
