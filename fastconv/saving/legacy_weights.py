"""Weights in the older HDF5 format: weights `.h5` files of Keras 2, whole-model `.h5` of 2 and 3.

    /                   attribute layer_names   (or /model_weights, in files of whole models)
    /<layer>            attribute weight_names = ["conv2d/kernel:0", ...]: data sets below the group
    /top_level_model_weights
    /optimizer_weights  attribute weight_names

Layers that have weights are matched by their order, or `by_name`. The weights of a layer are those
that training changes, then the others; a model within the model counts as one layer.

F. Chollet et al., Keras, keras/src/legacy/saving/legacy_h5_format.py describes the same format.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from ..layers import Layer, Variable
from . import hdf5
from .hdf5 import Misfit

if TYPE_CHECKING:
    from ..models.network import Network

#: Bytes that a list of names in one attribute may have; HDF5 itself keeps less than 64 KB there.
NAMES_BYTES = 4 << 20
#: Longer lists are cut, as Keras does.
ATTRIBUTE_BYTES = 64512
TOP_LEVEL = "top_level_model_weights"

Pairs = list[tuple[Variable, np.ndarray]]


def is_legacy(file: Any) -> bool:
    """Return whether an open HDF5 file has this format."""
    return _root(file) is not None


def weights_of(layer: Layer) -> list[Variable]:
    """Return the weights of a layer in the order of this format."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def read(
    where: str, file: Any, model: Network, skip_mismatch: bool = False, by_name: bool = False
) -> None:
    """Read the weights from an open HDF5 file; all or none.

    Raises
    ------
    ValueError
        A weight is missing or has another shape, unless `skip_mismatch`; or the file is damaged.
    """
    root = _root(file)
    if root is None:
        raise ValueError(f"{where} does not list its layers: there are no weights.")
    names = hdf5.texts(root, "layer_names", NAMES_BYTES) or []
    groups = []
    for name in names:
        group = hdf5.group(root, name)
        if group is None:
            raise ValueError(f"{where}: there is no group of the layer {name}.")
        groups.append((name, group, hdf5.texts(group, "weight_names", NAMES_BYTES) or []))
    values: Pairs = []
    for layer, name, group, weight_names in _matched(where, model, groups, by_name):
        place = f'{where}: {layer.where}, "{name}" in the file'
        reading = partial(_read_layer, group, weight_names, weights_of(layer))
        values += hdf5.read_or_keep(place, skip_mismatch, reading)
    for variable, value in values:
        variable.assign(value)


def write(group: Any, model: Network) -> None:
    """Write the weights to an HDF5 group, as Keras does."""
    layers = model.layers
    write_texts(group, "layer_names", [layer.name for layer in layers])
    for layer in layers:
        _write_layer(group.create_group(layer.name), model.name, weights_of(layer))
    own = {id(v) for layer in layers for v in layer.weights}
    top = [v for v in model.weights if id(v) not in own]
    _write_layer(group.create_group(TOP_LEVEL), model.name, top)


def write_texts(group: Any, name: str, texts: Sequence[str]) -> None:
    """Write a list of texts as an attribute, cut into several if it is too long for one."""
    array = np.array([text.encode("utf-8") for text in texts])
    if not len(array):
        array = np.empty(0)
    count = -(-array.nbytes // ATTRIBUTE_BYTES)
    if count <= 1:
        group.attrs[name] = array
        return
    size = ATTRIBUTE_BYTES // array.itemsize
    for i, start in enumerate(range(0, len(array), size)):
        group.attrs[f"{name}{i}"] = array[start : start + size]


def read_arrays(group: Any, names: Iterable[str], like: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return data sets in the order of their names, shaped like some arrays.

    Raises
    ------
    Misfit
        Their number or a shape differs.
    """
    names = list(names)
    if len(names) != len(like):
        raise Misfit(f"it has {len(like)} weights, the file has {len(names)}.")
    return [
        hdf5.array(*_place(group, name), old.shape, name)
        for name, old in zip(names, like, strict=True)
    ]


def _root(file: Any) -> Any:
    for group in (file, hdf5.group(file, "model_weights")):
        if group is not None and ("layer_names" in group.attrs or "layer_names0" in group.attrs):
            return group
    return None


def _matched(
    where: str, model: Network, groups: list[tuple[str, Any, list[str]]], by_name: bool
) -> list[tuple[Layer, str, Any, list[str]]]:
    """Return layers with their groups."""
    if by_name:
        layers = {layer.name: layer for layer in model.layers}
        found = [(layers[name], name, *rest) for name, *rest in groups if name in layers]
        if not found:
            raise ValueError(
                f"{where}: no layer has the name of one in the file: "
                f"{', '.join(name for name, *_ in groups[:5])} ..."
            )
        return found
    with_weights = [layer for layer in model.layers if weights_of(layer)]
    groups = [group for group in groups if group[2]]
    if len(with_weights) != len(groups):
        raise ValueError(
            f"{where}: the model has {len(with_weights)} layers with weights, the file has "
            f"{len(groups)}. With by_name=True those of the same name are loaded."
        )
    return [(layer, *group) for layer, group in zip(with_weights, groups, strict=True)]


def _read_layer(group: Any, names: list[str], variables: list[Variable]) -> Pairs:
    values = read_arrays(group, names, [v.value for v in variables])
    return list(zip(variables, values, strict=True))


def _place(group: Any, path: str) -> tuple[Any, str]:
    """Return the group and the last part of the name of a data set below a group."""
    *folders, name = path.split("/")
    parent = hdf5.group(group, "/".join(folders))
    if parent is None:
        raise Misfit(f"{path} is not in the file.")
    return parent, name


def _write_layer(group: Any, model_name: str, variables: list[Variable]) -> None:
    names = _unique([f"{model_name}/{variable.path}" for variable in variables])
    write_texts(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        group[name] = variable.value


def _unique(names: list[str]) -> list[str]:
    """Return the names with _1, _2, ... behind those that are taken."""
    taken: dict[str, int] = {}
    result = []
    for name in names:
        count = taken[name] = taken.get(name, -1) + 1
        result.append(f"{name}_{count}" if count else name)
    return result
