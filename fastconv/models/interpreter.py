"""Interpreter: runs a program layer by layer.

    infer:  inputs -> step -> step -> ... -> outputs
    train:  the same, and a stack of closures that takes gradients back

Values are let go as soon as nothing needs them any more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..layers import Layer
from ..ops import merging
from .program import Program, masked_slots

Arrays = list[np.ndarray]
#: From the gradients of the outputs (None: no loss there) to those of the inputs.
TakeBack = Callable[[Sequence["np.ndarray | None"]], "list[np.ndarray | None]"]


class Action(NamedTuple):
    """What running one step takes, looked up beforehand."""

    forward: Callable[..., Any]
    source: int  # the slot it reads, -1 if it reads a list
    sources: tuple[int, ...]
    target: int
    training: bool
    free: tuple[int, ...]  # slots that nothing reads afterwards
    regularizer: Any  # of the output, or None
    taped: bool  # whether gradients come back here
    need_dx: bool  # whether they go on to the inputs
    layer: Layer
    masks: tuple[int, ...] | None  # slots of the inputs' masks, None if there can be none


class Interpreter:
    """A program with what running it takes looked up.

    Parameters
    ----------
    program : Program
    taped : list of bool
        Through which steps gradients go back; all False for inference.
    need : list of bool
        Which slots need a gradient.
    """

    def __init__(self, program: Program, taped: list[bool], need: list[bool]) -> None:
        self._program = program
        self._actions: list[Action] = []
        last: dict[int, int] = {}
        for i, step in enumerate(program.steps):
            last.update(dict.fromkeys(step.inputs, i))
        masked = masked_slots(program)
        for i, step in enumerate(program.taped(taped).steps):
            touched = *step.inputs, step.output
            dead = {slot for slot in step.inputs if last[slot] == i} - set(program.outputs)
            self._actions.append(
                Action(
                    forward=step.layer.forward,
                    source=-1 if step.layer.takes_list else step.inputs[0],
                    sources=step.inputs,
                    target=step.output,
                    training=step.training,
                    free=tuple(sorted(dead)),
                    regularizer=step.layer.activity_regularizer,
                    taped=taped[i],
                    need_dx=any(need[slot] for slot in step.inputs),
                    layer=step.layer,
                    masks=step.inputs if masked.intersection(touched) else None,
                )
            )

    def infer(self, inputs: Sequence[np.ndarray]) -> tuple[Arrays, float]:
        """Return the outputs for a batch, which are the caller's, and the activity penalty."""
        program = self._program
        values = _begin(program, inputs)
        masks: dict[int, Any] = {}
        penalty = 0.0
        for action in self._actions:
            source = action.source
            x: Any = values[source] if source >= 0 else [values[i] for i in action.sources]
            if action.masks is None:
                y, _ = action.forward(x, action.training)
            else:
                y, _ = _masked_forward(action, x, masks)
            values[action.target] = y
            for slot in action.free:
                values[slot] = None
            if action.regularizer is not None and len(y):
                penalty += action.regularizer(y) / len(y)
        return [_apart(values[slot], inputs) for slot in program.outputs], penalty

    def train(self, inputs: Sequence[np.ndarray]) -> tuple[Arrays, float, TakeBack]:
        """Return the outputs for a batch, the activity penalty, and what takes gradients back.

        The last works once: what a layer remembers for it is freed as it goes, so that memory
        falls while gradients are computed.
        """
        program = self._program
        values = _begin(program, inputs)
        masks: dict[int, Any] = {}
        penalty = 0.0
        x: Any = None
        y: Any = None
        backward: Any = None
        tape: list[tuple[Callable[..., Any], Action]] = []
        for action in self._actions:
            source = action.source
            x = values[source] if source >= 0 else [values[i] for i in action.sources]
            if action.masks is None:
                y, backward = action.forward(x, action.training)
            else:
                y, backward = _masked_forward(action, x, masks)
            values[action.target] = y
            for slot in action.free:
                values[slot] = None
            if action.regularizer is not None and len(y):
                penalty += action.regularizer(y) / len(y)
                backward = _with_activity_penalty(backward, action.regularizer, y)
            if action.taped:
                tape.append((backward, action))
        outputs = [values[slot] for slot in program.outputs]
        del values, x, y, backward

        def take_back(dys: Sequence[np.ndarray | None]) -> list[np.ndarray | None]:
            gradients: list[Any] = [None] * program.size
            for slot, dy in zip(program.outputs, dys, strict=True):
                _add(gradients, slot, dy)
            del dys, dy
            while tape:
                backward, action = tape.pop()
                dy = gradients[action.target]
                gradients[action.target] = None
                dx = backward(dy, need_dx=action.need_dx)
                del backward, dy
                if not action.need_dx:
                    continue
                if action.source >= 0:
                    _add(gradients, action.source, dx)
                else:
                    for slot, part in zip(action.sources, dx, strict=True):
                        _add(gradients, slot, part)
            return [gradients[slot] for slot in program.inputs]

        return outputs, penalty, take_back


def _apart(y: Any, inputs: Sequence[np.ndarray]) -> Any:
    """Return `y`, or a copy if it lies in an input; a mask may be None."""
    shared = y is not None and any(np.may_share_memory(x, y) for x in inputs)
    return y.copy() if shared else y


def _begin(program: Program, inputs: Sequence[np.ndarray]) -> list[Any]:
    values: list[Any] = [None] * program.size
    for slot, x in zip(program.inputs, inputs, strict=True):
        values[slot] = x
    return values


def _add(gradients: list[Any], slot: int, dx: np.ndarray | None) -> None:
    """Add a gradient to that of a slot. Others may hold the arrays: none is written to."""
    before = gradients[slot]
    if before is None:
        gradients[slot] = dx
    elif dx is not None:
        gradients[slot] = merging.add_all([before, dx])


def _with_activity_penalty(
    backward: Callable[..., Any] | None, regularizer: Any, y: np.ndarray
) -> Callable[..., Any]:
    """Return a layer's `backward` that also goes back from the penalty of its output `y`."""
    assert backward is not None
    inner = backward

    def with_penalty(dy: np.ndarray | None, need_dx: bool = True) -> Any:
        gradient = regularizer.gradient(y) / np.float32(len(y))
        return inner(gradient if dy is None else dy + gradient, need_dx=need_dx)

    return with_penalty


# Masks: only programs with a layer that makes one pay for them


def _masked_forward(action: Action, x: Any, masks: dict[int, Any]) -> tuple[np.ndarray, Any]:
    """Run a step whose input has a mask, or that makes one."""
    layer = action.layer
    given = [masks.get(slot) for slot in action.sources]
    mask: Any = given if action.source < 0 else given[0]
    if layer.uses_mask:
        result = layer.forward(x, action.training, mask=mask)  # type: ignore[call-arg]
    else:
        result = action.forward(x, action.training)
    masks[action.target] = layer.compute_mask(x, mask)
    return result
