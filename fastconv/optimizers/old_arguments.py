"""Constructor arguments of older versions of Keras, and those that never were."""

from __future__ import annotations

import warnings
from typing import Any

from ..ops import checks


def take_old_arguments(base: type, cls: Any, learning_rate: Any, kwargs: dict[str, Any]) -> Any:
    """Handle the old arguments `lr` and `decay`, refuse all others; return the learning rate.

    Parameters
    ----------
    base : class whose constructor calls this
    cls : class of the optimizer
    kwargs : dict
        What was given beyond the known arguments; emptied.

    Raises
    ------
    ValueError
        An argument is unknown.
    """
    # Python hides a DeprecationWarning that does not point at the user's own line: count the
    # constructors between here and there.
    stacklevel = 2 + sum("__init__" in vars(c) for c in cls.__mro__ if issubclass(c, base))
    if "lr" in kwargs:
        warn_of_lr(cls, stacklevel + 1)
        learning_rate = kwargs.pop("lr")
    if kwargs.pop("decay", None):
        warnings.warn(
            f"{cls.__name__}: decay is no longer supported and ignored; use learning_rate="
            f"schedules.InverseTimeDecay(learning_rate, 1, decay).",
            stacklevel=stacklevel,
        )
    if kwargs:
        hint = checks.did_you_mean(next(iter(kwargs)), cls.config_keys)
        raise ValueError(f"{cls.__name__}: argument(s) not recognized: {kwargs}.{hint}")
    return learning_rate


def warn_of_lr(cls: type, stacklevel: int) -> None:
    """Warn that `lr` is called `learning_rate` now."""
    warnings.warn(
        f"{cls.__name__}: lr is deprecated, use learning_rate.",
        DeprecationWarning,
        stacklevel=stacklevel,
    )
