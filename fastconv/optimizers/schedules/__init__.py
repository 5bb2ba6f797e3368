"""Learning-rate schedules: functions of the step number, for `optimizer(learning_rate=...)`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ... import serialization
from .cosine import CosineDecay, CosineDecayRestarts
from .decay import ExponentialDecay, InverseTimeDecay, PiecewiseConstantDecay, PolynomialDecay
from .schedule import LearningRateSchedule

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

SCHEDULES: dict[str, type[LearningRateSchedule]] = {
    cls.__name__: cls
    for cls in (
        CosineDecay,
        CosineDecayRestarts,
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )
}


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return the description of a schedule that `deserialize` understands, in Keras's format."""
    config: dict[str, Any] = serialization.serialize(learning_rate_schedule)
    return config


def deserialize(
    config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None = None
) -> LearningRateSchedule:
    """Make a schedule from its description; `custom_objects` are classes of your own, by name.

    Raises
    ------
    ValueError
        The class is not one of this module.
    """
    found: LearningRateSchedule = serialization.deserialize(
        config, SCHEDULES, "learning rate schedule", custom_objects
    )
    return found
