"""Measuring algorithms instead of predicting their costs: what the plan does when it is told to.

Every algorithm that may run a problem runs on arrays of its sizes, in turns; the one that took the
least time is the choice, for as long as the process lives and for any number of threads. The choice
between ways to y or dx holds for any batch size too: it is made with the batch that comes first.
Forward, the kernel's packed copy is made beforehand, as layers keep it; a gradient packs its own.

Which is faster may change from run to run where two are close, and with it the last bits of
results. A table that was saved and loaded again makes the same choices.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._version import __version__
from ...files import as_path, check_readable, replacing
from ...kernels import isa
from .. import checks, machine
from ..memory import allocate
from ..precision import PRECISIONS, changes
from .algorithm import ConvAlgorithm
from .problem import DIRECTIONS, ConvProblem

#: Turns of each algorithm after those that warm up.
TURNS = 5
#: A turn repeats short runs until they take about as long.
TURN_SECONDS = 5e-4
#: What has taken so many times the best's time has no more turns.
HOPELESS = 3.0
#: Images whose x and y take more than this together are measured in a smaller batch.
MOST_BYTES = 256 * 2**20

FORMAT = "fastconv autotune 1"
#: What the fields of a problem look like.
_PATTERN = ConvProblem(0, 0, 0, 0, 0, 0, 0, (0, 0), ((0, 0), (0, 0)), (0, 0), 0, 0, 0, "")


class Key(NamedTuple):
    """What a choice is between, and for."""

    isa: str
    direction: str
    problem: ConvProblem
    algorithms: tuple[str, ...]


class Timing(NamedTuple):
    """What was measured: with how many images, on how many threads, the seconds of each."""

    images: int
    threads: int
    seconds: dict[str, float]

    @property
    def best(self) -> str:
        """Name of the fastest algorithm."""
        return min(self.seconds, key=lambda name: self.seconds[name])


_table: dict[Key, Timing] = {}
_enabled = False
_loads = 0
_clock = time.perf_counter


def autotune() -> bool:
    """Return whether convolutions measure their algorithms."""
    return _enabled


def set_autotune(enabled: bool) -> None:
    """Choose whether convolutions measure their algorithms instead of predicting their costs.

    A problem that has not been seen before then takes many times as long, once. Results keep
    the precision that is asked for, and in one process are the same for any number of threads and
    any batch size; but another run may choose otherwise, and give other last bits, unless it loads
    the choices of this one: see `save_autotune`. It is off at the start.

    Raises
    ------
    TypeError
        `enabled` is not a bool.
    """
    global _enabled
    if not isinstance(enabled, bool):
        raise TypeError(f"set_autotune: enabled must be a bool, got {type(enabled).__name__}.")
    _enabled = enabled
    changes.note()


def state() -> int:
    """Return a number that changes with the choices of problems that were seen: 0 when off."""
    return 1 + _loads if _enabled else 0


def timing(p: ConvProblem, direction: str, images: int, able: Sequence[ConvAlgorithm]) -> Timing:
    """Return what was measured for `p`, after measuring it with `images` images if need be."""
    key = Key(isa.active(), direction, p, tuple(algorithm.name for algorithm in able))
    found = _table.get(key)
    if found is None:
        # Of two threads that measure the same, the first to be done decides for both.
        found = _table.setdefault(key, _measure(p, direction, images, able))
    return found


def _measure(p: ConvProblem, direction: str, images: int, able: Sequence[ConvAlgorithm]) -> Timing:
    floats = math.prod(p.x_shape[1:]) + math.prod(p.y_shape[1:])
    p = p._replace(N=max(min(images, MOST_BYTES // (4 * floats)), 1))
    arrays = [np.ones(shape, np.float32) for shape in (p.x_shape, p.kernel_shape, p.y_shape)]
    runs = {algorithm.name: _bound(algorithm, p, direction, *arrays) for algorithm in able}
    for run in runs.values():
        run()  # builds drivers, touches memory
    seconds = {name: min(_seconds(run, 1), _seconds(run, 1)) for name, run in runs.items()}
    for _ in range(TURNS):
        for name, run in runs.items():
            if len(runs) > 1 and seconds[name] <= HOPELESS * min(seconds.values()):
                repeats = int(TURN_SECONDS / max(seconds[name], 1e-7)) + 1
                seconds[name] = min(seconds[name], _seconds(run, repeats))
    return Timing(p.N, machine.get_num_threads(), seconds)


def _bound(
    algorithm: ConvAlgorithm,
    p: ConvProblem,
    direction: str,
    x: np.ndarray,
    kernel: np.ndarray,
    y: np.ndarray,
) -> Callable[[], None]:
    """Return what runs one direction on arrays of the sizes of x, kernel and y."""
    if direction == "backward_filter":
        return lambda: algorithm.backward_filter(p, x, y, kernel)
    if direction == "backward_input":
        run = algorithm.bind_backward_input(p, y, kernel, x)
        return lambda: run(None)
    copy = None
    if size := algorithm.packed_floats(p, direction):
        copy = allocate(4 * size).view(np.float32)
        algorithm.pack(p, direction, kernel, copy)
    run = algorithm.bind_forward(p, x, kernel, None, 0, y)
    return lambda: run(copy)


def _seconds(run: Callable[[], None], repeats: int) -> float:
    start = _clock()
    for _ in range(repeats):
        run()
    return (_clock() - start) / repeats


# Tables in files


def save_autotune(filepath: Any) -> None:
    """Write all choices of this process, measured or loaded, to a file for `load_autotune`.

    Parameters
    ----------
    filepath : path that ends in ".json"
        Replaced whole, or not at all if writing fails.
    """
    import json  # with the first file

    where = "save_autotune"
    path = as_path(where, filepath, (".json",))
    document = {
        "format": FORMAT,
        "version": __version__,
        "cpu": machine.cpu_name(),
        "entries": [
            {
                "isa": key.isa,
                "direction": key.direction,
                "problem": key.problem._asdict(),
                "images": timing.images,
                "threads": timing.threads,
                "seconds": timing.seconds,
            }
            for key, timing in _table.copy().items()
        ],
    }
    with replacing(where, path) as new, open(new, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=1, allow_nan=False)


def load_autotune(filepath: Any) -> int:
    """Let the choices of a file hold in this process, in place of those measured before.

    They count while autotune is on; problems that the file does not know are measured as ever.

    Parameters
    ----------
    filepath : path that ends in ".json"
        What `save_autotune` wrote.

    Returns
    -------
    used : int
        How many choices can be used: those made on the same CPU model, by the same version of
        fastconv, and with the instruction set that is active. 0 means that none fits.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file holds something else, or is damaged; nothing is changed.
    """
    import json

    global _loads
    where = "load_autotune"
    path = as_path(where, filepath, (".json",))
    check_readable(where, path)
    try:
        with open(path, encoding="utf-8") as file:
            document = json.load(file)
        entries = _entries(document)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{where}: {path} is no table of choices: {error}") from None
    if document["version"] != __version__ or document["cpu"] != machine.cpu_name():
        return 0
    _table.update(entries)
    _loads += 1
    changes.note()
    return sum(key.isa == isa.active() for key in entries)


def _entries(document: Any) -> dict[Key, Timing]:
    """Return the checked entries of a file."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'its "format" is not "{FORMAT}".')
    head = {"format": "", "version": "", "cpu": "", "entries": []}
    _check_like("the file", document, head)
    return dict(_entry(f"entry {i}", entry) for i, entry in enumerate(document["entries"]))


def _entry(name: str, entry: Any) -> tuple[Key, Timing]:
    sizes = _PATTERN._asdict()
    numbers = {"images": 0, "threads": 0, "seconds": {}}
    _check_like(name, entry, {"isa": "", "direction": "", "problem": sizes, **numbers})
    checks.one_of(name, "direction", entry["direction"], DIRECTIONS)
    problem = ConvProblem(**{key: _frozen(value) for key, value in entry["problem"].items()})
    checks.one_of(name, "precision", problem.precision, PRECISIONS)
    seconds = entry["seconds"]
    _check_like(f"{name}: seconds", seconds, dict.fromkeys(seconds, 0.0))
    if not seconds or not all(0 <= taken < math.inf for taken in seconds.values()):
        raise ValueError(f"{name}: seconds must be finite and not negative.")
    key = Key(entry["isa"], entry["direction"], problem, tuple(seconds))
    return key, Timing(entry["images"], entry["threads"], seconds)


def _check_like(name: str, value: Any, pattern: Any) -> None:
    """Check that a value of a JSON file has the types, keys and lengths of a pattern.

    An empty list or dict of the pattern stands for any.
    """
    wanted = list if isinstance(pattern, tuple) else type(pattern)
    if type(value) is not wanted:
        raise ValueError(f"{name} must be a {wanted.__name__}, got {type(value).__name__}.")
    if not pattern or not isinstance(pattern, (list, tuple, dict)):
        return
    if isinstance(pattern, dict):
        if set(value) != set(pattern):
            raise ValueError(f"{name} must have the keys {', '.join(pattern)}.")
    elif len(value) != len(pattern):
        raise ValueError(f"{name} must have {len(pattern)} items, got {len(value)}.")
    for key in pattern if isinstance(pattern, dict) else range(len(pattern)):
        _check_like(f"{name}: {key}", value[key], pattern[key])


def _frozen(value: Any) -> Any:
    """Return a value with tuples for lists."""
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
