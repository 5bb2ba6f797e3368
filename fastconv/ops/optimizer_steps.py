"""Optimiser steps: the only ops that write into their arguments, the weights and the slots.

Each first scales and clips the gradient, g' = clip(g * grad_scale, -clip_value, clip_value), and
takes the share `decay` of every weight away (decoupled weight decay: learning rate times rate of
decay); then it updates with g'. All of it is one pass over the arrays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..kernels import optimizer_steps
from . import checks

Float32 = NDArray[np.float32]

_FLOAT32 = np.dtype(np.float32)


def sgd_step(
    w: Any,
    g: Any,
    velocity: Any = None,
    *,
    learning_rate: float,
    momentum: float = 0.0,
    nesterov: bool = False,
    decay: float = 0.0,
    grad_scale: float = 1.0,
    clip_value: float | None = None,
) -> None:
    """Gradient descent: w -= learning_rate * g', or with a velocity v.

    v = momentum * v - learning_rate * g', then w += v or, with Nesterov's momentum,
    w += momentum * v - learning_rate * g'.

    Parameters
    ----------
    w : float32 array, updated
    g : float32 array, shaped like w
    velocity : float32 array, shaped like w, updated; optional
        Without it momentum is not used.
    learning_rate, momentum, nesterov
    decay, grad_scale, clip_value
        See the head of this module.

    Raises
    ------
    TypeError
        An array is not float32.
    ValueError
        Shapes differ, or an array to update is not contiguous.
    """
    arrays = _flatten("sgd_step", w, g, velocity=velocity)
    before = (decay, grad_scale, math.inf if clip_value is None else clip_value)
    optimizer_steps.sgd(*arrays, learning_rate, before, momentum, nesterov)


def adam_step(
    w: Any,
    g: Any,
    m: Any,
    v: Any,
    v_hat: Any = None,
    *,
    alpha: float,
    beta_1: float,
    beta_2: float,
    epsilon: float,
    decay: float = 0.0,
    grad_scale: float = 1.0,
    clip_value: float | None = None,
) -> None:
    """Adam as in Keras: w -= alpha * m / (sqrt(v) + epsilon).

    m += (g' - m) * (1 - beta_1), v += (g'^2 - v) * (1 - beta_2) before that; with v_hat (AMSGrad)
    the largest v so far takes the place of v. Kingma & Ba, "Adam: a method for stochastic
    optimization", ICLR 2015; Reddi, Kale & Kumar, "On the convergence of Adam and beyond",
    ICLR 2018.

    Parameters
    ----------
    w, m, v : float32 arrays of one shape, updated
    g : float32 array, shaped like w
    v_hat : float32 array, shaped like w, updated; optional
    alpha : float
        learning_rate * sqrt(1 - beta_2**t) / (1 - beta_1**t) at step t = 1, 2, ...
    beta_1, beta_2, epsilon
    decay, grad_scale, clip_value
        See the head of this module.

    Raises
    ------
    TypeError, ValueError
        As for `sgd_step`.
    """
    arrays = _flatten("adam_step", w, g, m=m, v=v, v_hat=v_hat)
    before = (decay, grad_scale, math.inf if clip_value is None else clip_value)
    optimizer_steps.adam(*arrays, alpha, before, beta_1, beta_2, epsilon)


def rmsprop_step(
    w: Any,
    g: Any,
    v: Any,
    momentum_slot: Any = None,
    average: Any = None,
    *,
    learning_rate: float,
    rho: float,
    momentum: float = 0.0,
    epsilon: float,
    decay: float = 0.0,
    grad_scale: float = 1.0,
    clip_value: float | None = None,
) -> None:
    """RMSprop as in Keras: w -= step, or through a moment.

    v += (g'^2 - v) * (1 - rho); step = learning_rate * g' / sqrt(v + epsilon). With `average`
    (centered), which follows g' as v does its square, v - average^2 takes the place of v; with
    `momentum_slot` m, m = momentum * m + step takes the place of the step. Tieleman & Hinton,
    Lecture 6.5 of "Neural networks for machine learning", 2012.

    Parameters
    ----------
    w, v : float32 arrays of one shape, updated
    g : float32 array, shaped like w
    momentum_slot, average : float32 array, shaped like w, updated; optional
    learning_rate, rho, momentum, epsilon
    decay, grad_scale, clip_value
        See the head of this module.

    Raises
    ------
    TypeError, ValueError
        As for `sgd_step`.
    """
    arrays = _flatten("rmsprop_step", w, g, v=v, momentum_slot=momentum_slot, average=average)
    before = (decay, grad_scale, math.inf if clip_value is None else clip_value)
    optimizer_steps.rmsprop(*arrays, learning_rate, before, rho, momentum, epsilon)


def sum_of_squares(x: Any) -> float:
    """Return the sum of squares of all elements, added up in double precision in a fixed order."""
    return optimizer_steps.sum_of_squares(checks.as_float32("sum_of_squares", "x", x).reshape(-1))


def _flatten(
    where: str, w: Any, g: Any, **slots: Any
) -> tuple[Float32, Float32, tuple[Float32 | None, ...]]:
    """Return w, g and the slots as flat views, checked."""
    flat_w = _to_update(where, "w", w, getattr(w, "shape", ()))
    g = checks.as_float32(where, "g", g)
    if g.shape != w.shape:
        raise ValueError(f"{where}: g must have the shape of w, {w.shape}, got {g.shape}.")
    flat_slots = tuple(
        [  # a list is quicker than a generator, and this runs for every weight in every step
            None if slot is None else _to_update(where, name, slot, w.shape)
            for name, slot in slots.items()
        ]
    )
    return flat_w, g.reshape(-1), flat_slots


def _to_update(where: str, name: str, array: Any, shape: tuple[int, ...]) -> Float32:
    if type(array) is not np.ndarray or array.dtype != _FLOAT32:
        what = array.dtype if isinstance(array, np.ndarray) else type(array).__name__
        raise TypeError(f"{where}: {name} is updated in place and must be float32, got {what}.")
    if array.shape != shape:
        raise ValueError(f"{where}: {name} must have the shape of w, {shape}, got {array.shape}.")
    flags = array.flags
    if not (flags.c_contiguous and flags.writeable and flags.aligned):
        raise ValueError(
            f"{where}: {name} is updated in place and must be contiguous and writable."
        )
    return array.reshape(-1)
