"""Data in lists and dictionaries, matched with the structure of a model's inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..layers.symbolic import KerasTensor
from ..ops import checks
from .data import as_array

Shape = tuple["int | None", ...]


def output_names(structure: Any) -> list[str]:
    """Return a name for each output: its key in a dictionary, else that of the layer it is from.

    Outputs of the same layer get _1, _2, ... added.
    """
    names: list[str] = []
    for path, tensor in tree.flatten_with_path(structure):
        keys = [*path]
        if not keys or isinstance(keys[-1], int):
            keys = [*keys[:-1], tensor.node.layer.name]
        name = unique = "/".join(str(key) for key in keys if not isinstance(key, int))
        count = 0
        while unique in names:
            count += 1
            unique = f"{name}_{count}"
        names.append(unique)
    return names


def input_names(structure: Any) -> list[str]:
    """Return the name of each input: its key in a dictionary, else that of its `Input`."""
    return [
        path[-1] if path and isinstance(path[-1], str) else tensor.name
        for path, tensor in tree.flatten_with_path(structure)
    ]


def split(
    where: str, what: str, given: Any, structure: Any, names: Sequence[str] | None = None
) -> list[Any]:
    """Return what is given for each symbolic tensor of a structure, as a flat list.

    Parameters
    ----------
    where, what : str
        For messages.
    given
        In the same structure; for a list of tensors, also a dictionary by name.
    structure : KerasTensor, or nested lists, tuples, dictionaries of them
    names : sequence of str, optional
        Of the tensors, in the order of `tree.flatten`; those of inputs by default.

    Raises
    ------
    ValueError
        The structures do not agree.
    """
    names = names or input_names(structure)
    found = _split(given, structure, list(names))
    if found is None:
        raise ValueError(
            f"{where}: {what} must be a list with one entry for each of {list(names)}, or a "
            f"dictionary with these keys, got {describe(given)}."
        )
    return found


def _split(given: Any, structure: Any, names: list[str]) -> list[Any] | None:
    """Return the flat list of `split`, None if the structures do not agree."""
    if isinstance(given, Mapping) and not isinstance(structure, Mapping):
        return [given[name] for name in names] if set(names) <= set(given) else None
    if isinstance(structure, KerasTensor):
        if isinstance(given, (list, tuple)) and len(given) == 1:
            # An array in a list of its own, or a list of one sample.
            rank = len(getattr(given[0], "shape", ()))
            return [given[0]] if rank >= len(structure.shape) else [given]
        return [given]
    if isinstance(structure, Mapping):
        keys = sorted(structure, key=str)
        if isinstance(given, Mapping):
            if not set(keys) <= set(given):
                return None
            parts = [given[key] for key in keys]
        elif isinstance(given, (list, tuple)) and list(structure) == keys:
            parts = list(given)  # a list is in the order of sorted keys
        else:
            return None
        inner = [structure[key] for key in keys]
    else:
        inner = list(structure)
        parts = list(given) if isinstance(given, (list, tuple)) else [given]
    if len(parts) != len(inner):
        return None
    flat: list[Any] = []
    for part, tensors in zip(parts, inner, strict=True):
        count = len(tree.flatten(tensors))
        own, names = names[:count], names[count:]
        leaves = _split(part, tensors, own)
        if leaves is None:
            return None
        flat += leaves
    return flat


def hand_out(
    argument: str,
    given: Any,
    names: Sequence[str],
    *,
    repeat: bool = False,
    lists: bool = False,
    where: str = "compile",
) -> list[Any]:
    """Return what each output gets of an argument, None for nothing.

    Parameters
    ----------
    given : one thing, a list with one for each output, or a dictionary by name
    names : sequence of str
        Names of the outputs.
    repeat : bool
        One thing is for all outputs.
    lists : bool
        What an output gets may be a list itself.

    Raises
    ------
    ValueError
        There are more or fewer than outputs, or a name is unknown.
    """
    count = len(names)
    if given is None:
        return [None] * count
    if isinstance(given, Mapping) and "class_name" not in given:
        unknown = [key for key in given if key not in names]
        if not unknown:
            return [given.get(name) for name in names]
        if any(tree.is_nested(value) for value in given.values()) and not lists:
            given = tree.flatten(given)  # structured as the outputs are
        else:
            raise ValueError(
                f"{where}: {argument} has the key {unknown[0]!r}, but the outputs are called "
                f"{list(names)}.{checks.did_you_mean(unknown[0], names)}"
            )
    if isinstance(given, (list, tuple)):
        if not lists and len(given) != count:
            given = tree.flatten(given)
        if len(given) == count:
            return list(given)
        raise ValueError(
            f"{where}: the model has {count} output{'s' * (count > 1)} ({', '.join(names)}), got "
            f"{len(given)} entries in {argument}."
        )
    if repeat or count == 1:
        return [given] * count
    raise ValueError(
        f"{where}: {argument} must be a list or dictionary with one entry for each of the outputs "
        f"{list(names)}, got {type(given).__name__}."
    )


def describe(given: Any) -> str:
    """Return what something is, without its contents."""
    if isinstance(given, Mapping):
        return f"a dictionary with keys {sorted(map(str, given))}"
    if isinstance(given, (list, tuple)):
        return f"a {type(given).__name__} of {len(given)}"
    shape = getattr(given, "shape", None)
    return f"{type(given).__name__}{'' if shape is None else f' of shape {tuple(shape)}'}"


def batch_shapes(given: Any) -> Any:
    """Return the shapes of arrays in a structure, with None for the batch.

    A list of arrays is taken for several inputs, a list of anything else for one array.
    """
    if isinstance(given, Mapping):
        return {key: batch_shapes(item) for key, item in given.items()}
    if isinstance(given, (list, tuple)) and all(hasattr(item, "shape") for item in given):
        return [batch_shapes(item) for item in given]
    shape = np.shape(given)
    return (None, *shape[1:])


def is_ready(x: Any, structure: Any) -> bool:
    """Return whether `x` is the only input, just as layers take it: nothing to check or cast."""
    return (
        type(x) is np.ndarray
        and x.dtype == np.float32
        and x.flags.c_contiguous
        and isinstance(structure, KerasTensor)
        and fits(x.shape, structure.shape)
    )


def match(where: str, x: Any, structure: Any) -> list[np.ndarray]:
    """Return the arrays that a model is given, flat and of its inputs' ranks.

    A last axis of size 1 is optional.

    Parameters
    ----------
    where : str
        For messages.
    x
        What is given.
    structure : KerasTensor, or nested lists, tuples, dictionaries of them
        The inputs.

    Raises
    ------
    TypeError
        Something is no array of real numbers.
    ValueError
        The structure, or a shape, does not fit the model.
    """
    tensors = tree.flatten(structure)
    arrays = split(where, "x", x, structure)
    names = [f' for "{tensor.name}"' if len(tensors) > 1 else "" for tensor in tensors]
    return [
        match_input(where, name, as_array(where, f"x{name}", array), tensor.shape)
        for name, array, tensor in zip(names, arrays, tensors, strict=True)
    ]


def packed(structure: Any, outputs: list[np.ndarray]) -> Any:
    """Return a flat list of outputs in a structure; one in a list or tuple alone, as in Keras."""
    if isinstance(structure, KerasTensor):
        return outputs[0]
    return tree.unpacked(tree.pack(structure, outputs))


def fits(shape: Sequence[int | None], wanted: Shape) -> bool:
    """Return whether a shape agrees with another behind the batch axis; None fits anything."""
    if len(shape) != len(wanted):
        return False
    sizes, wants = shape[1:], wanted[1:]
    return sizes == wants or all(
        want in (None, size) or size is None for size, want in zip(sizes, wants, strict=True)
    )


def match_input(where: str, name: str, x: np.ndarray, wanted: Shape) -> np.ndarray:
    """Return `x` as a view with the rank of a model's input: a last axis of 1 is optional.

    Raises
    ------
    ValueError
        The shape of `x` does not fit.
    """
    shape: tuple[int, ...] = x.shape
    if len(shape) == len(wanted) - 1 and wanted[-1] == 1:
        x = x[..., None]
    elif len(shape) == len(wanted) + 1 and shape[-1] == 1:
        x = x[..., 0]
    if not fits(x.shape, wanted):
        shown, got = (", ".join(map(str, ["N", *s[1:]])) for s in (wanted, shape))
        raise ValueError(
            f"{where}: the model was built for inputs of shape ({shown}){name}, got ({got})."
            f"{_input_hint(shape, wanted)}"
        )
    return x


def _input_hint(shape: tuple[int, ...], wanted: Shape) -> str:
    if fits((1, *shape), wanted) or fits((1, *shape, 1), wanted):
        return " A single sample? Use x[None]."
    if len(shape) == len(wanted) - 1:
        return " No channel axis? Use x[..., None]."
    if len(shape) == 4 and fits((shape[0], *shape[2:], shape[1]), wanted):
        return " It looks like channels-first data: use x.transpose(0, 2, 3, 1)."
    return ""
