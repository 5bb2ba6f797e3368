"""fastconv: convolutional networks on a plain CPU, in Keras's words.

    models -> layers -> ops -> kernels -> C micro-kernels

Every name below is loaded when it is first used, so that `import fastconv` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module as _import_module
from typing import Any

from ._version import __version__

_SUBMODULES = (
    "activations",
    "applications",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "reference",
    "regularizers",
    "saving",
    "utils",
)
#: Public name: the submodule it comes from.
_NAMES = {
    "DTypePolicy": "dtype_policies",
    "Input": "layers",
    "KerasTensor": "layers",
    "Layer": "layers",
    "Sequential": "models",
    "Model": "models",
    "Loss": "losses",
    "Metric": "metrics",
    "Optimizer": "optimizers",
    "Initializer": "initializers",
    "Regularizer": "regularizers",
    "Variable": "layers",
}

__all__ = ["__version__", "show_config", *_SUBMODULES, *_NAMES]


def __getattr__(name: str) -> Any:
    """Load a submodule or a public name on first use (PEP 562)."""
    if name in _SUBMODULES:
        return _import_module(f".{name}", __name__)
    if name in _NAMES:
        value = getattr(_import_module(f".{_NAMES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def show_config() -> None:
    """Print version, instruction sets and threads: what a bug report should hold."""
    import platform
    import sys

    import numpy

    from .kernels import isa, threads

    parallel = "OpenMP" if threads.has_openmp() else "none: this build has no OpenMP"
    print(f"fastconv {__version__}, Python {platform.python_version()}, NumPy {numpy.__version__}")
    print(f"platform:         {platform.platform()} ({sys.implementation.name})")
    print(f"instruction set:  {isa.active()} (this CPU: {', '.join(isa.available())}; "
          f"this build: {', '.join(isa.built())})")  # fmt: skip
    print(f"threads:          {threads.get_num_threads()} ({parallel})")
