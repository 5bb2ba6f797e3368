"""Spellings of older versions of Keras: all stand here, with what is written today.

Those that mean the same as today are understood, and each is told once per process. Arguments of
Keras 1 are refused, as a layer's other arguments would mean something else today.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from . import progress
from .ops import checks

#: Spelling: what to do about it.
SPELLINGS = {
    # constructors
    "lr": "use learning_rate",
    "decay": "and ignored, as in Keras 3; use learning_rate=schedules.InverseTimeDecay(rate, 1, "
    "decay)",
    "alpha": "it is called negative_slope now",
    "input_length": "it is not needed, leave it out",
    "batch_input_shape": "begin the model with Input(batch_shape=...)",
    "weights": "call set_weights() when the layer is built",
    "period": "use save_freq, which counts batches",
    # attributes and methods
    "input_shape": "use layer.input.shape",
    "output_shape": "use layer.output.shape",
    "fit_generator": "use fit()",
    "evaluate_generator": "use evaluate()",
    "predict_generator": "use predict()",
    "predict_proba": "use predict()",
    "predict_classes": "use predict(x).argmax(axis=-1), or predict(x) > 0.5 for a single unit",
    # arguments of methods
    "nb_epoch": "use epochs",
    "workers": "and ignored here; pass it to the PyDataset",
    "use_multiprocessing": "and ignored here; pass it to the PyDataset",
    "max_queue_size": "and ignored here; pass it to the PyDataset",
    "save_format": "the ending of the file's name decides",
    # names of metrics
    "acc": 'the name of metrics=["accuracy"] is "accuracy"',
    "val_acc": 'the name of metrics=["accuracy"] is "val_accuracy"',
}

#: Methods of layers that counted calls, which Keras 3 does not have.
GONE = ("get_input_at", "get_output_at", "get_input_shape_at", "get_output_shape_at")
KEEP_TENSORS = "a layer may be called several times; keep what each call returns"

#: Arguments that layers had in Keras 1, and their names since.
KERAS_1 = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "atrous_rate": "dilation_rate",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "init": "kernel_initializer",
    "nb_col": "kernel_size",
    "nb_filter": "filters",
    "nb_row": "kernel_size",
    "subsample": "strides",
}

#: Modules that the names of a package were spread over.
MODULES = {
    "fastconv.layers": (
        "advanced_activations",
        "convolutional",
        "core",
        "embeddings",
        "experimental",
        "experimental.preprocessing",
        "merge",
        "noise",
        "normalization",
    ),
    "fastconv.utils": ("data_utils", "generic_utils", "np_utils", "vis_utils"),
}

_METRICS = {"acc": "accuracy", "val_acc": "val_accuracy"}
_told: set[str] = set()


def warn(
    where: str, spelling: str, advice: str = "", category: type[Warning] = DeprecationWarning
) -> None:
    """Warn, once per process, that `spelling` is one of the past; files may hold it in silence."""
    if spelling in _told or _reads_config():
        return
    _told.add(spelling)
    advice = advice or SPELLINGS[spelling]
    link = " " if advice.startswith("and ") else ", "
    progress.warn(f"{where}: {spelling} is deprecated{link}{advice}.", category)


def _reads_config() -> bool:
    frame = sys._getframe(2)
    while frame.f_back is not None:
        if frame.f_globals.get("__name__") == "fastconv.serialization":
            return True
        frame = frame.f_back
    return False


def take(where: str, options: dict[str, Any], spelling: str, value: Any = None) -> Any:
    """Remove and return what `options` have under an old spelling; `value` if it is not there."""
    if spelling not in options:
        return value
    warn(where, spelling)
    return options.pop(spelling)


def keras_1_hint(name: str) -> str:
    """Return what to say about an unknown argument of a layer if it is one of Keras 1, else ""."""
    if name not in KERAS_1:
        return ""
    return (
        f" {name} is of Keras 1, and called {KERAS_1[name]} now. Note that Conv2D(8, 3, 3) has "
        f"strides of 3 now; what it was in Keras 1 is Conv2D(8, (3, 3))."
    )


class OldAttribute:
    """An attribute of the past. Instances may have one of their own by the same name."""

    def __init__(self, spelling: str, value: Callable[[Any], Any]) -> None:
        self._spelling = spelling
        self._value = value

    def __get__(self, instance: Any, owner: type) -> Any:
        """Return the value for an instance, with a warning."""
        if instance is None:
            return self
        value = self._value(instance)
        warn(instance.where, self._spelling)
        return value


class GoneAttribute:
    """An attribute of the past that is refused, with a word on what to do."""

    def __init__(self, name: str, advice: str) -> None:
        self._name, self._advice = name, advice

    def __get__(self, instance: Any, owner: type) -> Any:
        """Raise AttributeError."""
        raise AttributeError(f"{owner.__name__} has no attribute {self._name}: {self._advice}.")


class Logs(dict[str, Any]):
    """Metrics by name, where "acc" finds "accuracy"."""

    def __missing__(self, name: str) -> Any:
        """Return the metric of that old name."""
        return self[metric_name("logs", name, self, strict=True)]

    def get(self, name: str, default: Any = None) -> Any:
        """Return a metric, or `default`."""
        return super().get(metric_name("logs", name, self), default)


def metric_name(where: str, name: str, known: Any, strict: bool = False) -> str:
    """Return the name of today of a metric; any other name as it is, or a KeyError if `strict`."""
    if name not in known and _METRICS.get(name) in known:
        warn(where, name)
        return _METRICS[name]
    if strict:
        raise KeyError(name)
    return name


class _OldModule(ModuleType):
    """A module of the past, which gives the names of its package."""

    def __getattr__(self, name: str) -> Any:
        package = next(p for p in MODULES if self.__name__.startswith(f"{p}."))
        if name.startswith("__"):
            raise AttributeError(checks.no_attribute(self.__name__, name, ()))
        value = getattr(sys.modules[package], name)
        warn(package, self.__name__, f"take {name} from {package}")
        return value


def add_modules(package: str) -> None:
    """Put the old modules of a package in their place."""
    for name in MODULES[package]:
        module = sys.modules[f"{package}.{name}"] = _OldModule(f"{package}.{name}")
        parent, _, last = module.__name__.rpartition(".")
        setattr(sys.modules[parent], last, module)
