"""Weights in files: `.weights.h5`, laid out exactly as Keras 3 does.

    /vars                           attribute name = the model's
    /layers/<key>/vars/0, 1, ...    attribute name = the layer's; one data set per weight
    /layers/<key>/layers/...        the layers of a model within the model
    /optimizer/vars/0, 1, ...       number of updates, learning rate, slots

A key is the snake_case class name, with _1, _2, ... from the second layer of the class on. Layer
names are not used, so that a second model from the same code finds its weights.

A file is read in two steps: everything is checked and read, then everything is assigned. Nothing
larger than the model's own weights is ever read, and no link leads out of the file.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import naming, progress
from ..layers import Layer, Variable

if TYPE_CHECKING:
    from .network import Network

#: Extension of the files.
EXTENSION = ".weights.h5"

#: Elements of a chunk of a compressed data set that are always accepted: it is unpacked whole.
CHUNK_ELEMENTS = 1 << 22

#: Where Keras 2.13 kept the layers.
OLD_LAYERS = "_layer_checkpoint_dependencies"


class Misfit(ValueError):
    """What is in the file does not fit the model."""


def save(model: Network, filepath: Any, overwrite: bool = True) -> None:
    """Write a model's weights; see `Network.save_weights`."""
    where = f"{model.where}: save_weights"
    path = _check_path(where, filepath)
    if not model.built:
        raise ValueError(f"{where}: the model has no weights yet: build it first.")
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"{where}: {path} exists, and overwrite is False.")
    # A file under another name takes the place of the old one when it is complete: whatever
    # happens before, the old one stays whole.
    partial = f"{path}.{os.getpid()}-{os.urandom(4).hex()}.part"
    try:
        _write(model, partial)
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def load(model: Network, filepath: Any, skip_mismatch: bool = False) -> None:
    """Read a model's weights; see `Network.load_weights`."""
    h5py = _h5py()
    where = f"{model.where}: load_weights"
    path = _check_path(where, filepath)
    if not model.built:
        raise ValueError(f"{where}: the model has no weights yet: build it first.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"{where}: there is no file {path}.")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(
            f"{where}: {path} ({os.path.getsize(path)} bytes) is not a valid HDF5 file: {error}"
        ) from error
    with file:
        values = [
            pair
            for name, layer in _entries(model)
            for pair in _read_layer(f"{where}: {path}", file, name, layer, skip_mismatch)
        ]
        state = _read_optimizer(file, model)
    for variable, value in values:
        variable.assign(value)
    if state is not None:
        model.optimizer.set_weights(state)  # type: ignore[attr-defined]


def _check_path(where: str, filepath: Any) -> str:
    path = os.fspath(filepath)
    path = os.fsdecode(path)
    if not path.endswith(EXTENSION):
        raise ValueError(f'{where}: the name of the file must end in "{EXTENSION}", got "{path}".')
    return path


def _entries(model: Network, prefix: str = "") -> Iterator[tuple[str, Layer]]:
    """Yield the path and the layer of each group: a model's own first, then its layers'."""
    from .network import Network

    used: dict[str, int] = {}
    for layer in model.layers:
        key = naming.to_snake_case(type(layer).__name__)
        count = used[key] = used.get(key, -1) + 1
        name = f"{prefix}layers/{key}_{count}" if count else f"{prefix}layers/{key}"
        yield name, layer
        if isinstance(layer, Network):
            yield from _entries(layer, f"{name}/")


def _own_weights(layer: Layer) -> list[Variable]:
    """Return what belongs to a layer itself; a model has nothing but its layers."""
    from .network import Network

    return [] if isinstance(layer, Network) else layer.weights


def _h5py() -> Any:
    """Return h5py, which is slow to load."""
    import h5py  # type: ignore[import-untyped]

    return h5py


# Writing


def _write(model: Network, path: str) -> None:
    with _h5py().File(path, "w") as file:
        _write_group(file, "vars", model.name, [])
        for name, layer in _entries(model):
            arrays = [variable.value for variable in _own_weights(layer)]
            _write_group(file, f"{name}/vars", layer.name, arrays)
        optimizer = getattr(model, "optimizer", None)
        if optimizer is not None:
            _write_group(file, "optimizer/vars", optimizer.name, optimizer.variables)


def _write_group(file: Any, name: str, owner: str, arrays: Sequence[np.ndarray]) -> None:
    group = file.create_group(name)
    group.attrs["name"] = owner
    for i, array in enumerate(arrays):
        group[str(i)] = array


# Reading


def _read_layer(
    where: str, file: Any, name: str, layer: Layer, skip_mismatch: bool
) -> list[tuple[Variable, np.ndarray]]:
    """Return each weight of a layer with its value in the file."""
    try:
        return _read_weights(file, name, layer)
    except Misfit as error:
        if not skip_mismatch:
            raise ValueError(f"{where}: {layer.where}: {error}") from None
        progress.warn(f"{where}: {layer.where}: {error} The layer keeps its weights.")
        return []


def _read_weights(file: Any, name: str, layer: Layer) -> list[tuple[Variable, np.ndarray]]:
    variables = _own_weights(layer)
    if not variables:
        return []
    group = _group(file, f"{name}/vars")
    if group is None:
        group = _group(file, f"{name}/vars".replace("layers", OLD_LAYERS))
    if group is None:
        raise Misfit(f"there is no group /{name}/vars with its weights.")
    if len(group) != len(variables):
        raise Misfit(f"it has {len(variables)} weights, the file has {len(group)}.")
    return [
        (variable, _array(group, str(i), variable.shape, variable.name))
        for i, variable in enumerate(variables)
    ]


def _read_optimizer(file: Any, model: Any) -> list[np.ndarray] | None:
    """Return the optimizer's state, None if there is none that fits."""
    optimizer = getattr(model, "optimizer", None)
    group = _group(file, "optimizer/vars")
    if optimizer is None or group is None or not model.trainable_weights:
        return None
    if not optimizer.built:
        optimizer.build(model.trainable_weights)
        model.trained_variables = model.trainable_weights
    wanted = optimizer.variables
    if len(group) <= 2 < len(wanted):
        return None  # saved before the first step: there is nothing but the learning rate
    try:
        if len(group) != len(wanted):
            raise Misfit(f"it has {len(wanted)} variables, the file has {len(group)}.")
        return [_array(group, str(i), old.shape, str(i)) for i, old in enumerate(wanted)]
    except Misfit as error:
        progress.warn(
            f"{model.where}: load_weights: the state of {optimizer.name} was not loaded: {error}"
        )
        return None


def _group(file: Any, path: str) -> Any:
    """Return the group at a path, None if there is none. No links are followed."""
    h5py = _h5py()
    group = file
    for part in path.split("/"):
        if part not in group:
            return None
        _check_link(group, part)
        group = group[part]
        if not isinstance(group, h5py.Group):
            raise ValueError(f"{file.filename}: {group.name} is not a group.")
    return group


def _array(group: Any, key: str, shape: tuple[int, ...], what: str) -> np.ndarray:
    """Return a data set of a known shape.

    Raises
    ------
    Misfit
        It has another shape, or is not there.
    ValueError
        It is not a plain array of numbers within the file.
    """
    if key not in group:
        raise Misfit(f"{what} is not in the file.")
    _check_link(group, key)
    data = group[key]
    where = f"{group.file.filename}: {group.name}/{key}"
    if not isinstance(data, _h5py().Dataset):
        raise ValueError(f"{where} is not a data set.")
    if data.external or data.is_virtual:
        raise ValueError(f"{where} is kept outside the file, which is not allowed.")
    if data.shape != shape:
        raise Misfit(f"{what} must have shape {shape}, the file has {data.shape}.")
    if data.chunks is not None and math.prod(data.chunks) > max(CHUNK_ELEMENTS, math.prod(shape)):
        raise ValueError(f"{where} has chunks of {data.chunks}, larger than the array: refused.")
    if data.attrs.get("dtype") == "bfloat16":
        # Kept as 16-bit integers: the upper half of a float32.
        upper: np.ndarray = data[()].astype(np.uint32)
        return (upper << 16).view(np.float32)
    if data.dtype.kind not in "fiu":
        raise ValueError(f"{where} must hold numbers, got type {data.dtype}.")
    return np.asarray(data[()])


def _check_link(group: Any, name: str) -> None:
    link = group.get(name, getlink=True)
    if not isinstance(link, _h5py().HardLink):
        raise ValueError(
            f"{group.file.filename}: {group.name}: {name} is a link ({type(link).__name__}), which "
            f"is not allowed."
        )
