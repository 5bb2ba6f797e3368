"""Functional: a model made of symbolic inputs and outputs, `Model(inputs, outputs)`."""

from __future__ import annotations

from typing import Any

from .training import Model


class Functional(Model):
    """What `Model(inputs, outputs)` returns."""

    keras_module = "keras.src.models.functional"

    def __init__(
        self,
        inputs: Any,
        outputs: Any,
        name: str | None = None,
        *,
        trainable: bool = True,
    ) -> None:
        super().__init__(inputs, outputs, trainable=trainable, name=name)
