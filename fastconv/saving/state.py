"""What training needs to go on exactly where it was, and Keras does not keep.

    /fastconv            attribute "state": JSON text
        counters         {"layers/dropout/seed_generator": [seed, number of seeds taken], ...}
        random           numbers of the states of Python's random and numpy.random
        position         what the one who saved wants to know again: epoch, batch ...
    /fastconv/python, /fastconv/numpy    uint32, the words of these states

Keras looks up groups by their path and never sees this one. Loading a model sets its own counters
only; the state of the process's random numbers is set by `load_training_state` alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import random
from ..files import as_path, check_readable, replacing
from . import hdf5, limits
from .tree import seed_generators

if TYPE_CHECKING:
    from ..models.network import Network

GROUP = "fastconv"
VERSION = 1
_WORDS = {"python": (625,), "numpy": (624,)}


def write(
    file: Any,
    model: Network,
    position: Mapping[str, Any] | None = None,
    random_state: Mapping[str, Any] | None = None,
) -> None:
    """Write the state to an open HDF5 file."""
    import json

    numbers = dict(random.global_state() if random_state is None else random_state)
    group = file.create_group(GROUP)
    for name in _WORDS:
        group[name] = np.asarray(numbers.pop(name), np.uint32)
    counters = {path: list(g.state) for path, g in seed_generators(model).items()}
    group.attrs["state"] = json.dumps(
        {
            "version": VERSION,
            "counters": counters,
            "random": numbers,
            "position": dict(position or {}),
        }
    )


def read(file: Any) -> dict[str, Any]:
    """Return the state in an open HDF5 file, {} if there is none.

    Raises
    ------
    ValueError
        It is damaged.
    """
    group = hdf5.group(file, GROUP)
    text = None if group is None else hdf5.text(group, "state", limits.JSON_BYTES)
    if text is None:
        return {}
    where = f"{hdf5.where_of(group)}: state"
    state = limits.parse_json(where, text)
    if not isinstance(state, dict) or state.get("version") != VERSION:
        return {}  # of another version of fastconv
    for key in ("counters", "random", "position"):
        if not isinstance(state.get(key), dict):
            raise ValueError(f"{where}: {key} must be a dictionary.")
    for path, pair in state["counters"].items():
        if not (
            isinstance(pair, list)
            and len(pair) == 2
            and all(isinstance(n, int) and 0 <= n < 1 << 64 for n in pair)
        ):
            raise ValueError(f"{where}: the counter of {path} must be two integers.")
    for name, shape in _WORDS.items():
        state["random"][name] = hdf5.array(group, name, shape, f"the state of {name}")
    return state


def set_counters(model: Network, state: Mapping[str, Any]) -> None:
    """Let the layers' random numbers go on where they were; other layers' counters do not matter.

    A layer with a seed of its own, which the file does not have, keeps it.
    """
    counters = state.get("counters", {})
    for path, generator in seed_generators(model).items():
        if path in counters:
            seed, count = counters[path]
            generator.state = (seed, count)


def save_training_state(
    model: Network,
    filepath: Any,
    position: Mapping[str, Any] | None = None,
    random_state: Mapping[str, Any] | None = None,
) -> None:
    """Write all that training needs to go on bit for bit, in a `.weights.h5` file.

    Keras reads it too. It holds weights, the optimizer's state, the counters of the layers' random
    numbers, and the states of Python's `random` and `numpy.random`, which `fit` shuffles with.

    Parameters
    ----------
    model : Model
    filepath : str or path
        Must end in .weights.h5. It takes the old file's place when it is complete.
    position : dict that JSON can hold, optional
        Epoch, batch ...: given back by `load_training_state`.
    random_state : what `fastconv.random.global_state()` returned, optional
        The state now by default. To go on within an epoch, give that of the epoch's begin.

    Raises
    ------
    ValueError
        The model is not built, or the name ends otherwise.
    """
    from . import weights

    where = f"{model.where}: save_training_state"
    path = as_path(where, filepath, (weights.EXTENSION,))
    weights.check_built(where, model)
    with replacing(where, path) as new, hdf5.h5py().File(new, "w") as file:
        weights.write(file, model)
        write(file, model, position, random_state)


def load_training_state(model: Network, filepath: Any) -> dict[str, Any]:
    """Put back all that `save_training_state` wrote, and return its `position`.

    Parameters
    ----------
    model : Model
        Built and compiled like the one that was saved.
    filepath : str or path
        Files of `Model.save` and `Model.save_weights` hold the same, with position {}.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is damaged, does not fit the model, or was not written by fastconv.
    """
    from . import archive, weights

    where = f"{model.where}: load_training_state"
    path = as_path(where, filepath, (weights.EXTENSION, ".keras"))
    weights.check_built(where, model)
    check_readable(where, path)
    if path.endswith(".keras"):
        with archive.opened(where, path) as members, members.weights() as file:
            return _take_over(f"{where}: {path}", file, model)
    with hdf5.opened(where, path, path) as file:
        return _take_over(f"{where}: {path}", file, model)


def _take_over(where: str, file: Any, model: Network) -> dict[str, Any]:
    from . import weights

    state = read(file)
    if not state:
        raise ValueError(f"{where} has no state of training: it was not written by fastconv.")
    weights.read(where, file, model)
    random.set_global_state(state["random"])
    position: dict[str, Any] = state["position"]
    return position
