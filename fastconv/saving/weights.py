"""Weights in files: `.weights.h5`, laid out exactly as Keras 3 does.

    /vars                           attribute name = the model's
    /layers/<key>/vars/0, 1, ...    attribute name = the layer's; one data set per weight
    /layers/<key>/layers/...        the layers of a model within the model
    /optimizer/vars/0, 1, ...       number of updates, learning rate, slots
    /fastconv                       what Keras does not keep, see state.py

Layer names are not used, so that a second model from the same code finds its weights; see tree.py.

A file is read in two steps: everything is checked and read, then everything is assigned. Nothing
larger than the model's own weights is ever read, and no link leads out of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import progress
from ..files import as_path, check_readable, replacing
from ..layers import Layer, Variable
from . import hdf5, legacy_weights, state
from .hdf5 import Misfit
from .paths import endings_of
from .tree import entries

if TYPE_CHECKING:
    from ..models.network import Network

EXTENSION = ".weights.h5"

#: Where Keras 2.13 kept the layers.
OLD_LAYERS = "_layer_checkpoint_dependencies"


def save_weights(
    model: Network,
    filepath: Any,
    overwrite: bool = True,
    position: Any = None,
    save_format: Any = None,
) -> None:
    """Write a model's weights; see `Model.save_weights`."""
    where = f"{model.where}: save_weights"
    path = as_path(where, filepath, endings_of(where, save_format, (EXTENSION,)))
    check_built(where, model)
    with replacing(where, path, overwrite) as new, hdf5.h5py().File(new, "w") as file:
        write(file, model)
        state.write(file, model, position)


def load_weights(
    model: Network, filepath: Any, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Read a model's weights; see `Model.load_weights`."""
    where = f"{model.where}: load_weights"
    path = as_path(where, filepath, (".h5", ".hdf5", ".keras"))
    check_built(where, model)
    check_readable(where, path)
    if path.endswith(".keras"):
        from . import archive

        with archive.opened(where, path) as members, members.weights() as file:
            read(f"{where}: {path}", file, model, skip_mismatch)
        return
    with hdf5.opened(where, path, path) as file:
        if legacy_weights.is_legacy(file):
            legacy_weights.read(f"{where}: {path}", file, model, skip_mismatch, by_name)
        elif by_name:
            raise ValueError(
                f"{where}: by_name works with files in the older format of Keras 2 only, {path} "
                f"does not name its layers."
            )
        else:
            read(f"{where}: {path}", file, model, skip_mismatch)


def check_built(where: str, model: Network) -> None:
    """Raise ValueError if the model has no weights yet."""
    if not model.built:
        raise ValueError(f"{where}: the model has no weights yet: build it first.")


# Writing


def write(file: Any, model: Network, include_optimizer: bool = True) -> None:
    """Write the weights and the optimizer's state to an open HDF5 file."""
    for path, layer in entries(model):
        arrays = [variable.value for variable in layer.own_weights]
        _write_group(file, f"{path}/vars" if path else "vars", layer.name, arrays)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and include_optimizer:
        _write_group(file, "optimizer/vars", optimizer.name, optimizer.variables)


def _write_group(file: Any, name: str, owner: str, arrays: Sequence[np.ndarray]) -> None:
    group = file.create_group(name)
    group.attrs["name"] = owner
    for i, array in enumerate(arrays):
        group[str(i)] = array


# Reading


def read(where: str, file: Any, model: Network, skip_mismatch: bool = False) -> None:
    """Read weights and the optimizer's state from an open HDF5 file; all or none.

    Raises
    ------
    ValueError
        A weight is missing or has another shape, unless `skip_mismatch`; or the file is damaged.
    """
    values = [
        pair
        for path, layer in entries(model)
        for pair in hdf5.read_or_keep(
            f"{where}: {layer.where}", skip_mismatch, partial(_read_weights, file, path, layer)
        )
    ]
    optimizer_state = _read_optimizer(file, model)
    rest = state.read(file)
    for variable, value in values:
        variable.assign(value)
    if optimizer_state is not None:
        model.optimizer.set_weights(optimizer_state)  # type: ignore[attr-defined]
    state.set_counters(model, rest)


def _read_weights(file: Any, path: str, layer: Layer) -> list[tuple[Variable, np.ndarray]]:
    """Return each weight of a layer with its value in the file."""
    path = f"{path}/vars" if path else "vars"
    variables = layer.own_weights
    if not variables:
        return []
    group = hdf5.group(file, path)
    if group is None:
        group = hdf5.group(file, path.replace("layers", OLD_LAYERS))
    if group is None:
        raise Misfit(f"there is no group /{path} with its weights.")
    if len(group) != len(variables):
        raise Misfit(f"it has {len(variables)} weights, the file has {len(group)}.")
    return [
        (variable, hdf5.array(group, str(i), variable.shape, variable.name))
        for i, variable in enumerate(variables)
    ]


def _read_optimizer(file: Any, model: Any) -> list[np.ndarray] | None:
    """Return the optimizer's state, None if there is none that fits."""
    optimizer = getattr(model, "optimizer", None)
    group = hdf5.group(file, "optimizer/vars")
    if optimizer is None or group is None or not model.trainable_weights:
        return None
    build_optimizer(model)
    wanted = optimizer.variables
    if len(group) <= 2 < len(wanted):
        return None  # saved before the first step: there is nothing but the learning rate
    # Keras 2 keeps the learning rate with the arguments only.
    rate = [wanted[1]] if len(group) == len(wanted) - 1 else []
    stored = [wanted[0], *wanted[2:]] if rate else wanted
    try:
        if len(group) != len(stored):
            raise Misfit(f"it has {len(wanted)} variables, the file has {len(group)}.")
        values = [hdf5.array(group, str(i), old.shape, str(i)) for i, old in enumerate(stored)]
        return [values[0], *rate, *values[1:]]
    except Misfit as error:
        warn_of_optimizer(model, error)
        return None


def build_optimizer(model: Any) -> None:
    """Give the optimizer the variables that training will give it."""
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_weights)
        model.trained_variables = model.trainable_weights


def warn_of_optimizer(model: Any, error: Exception) -> None:
    """Say that the state of the optimizer in a file is of no use."""
    progress.warn(
        f"{model.where}: load_weights: the state of {model.optimizer.name} was not loaded: {error}"
    )
